"""What policy and overlay files look like: shapes only, checked strictly, every problem at once with file and line.

The shapes are read by a privacy officer, so each carries the clauses it implements. What the parts mean together is
`compile`'s business.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Literal, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StringConstraints,
    ValidationError,
)

from pipeline.domain.vocabulary import Action, DataSubjects, Form, LegalBasis, RecipientClass, RefKind, Right, Stance

Where = tuple[str | int, ...]
"""The way to a value in a file: keys and positions from the top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file as plain data, with the line on which each value stands.

    Attributes:
        name: How problems name the file.
        data: Mappings, sequences, strings, numbers, booleans and None.
        lines: One-based line by the way to a value.
    """

    name: str
    data: object
    lines: Mapping[Where, int] = field(default_factory=dict)

    def at(self, where: Where = ()) -> str:
        """Return `file:line` of a value, or of the nearest value around it."""
        for length in range(len(where), -1, -1):
            if where[:length] in self.lines:
                return f"{self.name}:{self.lines[where[:length]]}"
        return f"{self.name}:1"


@dataclass(slots=True)
class Problems:
    """Everything found wrong, gathered so that one run tells it all."""

    found: list[str] = field(default_factory=list)

    def add(self, source: SourceFile, where: Where, says: str) -> None:
        """Note a problem at a place; the same sentence at the same place is noted once."""
        sentence = f"{source.at(where)}: {says}"
        if sentence not in self.found:
            self.found.append(sentence)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _written(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be an instant with its zone, such as 2024-07-11T00:00:00+01:00")  # noqa: TRY004 (pydantic)
    return value


Kebab = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]+([.-][A-Za-z0-9]+)*$")]
Text = Annotated[str, StringConstraints(min_length=1)]
Words = Annotated[tuple[Text, ...], BeforeValidator(_listed)]
"""One word or several."""
Clauses = Annotated[tuple[Text, ...], BeforeValidator(_listed), Field(min_length=1)]
"""At least one clause of the notice."""


Instant = Annotated[AwareDatetime, BeforeValidator(_written)]
"""An instant with its offset from UTC."""


def _day(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be a day, such as 2024-12-25")  # noqa: TRY004 (pydantic)
    return value


Day = Annotated[date, BeforeValidator(_day)]
"""A calendar day."""


class Shape(BaseModel):
    """A part of a file: nothing unknown in it. Lists become tuples and words enums; no number is read from text."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class AuthorityShape(Shape):
    """The supervisory authority that the notice names."""

    name: Text
    clauses: Clauses


class HeaderShape(Shape):
    """Whose notice this is, which version, from when, and in which zone its dates are."""

    controller: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    name: Text
    notice: Text
    version: Text
    published_at: Instant
    effective_from: Instant | None = None
    zone: Text
    before_first: Literal["apply", "refuse"] = "apply"
    authority: AuthorityShape | None = None
    clauses: tuple[Text, ...] = ()


class ClauseShape(Shape):
    """What a clause means in our own words, and why nothing has to be done where it only informs."""

    says: Text
    notice_only: Text | None = None


class CategoryShape(Shape):
    """The fields of a personal-data category; a complete one has the required ones, a confidential one never leaves."""

    fields: Annotated[Words, Field(min_length=1)]
    required: Words = ()
    confidential: StrictBool = False
    observed: Words = ()
    dpv: Words = ()
    clauses: Clauses


class ContextShape(Shape):
    """Which categories may be processed in a context, and which events are in it by nature."""

    categories: Words
    natural_for: Words = ()
    clauses: Clauses


class SourceShape(Shape):
    """Which categories may come from a source; none listed means any."""

    categories: Words | None = None
    clauses: Clauses


class PurposeShape(Shape):
    """A purpose: its legal bases as the notice names them, categories that may serve it, its form of output."""

    legal_basis: Annotated[tuple[LegalBasis, ...], BeforeValidator(_listed), Field(min_length=1)]
    categories: Words | None = None
    never_shared: StrictBool = False
    also_called: Words = ()
    data_subjects: Annotated[tuple[DataSubjects, ...], BeforeValidator(_listed), Field(min_length=1)] = (
        DataSubjects.CUSTOMER,
    )
    output: Form = Form.PERSONAL
    dpv: Words = ()
    clauses: Clauses


class OperatorShape(Shape):
    """A value that the notice leaves to the operator."""

    says: Text
    type: Literal["month", "years", "period", "zone", "yes-no"]
    required: StrictBool = True


class StateShape(Shape):
    """A state that lasts between facts, or while any of other states does; only facts that match `where` open it."""

    opens: Words = ()
    where: Mapping[str, Text] = Field(default_factory=dict)
    closes: Words = ()
    per: RefKind = RefKind.SUBJECT
    any_of: Words = ()


class ConditionShape(Shape):
    """A condition with a name, so that rules read well."""

    when: Text
    clauses: tuple[Text, ...] = ()


class RetentionShape(Shape):
    """A retention with a name; `keep` is an expression of the algebra."""

    keep: object
    clauses: Clauses


class InboxShape(Shape):
    """An e-mail inbox and the matter classes sorted into it."""

    matters: Annotated[Words, Field(min_length=1)]
    otherwise: StrictBool = False
    clauses: Clauses


class EndShape(Shape):
    """One stage of a tag's end."""

    action: Action
    keep: object
    findable_by: Words = ()
    clauses: tuple[Text, ...] = ()


class RuleShape(Shape):
    """For these events, in these contexts, under this condition: these categories for these purposes, kept so long."""

    events: Annotated[Words, Field(min_length=1)]
    contexts: Words | None = None
    when: Text | None = None
    otherwise: Literal["skip", "drop", "refuse", "wait"] = "skip"
    code: Kebab | None = None
    categories: Words = ()
    purposes: Words = ()
    keep: object = None
    then: Action = Action.ERASE
    ends: tuple[EndShape, ...] = ()
    complete: Mapping[str, Kebab] = Field(default_factory=dict)
    inbox: StrictBool = False
    retags: Mapping[str, Words] = Field(default_factory=dict)
    clauses: Clauses


class ProfileShape(Shape):
    """What is kept per subject, case or account across events."""

    per: RefKind
    categories: Annotated[Words, Field(min_length=1)]
    purposes: Annotated[Words, Field(min_length=1)]
    absorbs: StrictBool
    supported_by: Annotated[Words, Field(min_length=1)]
    keep: object = None
    clauses: Clauses


class RecipientShape(Shape):
    """Who may get what, on which events, and when it must erase."""

    recipient_class: RecipientClass = Field(alias="class")
    stance: Stance
    carrier: StrictBool = False
    fields: Words = ()
    categories: Words = ()
    exact: StrictBool = False
    events: Words = ()
    when: Text | None = None
    requires: Text | None = None
    erase_after: object = None
    purpose: Text | None = None
    clauses: Clauses


class TriggerShape(Shape):
    """What a fact does to the tags it concerns."""

    events: Annotated[Words, Field(min_length=1)]
    of: RefKind = RefKind.SUBJECT
    where: Mapping[str, Words] = Field(default_factory=dict)
    categories: Words = ()
    purposes: Words = ()
    rules: Words = ()
    effect: Literal["end", "remainder", "stop-use", "restrict"]
    defer_while: object = None
    keep: object = None
    findable_by: Words = ()
    forgets_subject: StrictBool = False
    clauses: Clauses


class WordsShape(Shape):
    """What the statements to data subjects call the parts of the policy, in the language of its notice."""

    language: Literal["en", "no", "sv", "vi"]
    fields: Mapping[str, Text] = Field(default_factory=dict)
    categories: Mapping[str, Text] = Field(default_factory=dict)
    purposes: Mapping[str, Text] = Field(default_factory=dict)
    recipients: Mapping[str, Text] = Field(default_factory=dict)
    states: Mapping[str, Text] = Field(default_factory=dict)
    events: Mapping[str, Text] = Field(default_factory=dict)
    values: Mapping[str, Text] = Field(default_factory=dict)


class FeeShape(Shape):
    """How many requests are free, per what, and what further ones may cost."""

    free: Annotated[StrictInt, Field(ge=1, le=1000)]
    per: Literal["calendar-year"]
    then: Literal["may-charge"]


class ExceptionShape(Shape):
    """Tags that an objection or a withdrawal spares, or ends only when a state is over."""

    categories: Words = ()
    purposes: Words = ()
    rules: Words = ()
    stays: StrictBool = False
    defer_while: object = None
    clauses: tuple[Text, ...] = ()


class RightShape(Shape):
    """What the notice says of one right: until when it is answered, at what fee, and what a request needs to count."""

    answer_within: Text | None = None
    fee: Literal["free"] | FeeShape | None = None
    needs: Words = ()
    until_then: Kebab | None = None
    exceptions: tuple[ExceptionShape, ...] = ()
    defers_deletion_for: Words = ()
    clauses: Clauses


class ListShape(Shape):
    """Whom an event on the control topic lists: a random sample, or everybody for whom a condition holds."""

    events: Annotated[Words, Field(min_length=1)]
    when: Text | None = None
    profile: Text | None = None
    bought_on: Words = ()
    sample: StrictBool = False
    purpose: Text
    clauses: Clauses


class PolicyShape(Shape):
    """One version of one controller's notice."""

    policy: HeaderShape
    clauses: Mapping[str, Text | ClauseShape]
    operator: Mapping[str, OperatorShape] = Field(default_factory=dict)
    categories: Mapping[Kebab, CategoryShape]
    contexts: Mapping[str, ContextShape] = Field(default_factory=dict)
    sources: Mapping[str, SourceShape] = Field(default_factory=dict)
    purposes: Mapping[Kebab, PurposeShape]
    states: Mapping[Kebab, StateShape] = Field(default_factory=dict)
    conditions: Mapping[str, ConditionShape] = Field(default_factory=dict)
    retention: Mapping[Kebab, RetentionShape] = Field(default_factory=dict)
    inboxes: Mapping[Kebab, InboxShape] = Field(default_factory=dict)
    rules: Mapping[Kebab, RuleShape]
    profiles: Mapping[Kebab, ProfileShape] = Field(default_factory=dict)
    recipients: Mapping[Kebab, RecipientShape] = Field(default_factory=dict)
    triggers: Mapping[Kebab, TriggerShape] = Field(default_factory=dict)
    lists: Mapping[Kebab, ListShape] = Field(default_factory=dict)
    words: WordsShape | None = None
    rights: Mapping[Right, RightShape] = Field(default_factory=dict)


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
    legal_basis: Mapping[str, Annotated[tuple[LegalBasis, ...], BeforeValidator(_listed), Field(min_length=1)]] = Field(
        default_factory=dict
    )
    recipients: Mapping[str, GrantShape] = Field(default_factory=dict)
    record: RecordShape = Field(default_factory=RecordShape)
    answer_calendar: AnswerCalendarShape | None = None
    sinks: tuple[Kebab, ...] = ()


S = TypeVar("S", bound=Shape)


def read(shape: type[S], source: SourceFile, problems: Problems) -> S | None:
    """Return a file in its shape, or None after noting everything that does not fit."""
    try:
        return shape.model_validate(source.data)
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            where = _without_branches(problem["loc"], source)
            problems.add(source, where, _sentence(problem["type"], problem["msg"], where, shape))
        return None


_CURES: Mapping[str, str] = {
    "extra_forbidden": "is not known here; correct its spelling or remove it",
    "missing": "is missing; add it",
    "timezone_aware": "needs its offset from UTC, such as 2024-07-11T00:00:00+01:00",
    "too_short": "is empty; name at least one",
    "model_type": "must be a mapping of keys to values",
    "string_type": "must be words",
    "tuple_type": "must be a list",
    "bool_type": "must be true or false",
}


def _sentence(kind: str, message: str, where: Where, shape: type[Shape]) -> str:
    name = ".".join(str(part) for part in where) or "the file"
    if kind == "extra_forbidden" and len(where) == 1:
        return f"{name} is not known here; the sections are {', '.join(shape.model_fields)}"
    if kind in _CURES:
        return f"{name} {_CURES[kind]}"
    return f"{name} {message.removeprefix('Input ').removeprefix('Value error, ')}"


_BRANCHES = frozenset({"ClauseShape", "bool", "int", "constrained-str", "str"})


def _without_branches(location: Iterable[str | int], source: SourceFile) -> Where:
    """Return the way without the names of union members that pydantic puts into it."""
    where: Where = ()
    for part in location:
        if part in _BRANCHES and (*where, part) not in source.lines:
            continue
        where = (*where, part)
    return where
