"""What a policy file looks like: shapes only.

The shapes are read by a privacy officer, so each carries the clauses it implements. What the parts mean together is
`compile`'s business.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictBool, StrictInt, StringConstraints

from pipeline.domain.vocabulary import Action, DataSubjects, Form, LegalBasis, RecipientClass, RefKind, Right, Stance
from pipeline.policy.shape import Clauses, Instant, Kebab, Shape, Snake, Text, Words, listed


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

    legal_basis: Annotated[tuple[LegalBasis, ...], BeforeValidator(listed), Field(min_length=1)]
    categories: Words | None = None
    never_shared: StrictBool = False
    also_called: Words = ()
    data_subjects: Annotated[tuple[DataSubjects, ...], BeforeValidator(listed), Field(min_length=1)] = (
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
    code: Snake | None = None
    categories: Words = ()
    purposes: Words = ()
    keep: object = None
    then: Action = Action.ERASE
    ends: tuple[EndShape, ...] = ()
    complete: Mapping[str, Snake] = Field(default_factory=dict)
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
