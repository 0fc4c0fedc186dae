"""How a policy is told to people: phrases of a language, and the policy's own words instead of its ids."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pipeline.domain.calendar import Period
from pipeline.domain.vocabulary import RefKind
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.phrases import ENGLISH, LANGUAGES, Phrases
from pipeline.policy.retention import FactPattern

_UNITS = ((12, "year"), (1, "month"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """One language, and words by section and id; an id without a word stands for itself.

    >>> from pipeline.domain.calendar import Period
    >>> IDS.length(Period.parse("P1Y6M")), IDS.either(["a", "b", "c"])
    ('1 year and 6 months', 'a, b or c')
    """

    language: str = "en"
    phrases: Phrases = field(default_factory=lambda: ENGLISH)
    terms: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def say(self, phrase: str, **parts: str) -> str:
        """Return a phrase with its parts in place."""
        return self.phrases[phrase].format(**parts)

    def term(self, section: str, name: str) -> str:
        """Return the word for an id of the policy."""
        return self.terms.get((section, name), name)

    def length(self, period: Period) -> str:
        """Return a period in years, months and days."""
        parts = []
        months = period.months
        for size, unit in _UNITS:
            number, months = divmod(months, size)
            if number:
                parts.append(self.count(number, unit))
        if period.days:
            parts.append(self.count(period.days, "day"))
        return f" {self.say('and')} ".join(parts)

    def count(self, number: int, unit: str) -> str:
        """Return a number of years, months or days."""
        return f"{number} {self.say(unit if number == 1 else f'{unit}s')}"

    def facts(self, pattern: FactPattern) -> str:
        """Return which facts are meant; whose they are is told of those that have no word of their own."""
        names = dict.fromkeys(name for name, _value in pattern.where)
        narrowed = ", or else ".join(
            f"{name} {' or '.join(value for known, value in pattern.where if known == name)}" for name in names
        )
        if all(("events", name) in self.terms for name in pattern.types):
            about = "".join(self._about(name, value) for name, value in pattern.where[:1])
            return self.either(self.term("events", name) for name in pattern.types) + _bracketed(about)
        whose = "" if pattern.of is RefKind.SUBJECT else f" of the {pattern.of}"
        return f" {self.say('or')} ".join(pattern.types) + _bracketed(narrowed) + whose

    def _about(self, attribute: str, value: str) -> str:
        """Return what a fact is about: a purpose, or another value of an attribute."""
        purpose = attribute == "purpose" and ("purposes", value) in self.terms
        return self.term("purposes" if purpose else "values", value)

    def state(self, name: str, of: RefKind | None = None) -> str:
        """Return what a state is called, or its name and whose it is."""
        if ("states", name) in self.terms or of is None:
            return self.term("states", name)
        return f"{name} of the {of}"

    def either(self, names: Iterable[str]) -> str:
        """Return several words of which any is meant."""
        return self._listed(names, "or")

    def all_of(self, names: Iterable[str]) -> str:
        """Return several words that are all meant."""
        return self._listed(names, "and")

    def _listed(self, names: Iterable[str], between: str) -> str:
        *first, last = names
        return f"{', '.join(first)} {self.say(between)} {last}" if first else last


IDS = Wording()
"""English, with the ids of the policy as they stand: for those who read its file."""


def wording_of(policy: CompiledPolicy, language: str | None = None) -> Wording:
    """Return how a policy is told to the people it concerns: in its notice's language, or in English.

    Args:
        policy: The policy.
        language: Language code; None for the notice's own where the policy has words, else English.

    Raises:
        KeyError: the policy has no words in that language.
    """
    words = policy.words
    if words and language in (None, words.language):
        return Wording(language=words.language, phrases=LANGUAGES[words.language], terms=words.terms)
    if language in (None, "en"):
        return Wording(terms=_spelt_out(policy))
    raise KeyError(language)


def _spelt_out(policy: CompiledPolicy) -> dict[tuple[str, str], str]:
    """Return plain English for ids: a category is told by its fields, everything else by its id in words."""
    spelt = {("categories", name): ", ".join(_plain(each) for each in item.fields)
             for name, item in policy.categories.items()}  # fmt: skip
    tables: Mapping[str, Iterable[str]] = {
        "fields": policy.field_categories,
        "purposes": policy.purposes,
        "recipients": policy.recipients,
    }
    return spelt | {(section, name): _plain(name) for section, names in tables.items() for name in names}


def _plain(name: str) -> str:
    return name.replace("-", " ").replace("_", " ")


def _bracketed(text: str) -> str:
    return f" ({text})" if text else ""
