"""The condition language of policies: closed, small, parsed, never evaluated as code.

A condition looks at the attributes of an event and asks a fixed table of functions about what happened before it.
Names are checked when a policy is loaded; an unknown one is an error that lists the known ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from lark import Lark, Token, Transformer, UnexpectedInput
from lark.exceptions import VisitError

from pipeline.domain.events import ATTRIBUTES
from pipeline.domain.vocabulary import RefKind
from pipeline.policy.asked import Asked, Condition
from pipeline.policy.months import previous_month, sampled_month
from pipeline.policy.retention import FactPattern, State, While, patterns_of
from pipeline.policy.spans import lasts

GRAMMAR = r"""
?start: any_of
?any_of: all_of ("or" all_of)*
?all_of: negated ("and" negated)*
?negated: "not" negated -> negation
        | atom
?atom: "(" any_of ")"
     | NAME "==" NAME -> equals
     | NAME "!=" NAME -> differs
     | NAME "in" "(" NAME ("," NAME)* ")" -> one_of
     | NAME "not" "in" "(" NAME ("," NAME)* ")" -> none_of
     | NAME "is" "set" -> is_set
     | NAME "is" "not" "set" -> is_unset
     | NAME "(" NAME ("," NAME)* ")" -> call
     | NAME -> name
NAME: /[A-Za-z][A-Za-z0-9_.-]*/
%import common.WS
%ignore WS
"""
"""The grammar of conditions, in Lark's notation; `docs/reference/policy-language.md` shows it."""

_PARSER = Lark(GRAMMAR, parser="lalr", maybe_placeholders=False)


IDENTIFYING = frozenset({
    "order_id", "case_id", "account_id", "clip_id", "hold_id", "records", "participants", "consents", "products",
    "quota", "month", "store", "site",
})  # fmt: skip
"""Attributes whose values tell one event from another; a decision that looks at them cannot be shared by many."""


class UnknownName(ValueError):
    """A condition cannot be read, or uses a name that is not known; the message says which are."""


@dataclass(slots=True)
class Vocabulary:
    """What conditions of one policy may name, and what they need to answer.

    Attributes:
        tz: The policy's zone, for calendar months.
        states: Named states.
        conditions: Named conditions, as written.
        profiles: Whether a profile exists as of an event, by profile id; filled once rules are compiled.
        known_profiles: Profile ids that may be named.
        fields: Fields of all categories.
        purposes: Purpose ids.
        also_called: Other words for a purpose, by its id.
        broken: Named conditions that were found wrong, where they stand; not to be told again where they are used.
    """

    tz: ZoneInfo
    states: Mapping[str, State] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)
    profiles: dict[str, Condition] = field(default_factory=dict)
    known_profiles: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()
    also_called: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A condition ready to be asked, and what it listens to.

    Attributes:
        holds: The condition.
        facts: Event names it asks the past for; none means it needs no state.
        events: Event names it compares the event's own with.
        profiles: Profiles it asks for.
        ids: True if it looks at the value of an attribute that tells events apart, such as a list of participants.
    """

    holds: Condition
    facts: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    profiles: frozenset[str] = frozenset()
    ids: bool = False

    @property
    def needs_state(self) -> bool:
        """Return whether two events that differ in their ids and histories alone may be decided differently."""
        return bool(self.facts or self.profiles or self.ids)


def parse_condition(text: str, vocabulary: Vocabulary) -> Parsed:
    """Return a condition compiled to closures.

    Raises:
        UnknownName: it does not follow the grammar, or names something unknown.
    """
    return _parse(text, vocabulary, ())


def _parse(text: str, vocabulary: Vocabulary, within: tuple[str, ...]) -> Parsed:
    try:
        tree = _PARSER.parse(text)
    except UnexpectedInput as error:
        raise UnknownName(
            f"the condition cannot be read at column {error.column}; conditions are built of "
            "`name == value`, `name in (a, b)`, `name is set`, functions, `and`, `or`, `not`"
        ) from None
    try:
        parsed: Parsed = _Compiler(vocabulary, within).transform(tree)
    except VisitError as error:
        if isinstance(error.orig_exc, UnknownName):
            raise error.orig_exc from None
        raise
    return parsed


Value = Callable[[Asked], object]


class _Compiler(Transformer[Token, Parsed]):
    """Turns the parse tree into closures, from the leaves up."""

    def __init__(self, vocabulary: Vocabulary, within: tuple[str, ...]) -> None:
        super().__init__()
        self._vocabulary = vocabulary
        self._within = within

    def any_of(self, parts: list[Parsed]) -> Parsed:
        return _joined(parts, lambda asked: any(part.holds(asked) for part in parts))

    def all_of(self, parts: list[Parsed]) -> Parsed:
        return _joined(parts, lambda asked: all(part.holds(asked) for part in parts))

    def negation(self, parts: list[Parsed]) -> Parsed:
        (part,) = parts
        return _joined(parts, lambda asked: not part.holds(asked))

    def equals(self, words: list[Token]) -> Parsed:
        return self._compared(words)

    def one_of(self, words: list[Token]) -> Parsed:
        return self._compared(words)

    def differs(self, words: list[Token]) -> Parsed:
        return self.negation([self._compared(words)])

    def none_of(self, words: list[Token]) -> Parsed:
        return self.negation([self._compared(words)])

    def is_set(self, words: list[Token]) -> Parsed:
        name = str(words[0])
        value = _attribute(name)
        # An empty text says nothing: a release without a ground has none, however the producer writes that.
        return Parsed(holds=lambda asked: value(asked) not in (None, ""), ids=name in IDENTIFYING)

    def is_unset(self, words: list[Token]) -> Parsed:
        return self.negation([self.is_set(words)])

    def name(self, words: list[Token]) -> Parsed:
        name = str(words[0])
        if name in self._within:
            raise UnknownName(f"the condition {name} refers to itself")
        if name in self._vocabulary.broken:
            return Parsed(holds=lambda _asked: False)
        if name in self._vocabulary.conditions:
            return _parse(self._vocabulary.conditions[name], self._vocabulary, (*self._within, name))
        value = _attribute(name, self._vocabulary.conditions)
        return Parsed(holds=lambda asked: _word(value(asked)) == "true")

    def call(self, words: list[Token]) -> Parsed:
        name, *arguments = (str(word) for word in words)
        if name not in FUNCTIONS:
            raise UnknownName(f"there is no function {name}; there are {', '.join(sorted(FUNCTIONS))}")
        return FUNCTIONS[name](self._vocabulary, arguments)

    def _compared(self, words: list[Token]) -> Parsed:
        name, *values = (str(word) for word in words)
        value, wanted = _attribute(name), frozenset(values)
        events = wanted if name == "event" else frozenset()
        return Parsed(holds=lambda asked: _word(value(asked)) in wanted, events=events, ids=name in IDENTIFYING)


def _joined(parts: list[Parsed], holds: Condition) -> Parsed:
    return Parsed(
        holds=holds,
        facts=frozenset().union(*(part.facts for part in parts)),
        events=frozenset().union(*(part.events for part in parts)),
        profiles=frozenset().union(*(part.profiles for part in parts)),
        ids=any(part.ids for part in parts),
    )


def _attribute(name: str, conditions: Mapping[str, str] | None = None) -> Value:
    if name == "event":
        return lambda asked: asked.head.type
    if name not in ATTRIBUTES:
        also = f"; named conditions are {', '.join(sorted(conditions))}" if conditions else ""
        raise UnknownName(f"there is no attribute {name}; attributes are event, {', '.join(ATTRIBUTES)}{also}")
    return lambda asked: asked.head.attributes.get(name)


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _happened(_vocabulary: Vocabulary, events: list[str]) -> Parsed:
    """Hold if any of these events happened to the subject, up to the event."""
    types = frozenset(events)
    return Parsed(
        holds=lambda asked: asked.facts(RefKind.SUBJECT).last(types, until=asked.head.occurred_at) is not None,
        facts=types,
    )


def _happened_last_month(vocabulary: Vocabulary, events: list[str]) -> Parsed:
    """Hold if any of these events happened in the calendar month before the event's, in the policy's zone."""
    types = frozenset(events)

    def holds(asked: Asked) -> bool:
        start, stop = previous_month(asked.head.occurred_at, vocabulary.tz)
        return any(start <= fact.at < stop for fact in asked.facts(RefKind.SUBJECT).of(types))

    return Parsed(holds=holds, facts=types)


def _happened_in_month(vocabulary: Vocabulary, events: list[str]) -> Parsed:
    """Hold if any of these events happened in the calendar month that the event names, in the policy's zone.

    A month that is not over names the occasion, such as the survey of June: then the last full month counts.
    """
    types = frozenset(events)

    def holds(asked: Asked) -> bool:
        start, stop = sampled_month(asked.head, vocabulary.tz)
        return any(start <= fact.at < stop for fact in asked.facts(RefKind.SUBJECT).of(types))

    return Parsed(holds=holds, facts=types, ids=True)


def _in_state(vocabulary: Vocabulary, arguments: list[str]) -> Parsed:
    """Hold if a state lasts at the event, for its subject or for the order, case or account that is named second."""
    name, kind = (*arguments, RefKind.SUBJECT.value)[:2]
    if name not in vocabulary.states:
        raise UnknownName(f"there is no state {name}; there are {', '.join(sorted(vocabulary.states)) or 'none'}")
    if kind not in tuple(RefKind) or len(arguments) > 2:
        raise UnknownName(f"in_state takes a state and one of {', '.join(RefKind)}")
    state, of = vocabulary.states[name], RefKind(kind)
    types = frozenset(name for _of, names in patterns_of(While(state=state, of=of)) for name in names)
    return Parsed(holds=lambda asked: lasts(state, asked.facts(of), asked.head.occurred_at), facts=types)


def _not_opted_out(vocabulary: Vocabulary, arguments: list[str]) -> Parsed:
    """Hold unless the subject's last word on this mailing was an opt-out.

    A word that names no mailing counts by its purpose: the mailing's own name, or one of the purposes named here.
    """
    mailing, *purposes = arguments
    served = {mailing, *(_purpose("not_opted_out", vocabulary, [purpose]) for purpose in purposes)}
    where = (("mailing", mailing), *(("purpose", purpose) for purpose in sorted(served)))
    return _last_word("opt_out", ("opt_in", "opt_out"), where, negated=True)


def _consent(vocabulary: Vocabulary, arguments: list[str]) -> Parsed:
    """Hold if the subject's last word on this purpose was a consent.

    Consent is specific (GDPR Art. 4(11)): one that names no purpose is consent to none; a withdrawal that names none
    withdraws all.
    """
    purpose = _purpose("consent", vocabulary, arguments)
    types = ("consent.given", "consent.withdrawn")

    def holds(asked: Asked) -> bool:
        said = asked.facts(RefKind.SUBJECT).of(types, until=asked.head.occurred_at)
        on_this = {"consent.given": (purpose,), "consent.withdrawn": (purpose, None)}
        words = [fact.type for fact in said if fact.attribute("purpose") in on_this[fact.type]]
        return words[-1:] == ["consent.given"]

    return Parsed(holds=holds, facts=frozenset(types))


def _withdrawn(vocabulary: Vocabulary, arguments: list[str]) -> Parsed:
    """Hold if the subject's last word on this purpose took a permission back; one that names no purpose takes all."""
    purpose = _purpose("withdrawn", vocabulary, arguments)
    return _last_word("consent.withdrawn", ("consent.given", "consent.withdrawn"), (("purpose", purpose),))


def _objected(vocabulary: Vocabulary, arguments: list[str]) -> Parsed:
    """Hold if the subject objected to this purpose, or objected without naming one."""
    purpose = _purpose("objected", vocabulary, arguments)
    types = frozenset({"objection.raised"})
    names = {None, purpose, *vocabulary.also_called.get(purpose, ())}

    def holds(asked: Asked) -> bool:
        raised = asked.facts(RefKind.SUBJECT).of(types, until=asked.head.occurred_at)
        return any(fact.attribute("purpose") in names for fact in raised)

    return Parsed(holds=holds, facts=types)


def _last_word(
    wanted: str, words: tuple[str, ...], where: tuple[tuple[str, str], ...], *, negated: bool = False
) -> Parsed:
    about = FactPattern(types=words, where=where)

    def holds(asked: Asked) -> bool:
        said = asked.facts(RefKind.SUBJECT).of(words, until=asked.head.occurred_at)
        last = next((fact.type for fact in reversed([*said]) if about.matches(fact)), None)
        return (last == wanted) is not negated

    return Parsed(holds=holds, facts=frozenset(words))


def _profile_exists(vocabulary: Vocabulary, arguments: list[str]) -> Parsed:
    """Hold if the subject's profile has not ended at the event."""
    name = _single("profile_exists", arguments)
    if name not in vocabulary.known_profiles:
        known = ", ".join(sorted(vocabulary.known_profiles)) or "none"
        raise UnknownName(f"there is no profile {name}; there are {known}")
    # Looked up when asked: profiles are compiled after the rules whose conditions name them.
    return Parsed(holds=lambda asked: vocabulary.profiles[name](asked), profiles=frozenset({name}))  # noqa: PLW0108  see above


def _has(vocabulary: Vocabulary, fields: list[str]) -> Parsed:
    """Hold if the event carries all of these fields."""
    wanted = frozenset(fields)
    if wanted - vocabulary.fields:
        raise UnknownName(f"there is no field {', '.join(sorted(wanted - vocabulary.fields))} in any category")
    return Parsed(holds=lambda asked: wanted <= asked.head.present)


def _covers(_vocabulary: Vocabulary, arguments: list[str]) -> Parsed:
    """Hold if a list attribute names everyone that another one names, and that one names somebody."""
    if len(arguments) != 2:
        raise UnknownName("covers takes two attributes, such as covers(consents, participants)")
    all_of, needed = (_attribute(name) for name in arguments)
    return Parsed(
        holds=lambda asked: bool(needed(asked)) and _members(needed(asked)) <= _members(all_of(asked)), ids=True
    )


def _members(value: object) -> frozenset[object]:
    return frozenset(value) if isinstance(value, (list, tuple, set, frozenset)) else frozenset()


def _single(function: str, arguments: list[str]) -> str:
    if len(arguments) != 1:
        raise UnknownName(f"{function} takes exactly one word")
    return arguments[0]


def _purpose(function: str, vocabulary: Vocabulary, arguments: list[str]) -> str:
    purpose = _single(function, arguments)
    if purpose not in vocabulary.purposes:
        known = ", ".join(sorted(vocabulary.purposes))
        raise UnknownName(f"there is no purpose {purpose}; there are {known}")
    return purpose


FUNCTIONS: Mapping[str, Callable[[Vocabulary, list[str]], Parsed]] = {
    "consent": _consent,
    "covers": _covers,
    "happened": _happened,
    "happened_in_month": _happened_in_month,
    "happened_last_month": _happened_last_month,
    "has": _has,
    "in_state": _in_state,
    "not_opted_out": _not_opted_out,
    "objected": _objected,
    "profile_exists": _profile_exists,
    "withdrawn": _withdrawn,
}
"""Every function a condition may call."""
