"""The expire stage: fold obligations and facts, wait, and say what is due. Never early, never twice.

Reads only the obligation topic; knows references and field names, never a payload. Order of truth: the first
obligation of an id wins; a fact at or after a due instant is too late to change it (C8); a due instant that a fact
moves into the past is due at the fact's instant (C7).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from pipeline.domain.errors import ConfigurationError
from pipeline.domain.records import Change, Incoming, Output
from pipeline.policy.book import PolicyBook
from pipeline.policy.compiled import CompiledPolicy
from pipeline.stages import past, schedule
from pipeline.stages.due_dates import DueDates
from pipeline.stages.entries import load
from pipeline.stages.expire_run import ExpireRun
from pipeline.stages.firing import Firing
from pipeline.stages.folding import Folding
from pipeline.stages.state import FactStore
from pipeline.stages.version_moves import Moved, VersionMoves
from pipeline.stages.workspace import NOTHING, StateReader, Workspace

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ExpireStage:
    """Decides what is due, for one controller; called for one partition at a time.

    Attributes:
        announce: Whether schedules and cancellations are said as well (architecture 8.4).
    """

    def __init__(self, controller: str, book: PolicyBook, *, announce: bool) -> None:
        self.controller = controller
        self.book = book
        self.announce = announce

    def handle(self, batch: Sequence[Incoming], state: StateReader, partition: int, now: datetime) -> Output:
        """Fold a batch of obligation blocks; what is due at once is emitted by the next `wake`.

        Nothing is forgotten before what arrived at the broker earlier was folded: who was away for a year forgets like
        one who was not.
        """
        arrivals = [_arrival(incoming, now) for incoming in batch]
        run = self._run(state, partition, min((now, *arrivals)) if now >= EPOCH else min(arrivals, default=EPOCH))
        folding = Folding(run, partial(self.book.in_force, self.controller))
        for index, (incoming, arrived) in enumerate(zip(batch, arrivals, strict=True)):
            run.heard_to = arrived
            # Before EPOCH: a guarded clock that knows no time yet. Reviews are planned by the broker's, nothing fires.
            folding.take(index, incoming, now if now >= EPOCH else arrived)
        return run.close()

    def wake(self, state: StateReader, partition: int, now: datetime, limit: int) -> Output:
        """Return everything due by `now`, oldest first, for at most about `limit` entries."""
        run = self._run(state, partition, now)
        moves = VersionMoves(run)
        moves.go_on(now, limit)
        Firing(run).fire(now, limit)
        output = run.close()
        if moves.pending:
            output.next_wake = now
        return output

    def rehearse(self, state: StateReader, now: datetime, limit: int) -> tuple[list[Moved], list[Change], bool]:
        """Carry out orders to retag and nothing else: return what moved, what changed, and whether more is to come."""
        run = self._made(state, 0)
        moves = VersionMoves(run)
        moved = moves.go_on(now, limit)
        return moved, run.close().changes, moves.pending

    def derive(self, key: bytes, value: bytes | None) -> list[Change]:
        """Return the local entries that follow from a changelog entry."""
        if not key.startswith((b"o|", past.PREFIX)) or not value:
            return []
        entry = load(value)
        listens = DueDates(self.policy, FactStore(Workspace(NOTHING))).listens(entry)
        found = schedule.derived(entry, listens) if key.startswith(b"o|") else past.derived(key, entry, listens)
        return [Change(local, types, local=True) for local, types in found]

    def policy(self, version: str) -> CompiledPolicy:
        """Return the policy version that decided an obligation.

        Raises:
            ConfigurationError: this deployment no longer has the version; put its document back.
        """
        try:
            return self.book.version(self.controller, version)
        except (KeyError, StopIteration):
            raise ConfigurationError(
                f"obligations of {self.controller} were decided by policy version {version!r}, which is not loaded: "
                "keep every version's document in the policies folder until its last obligation has ended"
            ) from None

    def _run(self, state: StateReader, partition: int, now: datetime) -> ExpireRun:
        run = self._made(state, partition)
        run.forget(now, self.book.versions.get(self.controller, ()))
        return run

    def _made(self, state: StateReader, partition: int) -> ExpireRun:
        run = ExpireRun(self.controller, Workspace(state), partition, load_policy=self.policy, announces=self.announce)
        run.orders = tuple(order for order in self.book.retags if order.controller == self.controller)
        return run


def _arrival(incoming: Incoming, otherwise: datetime) -> datetime:
    """Return when the broker took a record in, if it stamped it."""
    return EPOCH + timedelta(milliseconds=incoming.timestamp_ms) if incoming.timestamp_ms > 0 else otherwise
