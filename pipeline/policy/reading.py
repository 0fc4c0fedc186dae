"""One policy document on its way to a compiled policy: names resolve, problems gather, small parts are read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipeline.domain.calendar import zone
from pipeline.domain.events import ATTRIBUTES
from pipeline.domain.vocabulary import Form, LegalBasis, Right
from pipeline.policy.condition import parse_condition
from pipeline.policy.condition_words import Parsed, UnknownName, Vocabulary
from pipeline.policy.coverage import cited
from pipeline.policy.document import PolicyShape
from pipeline.policy.expression import Expressions
from pipeline.policy.operator import UNUSABLE, Overlay, check
from pipeline.policy.retention import Retention, State, patterns_of
from pipeline.policy.rights import RightRule
from pipeline.policy.source_file import Problems, SourceFile, Where

T = TypeVar("T")


@dataclass(slots=True)
class Reading:
    """A document with everything its parts refer to; whatever is wrong is noted, and reading goes on.

    Attributes:
        source: The file, for lines.
        shape: The document.
        overlay: The operator's values for its controller.
        catalogue: Every event name there is; empty if not known.
        problems: Where mistakes go.
        operator: The operator's value by key; None where it has none.
        tz: Zone of the policy's dates.
        states: Named states.
        vocabulary: What conditions may name.
        parsed: Every condition read so far.
        rights: What the document says of each right, once read.
        retentions: Named retentions.
    """

    source: SourceFile
    shape: PolicyShape
    overlay: Overlay
    catalogue: frozenset[str]
    problems: Problems
    operator: dict[str, object] = field(default_factory=dict)
    tz: ZoneInfo = field(default_factory=lambda: zone("Etc/UTC"))
    states: dict[str, State] = field(default_factory=dict)
    vocabulary: Vocabulary = field(default_factory=lambda: Vocabulary(tz=zone("Etc/UTC")))
    parsed: list[Parsed] = field(default_factory=list)
    rights: dict[Right, RightRule] = field(default_factory=dict)
    retentions: dict[str, Retention] = field(default_factory=dict)

    def prepare(self) -> None:
        """Read what everything else refers to: operator values, zone, states, and the vocabulary of conditions."""
        self.operator = check(self.shape, self.source, self.overlay, self.problems)
        self._check_clauses()
        self._check_categories()
        self.tz = self._zone()
        self.states = {name: self._state(name, ()) for name in self.shape.states}
        self.vocabulary = self._vocabulary()
        for name, condition in self.shape.conditions.items():
            if self.condition(condition.when, ("conditions", name, "when")) is None:
                self.vocabulary.broken.add(name)
        for name in self.shape.retention:
            self.retentions[name], _clauses = self.retention(name, ("retention", name))

    def wrong(self, where: Where, says: str) -> None:
        """Note a problem at a place of the document."""
        self.problems.add(self.source, where, says)

    def _check_clauses(self) -> None:
        header = self.shape.policy
        if header.effective_from and header.effective_from < header.published_at:
            self.wrong(
                ("policy", "effective_from"),
                "a version governs only after it was published; move effective_from to published_at or later",
            )
        for element in cited(self.shape, self.source):
            for clause in element.clauses:
                if clause not in self.shape.clauses:
                    self.wrong(element.path, f"there is no clause {clause} in the section clauses; add or correct it")

    def _check_categories(self) -> None:
        for name, category in self.shape.categories.items():
            for key, parts in (("required", category.required), ("observed", category.observed)):
                beyond = [part for part in parts if part not in category.fields]
                if beyond:
                    self.wrong(("categories", name, key), f"{', '.join(beyond)} is not among the fields")
        for name, context in self.shape.contexts.items():
            self.categories(context.categories, ("contexts", name, "categories"))
            self.check_events(context.natural_for, ("contexts", name, "natural_for"))
        for name, source in self.shape.sources.items():
            self.categories(source.categories or (), ("sources", name, "categories"))
        for name, purpose in self.shape.purposes.items():
            self.categories(purpose.categories or (), ("purposes", name, "categories"))
            for other in purpose.also_called:
                if other in self.shape.purposes:
                    self.wrong(("purposes", name, "also_called"), f"{other} is a purpose of its own")
            if LegalBasis.UNSTATED in purpose.legal_basis and len(purpose.legal_basis) > 1:
                self.wrong(("purposes", name, "legal_basis"), "unstated stands alone: the notice names a basis or none")

    def check_events(self, names: Iterable[str], where: Where) -> bool:
        """Tell whether all of some event names exist, after noting those that do not."""
        strangers = [name for name in names if self.catalogue and name not in self.catalogue]
        for name in strangers:
            self.wrong(where, f"there is no event {name}; see the page of event types")
        return not strangers

    def check_personal(self, purposes: Iterable[str], where: Where) -> None:
        """Note the purposes for which nothing may leave as personal data."""
        for name in purposes:
            if (form := self.shape.purposes[name].output) is not Form.PERSONAL:
                self.wrong(where, f"{name} has {form} output only; nothing of a person may be kept or shared for it")

    def _zone(self) -> ZoneInfo:
        value = self.expressions().value(self.shape.policy.zone, ("policy", "zone"))
        if value is UNUSABLE:
            return zone("Etc/UTC")  # told already; nothing is compiled
        try:
            return zone(str(value))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.wrong(("policy", "zone"), f"{value} is not an IANA time zone such as Europe/Oslo")
            return zone("Etc/UTC")

    def known(self, names: Iterable[str], table: Mapping[str, object], what: str, where: Where) -> tuple[str, ...]:
        """Return those of some names that a table has, after noting the others."""
        names = tuple(names)
        for name in names:
            if name not in table:
                self.wrong(where, f"there is no {what} {name}; there are {', '.join(table) or 'none'}")
        return tuple(name for name in names if name in table)

    def categories(self, names: Iterable[str], where: Where) -> tuple[str, ...]:
        """Return categories by id; a name stands for its sub-categories as well: `C` for `C.email` and `C.survey`."""
        found: list[str] = []
        for name in names:
            among = [known for known in self.shape.categories if known == name or known.startswith(f"{name}.")]
            if not among:
                self.wrong(where, f"there is no category {name}; there are {', '.join(self.shape.categories)}")
            found += among
        return tuple(dict.fromkeys(found))

    def _state(self, name: str, within: tuple[str, ...]) -> State:
        shape, where = self.shape.states[name], ("states", name)
        if name in within:
            self.wrong(where, f"the state {name} is part of itself")
            return State(name=name)
        if bool(shape.any_of) == bool(shape.opens and shape.closes):
            self.wrong(where, "a state has opens and closes, or any_of other states")
        if shape.where and shape.any_of:
            self.wrong((*where, "where"), "where narrows opens; a state of other states has none")
        self.known(shape.where, dict.fromkeys(ATTRIBUTES), "attribute", (*where, "where"))
        self.check_events((*shape.opens, *shape.closes), where)
        parts = self.known(shape.any_of, self.shape.states, "state", (*where, "any_of"))
        return State(
            name=name,
            opens=shape.opens,
            where=tuple(shape.where.items()),
            closes=shape.closes,
            per=shape.per,
            any_of=tuple(self._state(part, (*within, name)) for part in parts),
        )

    def _vocabulary(self) -> Vocabulary:
        return Vocabulary(
            tz=self.tz,
            states=self.states,
            conditions={name: condition.when for name, condition in self.shape.conditions.items()},
            known_profiles=frozenset(self.shape.profiles),
            fields=frozenset(name for category in self.shape.categories.values() for name in category.fields),
            purposes=frozenset(self.shape.purposes),
            also_called={name: one.also_called for name, one in self.shape.purposes.items()},
        )

    def condition(self, text: str | None, where: Where) -> Parsed | None:
        """Return a condition, or None if there is none or it is wrong."""
        if text is None:
            return None
        try:
            parsed = parse_condition(text, self.vocabulary)
        except UnknownName as error:
            self.wrong(where, str(error))
            return None
        if not self.check_events(sorted(parsed.facts | parsed.events), where):
            return None
        self.parsed.append(parsed)
        return parsed

    def expressions(self) -> Expressions:
        """Return a reader of retention expressions."""
        named = {name: retention.keep for name, retention in self.shape.retention.items()}
        return Expressions(
            source=self.source, problems=self.problems, named=named, states=self.states, operator=self.operator
        )

    def retention(self, written: object, where: Where) -> tuple[Retention, tuple[str, ...]]:
        """Return a retention and the clauses of the named ones it is made of."""
        expressions = self.expressions()
        retention = expressions.read(written, where)
        for _kind, names in patterns_of(retention):
            self.check_events(names, where)
        clauses = (clause for name in expressions.used for clause in self.shape.retention[name].clauses)
        return retention, tuple(dict.fromkeys(clauses))
