"""The fixed table of functions that a condition may call: what each asks of the past, or of the event itself."""

from collections.abc import Callable, Mapping

from pipeline.domain.vocabulary import RefKind
from pipeline.policy.asked import Asked
from pipeline.policy.condition_words import Parsed, UnknownName, Vocabulary, attribute
from pipeline.policy.months import previous_month, sampled_month
from pipeline.policy.retention import FactPattern, While, patterns_of
from pipeline.policy.spans import lasts


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
    all_of, needed = (attribute(name) for name in arguments)
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
