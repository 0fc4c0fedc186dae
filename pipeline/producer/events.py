"""Typed source events, one class per family; building one checks it, before anything is sent.

They match `schemas/source-*.avsc`: a test compares field by field and event by event.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Annotated, Any, ClassVar, Literal, LiteralString, Self

from pydantic import AfterValidator, AwareDatetime, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from pipeline.domain.opaque import OPAQUE, is_opaque
from pipeline.domain.topics import Topics
from pipeline.domain.vocabulary import CONTROL_KEY, Family
from pipeline.producer.errors import EventRejected
from pipeline.producer.field_groups import (
    AccountFields,
    CallFields,
    CaseFields,
    CaseNoteFields,
    ContactFields,
    DecisionFields,
    DeliveryFields,
    DigitalFields,
    EmailFields,
    MediaFields,
    MessageFields,
    OpinionFields,
    OrderFields,
    PreferenceFields,
    TransactionFields,
)

# Numbers of seven digits and more read like a telephone or personal identity number, and cannot be told from one.
_PERSONAL = re.compile(r"@|\s|^\+?[\d()/.-]{7,24}$")


def _pseudonymous(value: str) -> str:
    if _PERSONAL.search(value):
        raise PydanticCustomError(
            "pseudonymous",
            "an id must not be an e-mail address, telephone or identity number; use a pseudonym such as s-81f0",
        )
    return value


def _opaque(value: str) -> str:
    if not is_opaque(_pseudonymous(value)):
        raise PydanticCustomError("form", _OPAQUE_HINT)
    return value


_OPAQUE_HINT: LiteralString = f"an id in clear must be opaque: use {OPAQUE}"

Opaque = Annotated[str, AfterValidator(_opaque)]
"""An id that goes into keys in clear, so it must not be personal data; the lanes check its form once more."""

Header = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,200}$"), AfterValidator(_pseudonymous)]
"""Goes into a header in clear: no personal data; printable ASCII, at most 200 characters."""


class _Event(DecisionFields, ContactFields):
    """What every event has. `repr` shows type and id only."""

    family: ClassVar[Family]
    required: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    event_id: Opaque
    type: str
    occurred_at: AwareDatetime
    controller: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    data_subject_id: Opaque
    source: Header

    @model_validator(mode="wrap")
    @classmethod
    def _reject(cls, values: Any, handler: Callable[[Any], Self]) -> Self:
        """Turn pydantic's error, which could show values, into one that names field, rule and cure."""
        try:
            event = handler(values)
        except ValidationError as error:
            raise _rejection(error.errors(include_input=False, include_url=False)[0]) from None
        for name in cls.required.get(event.type, ()):
            if getattr(event, name) is None:
                raise EventRejected(name, "required", f"{event.type} needs it")
        return event

    def __repr_args__(self) -> list[tuple[str | None, Any]]:
        return [("type", self.type), ("event_id", self.event_id)]

    @property
    def destination(self) -> str:
        """Return the topic that the event goes to: the family's, or control for what concerns many keys."""
        topics = Topics(self.controller)
        return topics.control if self.data_subject_id == CONTROL_KEY else topics.source(self.family)

    @property
    def schema_name(self) -> str:
        """Return the name of the schema that it is written with."""
        return f"source-{self.family}"

    def record(self) -> dict[str, object]:
        """Return the event as a record of its schema. Personal data: for the encoder only."""
        fields: dict[str, object] = {name: getattr(self, name) for name in type(self).model_fields}
        if self.address is not None:
            fields["address"] = dict(self.address)
        fields["occurred_at"] = self.occurred_at.astimezone(UTC)
        return {**fields, "undeclared": {}}


class Purchase(_Event, TransactionFields, OrderFields, DeliveryFields, DigitalFields, EmailFields):
    """A purchase, a booking or a claim, and what is ordered with them.

    >>> from datetime import datetime, UTC
    >>> Purchase(type="purchase.completed", event_id="order-1/completed", controller="tek-zence", source="web-shop",
    ...          data_subject_id="s-81f0", occurred_at=datetime(2024, 2, 29, 13, tzinfo=UTC), name="Jane Doe")
    Purchase(type='purchase.completed', event_id='order-1/completed')
    """

    family: ClassVar[Family] = Family.PURCHASE
    type: Literal[
        "purchase.requested", "purchase.completed", "purchase.refused", "credit_check.requested", "refund.issued",
        "claim.raised", "course.booked", "course.attended", "diploma.issued", "transaction.accessed",
        "return.requested", "warranty.claimed", "delivery.ordered", "installation.ordered",
    ]  # fmt: skip


class Contact(
    _Event, TransactionFields, OrderFields, DigitalFields, EmailFields, CaseNoteFields, MessageFields,
    CallFields, OpinionFields,
):  # fmt: skip
    """A message, call, mailing or visit."""

    family: ClassVar[Family] = Family.CONTACT

    type: Literal[
        "contact.email", "contact.phone", "contact.chat", "contact.social", "contact.post", "notice.sent",
        "call.recorded", "call.monitored", "infoletter.sent", "newsletter.sent", "newsletter.opened",
        "newsletter.clicked", "survey.invited", "survey.opened", "survey.responded", "complaint.lodged", "web.visited",
        "app.used", "social.removed_by_creator", "social.unavailable",
    ]  # fmt: skip


class Camera(_Event, MediaFields):
    """A camera clip or photograph; `data_subject_id` holds the clip's id."""

    family: ClassVar[Family] = Family.CCTV

    type: Literal["cctv.ingested", "photo.ingested"]


class Lifecycle(
    _Event, TransactionFields, OrderFields, DigitalFields, EmailFields, CaseNoteFields, AccountFields,
    PreferenceFields, CaseFields, MediaFields,
):  # fmt: skip
    """What begins, changes or ends the keeping of other data."""

    family: ClassVar[Family] = Family.LIFECYCLE
    required: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "case.opened": ("case_id",),
        "case.reclassified": ("case_id", "matter"),
        "case.closed": ("case_id",),
        "case.reopened": ("case_id",),
        "recall.issued": ("products",),
        "hold.opened": ("hold_id",),
        "hold.closed": ("hold_id",),
        "survey.draw.requested": ("month", "quota"),
        "voucher.retagged": ("records",),
    }

    type: Literal[
        "customer.registered", "opt_in", "opt_out", "consent.given", "consent.withdrawn", "access.requested",
        "rectification.requested", "erasure.requested", "restriction.requested", "restriction.lifted",
        "portability.requested", "objection.raised", "account.opened", "account.closed", "account.locked",
        "profile.updated", "loyalty.updated", "preferences.set", "case.opened", "case.reclassified", "case.closed",
        "case.reopened", "obligation.opened", "obligation.settled", "delivery.completed", "installation.completed",
        "order.cancelled", "service_agreement.opened", "service_agreement.closed", "recall.issued", "hold.opened",
        "hold.closed", "authority.requested", "policy.published", "survey.draw.requested", "voucher.retagged",
    ]  # fmt: skip


Event = Purchase | Contact | Camera | Lifecycle

_HINTS: Mapping[str, tuple[str, str]] = {
    "missing": ("required", "every event needs it"),
    "extra_forbidden": ("unknown_field", "the schema of this family has no such field"),
    "timezone_aware": ("aware-time", "give the time a zone, such as datetime(2024, 2, 29, tzinfo=UTC)"),
    "string_pattern_mismatch": ("form", "it has not the form that docs/reference/events.md gives"),
}


def _rejection(problem: ErrorDetails) -> EventRejected:
    """Return what a problem means. Names are shown where they look like ours; any other text could be a value."""
    parts = [str(part) for part in problem["loc"]]
    field = ".".join(part if re.fullmatch(r"[a-z][a-z0-9_]{0,40}", part) else "?" for part in parts) or "event"
    match problem["type"]:
        case "literal_error":
            return EventRejected(field, "one-of", f"use one of {problem['ctx']['expected']}")
        case "pseudonymous" | "form" as rule:
            return EventRejected(field, rule, problem["msg"])
        case kind if kind in _HINTS:
            return EventRejected(field, *_HINTS[kind])
        case _:
            return EventRejected(field, "type", problem["msg"][:1].lower() + problem["msg"][1:])
