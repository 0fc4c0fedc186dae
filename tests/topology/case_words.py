"""What the cases are made of: events as `pipeline simulate` reads them, and the ends that must come of them."""

from dataclasses import dataclass
from typing import Any

ADDRESS = {"street": "Storgatan 1", "postcode": "111 22", "city": "Solna", "country": "SE"}
PERSON: dict[str, Any] = {"name": "Test Person", "address": ADDRESS, "phone": "+46 8 000 00", "email": "t@example.org"}

Due = tuple[str, str, str | None, str]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One hard case.

    Attributes:
        events: CloudEvents in order of arrival.
        until: Until when time passes.
        due: What must fall due: (category, action, kept_until, due_at), each once or more.
        clauses: Clauses and readings it proves.
    """

    events: list[dict[str, Any]]
    until: str
    due: set[Due]
    clauses: str


def event(identity: str, kind: str, time: str, controller: str, key: str, **data: Any) -> dict[str, Any]:
    """Return one CloudEvent in structured mode."""
    return {
        "specversion": "1.0",
        "id": identity,
        "source": "//tests",
        "type": kind,
        "time": time,
        "controller": controller,
        "partitionkey": key,
        "data": data,
    }


def email(identity: str, time: str, *, key: str = "", **data: Any) -> dict[str, Any]:
    """Return an e-mail to AllCall, each in a case of its own, and from somebody of their own unless a key is given."""
    return event(
        identity,
        "contact.email",
        time,
        "allcall",
        key or f"s-{identity}",
        context="email",
        direction="in",
        initiated_by="customer",
        email="t@example.org",
        email_message="a question",
        **{"matter": "other", "case_id": f"case-{identity}", **data},
    )


def mail_ends(*ends: tuple[str | None, str]) -> set[Due]:
    """Return the ends of e-mails with an address and a message, each as last day kept and due instant."""
    return {(category, "erase", kept, due) for kept, due in ends for category in ("A", "C.email")}


BOOKS = {("A", "erase", "2031-12-31", "2031-12-31T23:00:00Z"), ("B", "erase", "2031-12-31", "2031-12-31T23:00:00Z")}
