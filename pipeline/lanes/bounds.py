"""What bounds a lane, what halts it, what it tells about itself."""

from dataclasses import dataclass
from typing import Protocol


class Halt(Protocol):
    """What tells a lane to stop: a `threading.Event` will do."""

    def is_set(self) -> bool:
        """Return whether to stop before the next step."""
        ...

    def wait(self, timeout: float) -> bool:
        """Wait some seconds or until told to stop."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What keeps one transaction short.

    Attributes:
        records: Most source records of one poll.
        bytes: Most source bytes of one transaction, but for a single larger record.
        control: Most control records of one transaction and partition.
        wake: About how many records waking may emit in one transaction.
        wake_rounds: Most waking transactions before the next input; many under a virtual clock, few in service.
        poll_seconds: How long a poll waits for the first record.
        failures: How many transactions in a row may abort, or end unknown, before the lane ends.
    """

    records: int = 2000
    bytes: int = 8 << 20
    control: int = 200
    wake: int = 1000
    wake_rounds: int = 1
    poll_seconds: float = 0.1
    failures: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a lane tells about itself; taken from another thread.

    Attributes:
        ready: The group settled and every assigned partition is restored.
        partitions: What is assigned, as (controller, partition).
        idle_seconds: Since the last completed step, restore batch or poll: grows only if the lane is stuck.
        steps: Steps completed since the start.
        distrusted: This machine's clock jumped ahead: nothing that waits for time is emitted until the broker agrees.
    """

    ready: bool
    partitions: tuple[tuple[str, int], ...]
    idle_seconds: float
    steps: int
    distrusted: bool = False
