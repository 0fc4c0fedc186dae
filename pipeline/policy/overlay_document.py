"""What an overlay file looks like: the operator's values where a notice leaves a choice. Shapes only."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field, StrictBool, StrictInt

from pipeline.domain.vocabulary import LegalBasis
from pipeline.policy.shape import Day, Kebab, Shape, Text, Words, listed


class GrantShape(Shape):
    """What the operator lets a recipient have where the notice is silent, and why."""

    grant: Annotated[Words, Field(min_length=1)]
    because: Text


class RecordShape(Shape):
    """What the record of processing activities needs beside the policy (GDPR Art. 30(1)(a), (e) and (g))."""

    contact: Text | None = None
    representative: Text | None = None
    data_protection_officer: Text | None = None
    transfers: Text | None = None
    security: Text | None = None


class AnswerCalendarShape(Shape):
    """Days on which nobody answers, beside Saturdays and Sundays: a deadline moves to the next other day."""

    holidays: tuple[Day, ...]


class OverlayShape(Shape):
    """The operator's values for one controller, for all versions of its policy or for one."""

    controller: Text
    version: Text | None = None
    operator: Mapping[str, StrictBool | StrictInt | Text] = Field(default_factory=dict)
    legal_basis: Mapping[str, Annotated[tuple[LegalBasis, ...], BeforeValidator(listed), Field(min_length=1)]] = Field(
        default_factory=dict
    )
    recipients: Mapping[str, GrantShape] = Field(default_factory=dict)
    record: RecordShape = Field(default_factory=RecordShape)
    answer_calendar: AnswerCalendarShape | None = None
    sinks: tuple[Kebab, ...] = ()
