"""What a condition may ask of one event in the tag lane."""

from pipeline.domain.events import EventHead
from pipeline.domain.facts import FactLog, Ref
from pipeline.domain.vocabulary import RefKind
from pipeline.stages.evaluate import Facts


class Asked:
    """What a condition may ask of one event: its head, and the facts up to and including its instant."""

    def __init__(self, head: EventHead, refs: tuple[Ref, ...], store: Facts) -> None:
        self.head = head
        self._refs = refs
        self._store = store

    def facts(self, kind: RefKind) -> FactLog:
        """Return the facts about what the event refers to, up to and including its instant."""
        ref = next((ref for ref in self._refs if ref.kind is kind), None)
        return FactLog([fact for fact in self._store.log(ref).facts if fact.at <= self.head.occurred_at])
