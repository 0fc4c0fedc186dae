"""The statements that GDPR Art. 13 wants made to people, said from the policy that the machine runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipeline.domain.vocabulary import LegalBasis, Right
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.describe import in_words
from pipeline.policy.papers.activities import Activity, Kept, activities
from pipeline.policy.papers.markdown import bullets, page
from pipeline.policy.papers.ropa import kept_in_words
from pipeline.policy.policy_parts import Recipient
from pipeline.policy.rights import RightRule
from pipeline.policy.wording import Wording, wording_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Statements of one kind, with the part of Art. 13 that asks for them."""

    article: str
    title: str
    says: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """Everything that a data subject is told, in one language."""

    controller: str
    version: str
    language: str
    title: str
    in_force: str
    sections: tuple[Section, ...]


def statements(policy: CompiledPolicy, language: str | None = None) -> Statements:
    """Return what people are told: who, what for and why, who else, how long, and their rights.

    Args:
        policy: One version of a controller's policy.
        language: Language code; None for the notice's own where the policy has words, else English.

    Raises:
        KeyError: the policy has no words in that language.
    """
    say = wording_of(policy, language)
    found = activities(policy)
    sections = (
        ("who", "13(1)(a), (b)", _who(policy, say)),
        ("purposes", "13(1)(c), (d)", _purposes(found, say)),
        ("recipients", "13(1)(e), (f)", _recipients(policy, found, say)),
        ("periods", "13(2)(a)", _periods(found, say)),
        ("rights", "13(2)(b), (c), (d)", _rights(policy, say)),
    )
    return Statements(
        controller=policy.controller,
        version=policy.version,
        language=say.language,
        title=say.say("title", name=policy.name),
        in_force=say.say("version", version=policy.version, day=_day(policy)),
        sections=tuple(
            Section(article=article, title=say.say(key), says=tuple(lines)) for key, article, lines in sections
        ),
    )


def _day(policy: CompiledPolicy) -> str:
    return policy.effective_from.astimezone(policy.tz).date().isoformat()


def _who(policy: CompiledPolicy, say: Wording) -> Iterator[str]:
    yield say.say("controller", name=policy.name)
    for key in ("contact", "data_protection_officer"):
        if key in policy.record:
            yield say.say("contact", contact=policy.record[key])


def _purposes(found: tuple[Activity, ...], say: Wording) -> Iterator[str]:
    for activity in found:
        purpose = activity.purpose
        yield say.say(
            "purpose",
            purpose=_start(say.term("purposes", purpose.id)),
            categories="; ".join(say.term("categories", name) for name in activity.categories) or say.say("nothing"),
            bases=", ".join(say.say(basis) for basis in purpose.legal_basis),
        )


def _recipients(policy: CompiledPolicy, found: tuple[Activity, ...], say: Wording) -> Iterator[str]:
    shares = [(activity, one) for activity in found for one in activity.recipients]
    for activity, one in shares:
        yield say.say(
            "recipient",
            recipient=_start(say.term("recipients", one.id)),
            role=say.say(one.recipient_class),
            fields=say.all_of(say.term("fields", name) for name in one.fields),
            purpose=say.term("purposes", activity.purpose.id),
        ) + _instructed(one, say)
    if not shares:
        yield say.say("nobody")
    if "transfers" in policy.record:
        yield say.say("transfers", transfers=policy.record["transfers"])


def _instructed(one: Recipient, say: Wording) -> str:
    return say.say("told-to-erase", when=in_words(one.erase_after, say)) if one.erase_after else ""


def _periods(found: tuple[Activity, ...], say: Wording) -> Iterator[str]:
    """Yield each period once, with all categories and purposes that it is for."""
    alike: dict[str, dict[tuple[str, ...], dict[str, None]]] = {}
    for activity in found:
        for kept in activity.kept:
            if categories := _told(activity, kept):
                by_categories = alike.setdefault(kept_in_words(kept, say), {})
                by_categories.setdefault(categories, {})[activity.purpose.id] = None
    for words, by_categories in alike.items():
        for categories, purposes in by_categories.items():
            yield say.say(
                "period",
                categories=_start("; ".join(say.term("categories", name) for name in categories)),
                purposes="; ".join(say.term("purposes", name) for name in purposes),
                words=words,
            )


def _told(activity: Activity, kept: Kept) -> tuple[str, ...]:
    """Return the categories to tell of: not those used at once that are stored for the same purpose as well."""
    if not kept.transient:
        return kept.categories
    stored = {name for other in activity.kept if not other.transient for name in other.categories}
    return tuple(name for name in kept.categories if name not in stored)


_DEPENDS: Mapping[Right, frozenset[LegalBasis]] = {
    Right.PORTABILITY: frozenset({LegalBasis.CONSENT, LegalBasis.CONTRACT}),  # Art. 20(1)(a)
    Right.OBJECTION: frozenset({LegalBasis.LEGITIMATE_INTEREST}),  # Art. 21(1)
    Right.CONSENT_WITHDRAWAL: frozenset({LegalBasis.CONSENT}),  # Art. 7(3)
    Right.OPT_OUT: frozenset(),  # only where a notice grants it
}
"""Rights that people have by law only where a purpose rests on one of these bases; the others they have anyway."""


def _rights(policy: CompiledPolicy, say: Wording) -> Iterator[str]:
    """Yield the rights that people have, by law or because the notice grants them."""
    bases = {basis for purpose in policy.purposes.values() for basis in purpose.legal_basis}
    for right in Right:
        granted = policy.rights.get(right)
        if granted or right not in _DEPENDS or _DEPENDS[right] & bases:
            yield say.say(right) + (_terms(granted, say) if granted else "")
    yield say.say("complaint", authority=f", {policy.authority}" if policy.authority else "")


def _terms(granted: RightRule, say: Wording) -> str:
    """Return until when a request is answered, at what fee, and what it must be."""
    answered = say.say("answered", length=say.length(granted.answer_within)) if granted.answer_within else ""
    needs = (
        say.say("needs", needs=say.all_of(say.phrases.get(name, name) for name in granted.needs))
        if granted.needs
        else ""
    )
    return answered + _fee(granted, say) + needs


def _fee(granted: RightRule, say: Wording) -> str:
    if not granted.fee:
        return ""
    count = granted.free_per_year
    return say.say("fee") if count is None else say.say("fee-beyond", count=str(count))


def _start(text: str) -> str:
    """Return a text as a sentence begins."""
    return text[:1].upper() + text[1:]


def statements_markdown(told: Statements) -> str:
    """Return statements as a page."""
    parts = (part for section in told.sections for part in (f"## {section.title}", bullets(section.says)))
    return page(f"# {told.title}", told.in_force, *parts)
