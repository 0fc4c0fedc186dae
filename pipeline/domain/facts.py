"""Facts: what happened to a subject, order, case, account, clip or record, without any payload.

Both lanes fold the same facts. They are ordered by `occurred_at`; at equal instants the more restrictive fact comes
last and so prevails, then the event id decides (policies C8, architecture 9.4).
"""

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate

from pipeline.domain.vocabulary import RefKind

RESTRICTIVE = frozenset({
    "opt_out", "consent.withdrawn", "objection.raised", "erasure.requested", "restriction.requested",
    "hold.opened", "case.closed", "account.closed", "account.locked",
})  # fmt: skip
"""Event types that prevail over another fact of the same instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """A reference to a subject, order, case, account, clip, hold or record: a keyed hash, not the id."""

    kind: RefKind
    digest: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One event, stripped to what retention and conditions need.

    Attributes:
        at: `occurred_at` in UTC.
        type: The event name.
        event_id: Makes a re-sent fact recognisable.
        refs: What it is about, each at most once per kind but for records.
        attributes: Decision attributes a policy may ask for (matter, purpose, mailing, reason, ...).
    """

    at: datetime
    type: str
    event_id: str
    refs: tuple[Ref, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()

    def ref(self, kind: RefKind) -> Ref | None:
        """Return the first reference of a kind, if any."""
        return next((ref for ref in self.refs if ref.kind is kind), None)

    def attribute(self, name: str) -> str | None:
        """Return an attribute's value, if present."""
        return next((value for key, value in self.attributes if key == name), None)

    @property
    def order(self) -> tuple[datetime, bool, str]:
        """Return the sort key of folding: instant, then the more restrictive last, then the event id."""
        return (self.at, self.type in RESTRICTIVE, self.event_id)


MOST = 1000
"""Facts kept of one entity: one that has more, such as a key that all strangers share, must not grow without bound."""
MOST_REFERENCES = 10_000
"""References of these facts together: one hold may name a hundred records, and all facts of one entity are one record
of a changelog, which must fit into a Kafka message."""
_AFTER_PRUNING = 750


@dataclass(slots=True)
class FactLog:
    """The facts about one entity in folding order; of very many, old ones are forgotten (see `_prune`)."""

    facts: list[Fact] = field(default_factory=list)

    def add(self, fact: Fact) -> bool:
        """Insert a fact in order; return False and change nothing if its event id and type are already there."""
        if any(known.event_id == fact.event_id and known.type == fact.type for known in self.facts):
            return False
        insort(self.facts, fact, key=lambda known: known.order)
        if len(self.facts) > MOST or sum(len(known.refs) for known in self.facts) > MOST_REFERENCES:
            self._prune()
        return True

    def _prune(self) -> None:
        """Forget the oldest facts that a later one replaced, never yet those that end something.

        If too many are left even so (that many open orders, say), the oldest of all go: a bound must hold.
        """
        newest = {(fact.type, fact.attributes, _thread(fact)): fact for fact in self.facts}
        kept = {id(fact) for fact in newest.values()} | {id(fact) for fact in self.facts if fact.type in RESTRICTIVE}
        passing = [fact for fact in self.facts if id(fact) not in kept]
        forgotten = {id(fact) for fact in passing[: len(self.facts) - _AFTER_PRUNING]}
        left = [fact for fact in self.facts if id(fact) not in forgotten][-MOST:]
        references = list(accumulate(len(fact.refs) for fact in reversed(left)))
        self.facts[:] = left[len(left) - bisect_right(references, MOST_REFERENCES) :]

    def of(self, types: Iterable[str], *, until: datetime | None = None) -> Iterator[Fact]:
        """Yield the facts of some types in order, up to and including an instant if one is given."""
        wanted = frozenset(types)
        for fact in self.facts:
            if until is not None and fact.at > until:
                return
            if fact.type in wanted:
                yield fact

    def last(self, types: Iterable[str], *, until: datetime | None = None) -> Fact | None:
        """Return the newest fact of some types, up to and including an instant if one is given."""
        return max(self.of(types, until=until), key=lambda fact: fact.order, default=None)


def _thread(fact: Fact) -> str | None:
    """Return what a fact is one step of: its case, order, account or hold."""
    named = (ref for ref in fact.refs if ref.kind not in (RefKind.SUBJECT, RefKind.RECORD))
    return next((str(ref) for ref in named), None)
