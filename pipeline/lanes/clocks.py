"""When a lane may believe that an instant has come.

A clock that is behind makes a lane late, never early. So `GuardedClock` takes the older of two opinions, this
machine's and the broker's, less a margin, and stops where this machine's clock jumps ahead of its own steady count.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pipeline.ports import Clock

UNKNOWN = datetime.min.replace(tzinfo=UTC)
"""What a guarded clock says before the broker has said anything: no instant has come yet."""

MARGIN = timedelta(seconds=2)
JUMP = timedelta(seconds=60)
TICK_SECONDS = 1.0


class UnguardedClock:
    """A lane clock that says what another clock says: for lanes that emit nothing on time, and for virtual time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @property
    def distrusted(self) -> bool:
        """Return False: the other clock is taken at its word."""
        return False

    def now(self) -> datetime:
        """Return the other clock's now."""
        return self._clock.now()

    def saw(self, append_time_ms: int) -> None:
        """Take no note."""

    def wants_tick(self, until: datetime) -> bool:  # noqa: ARG002 - the port's name for the argument
        """Return False: nothing but the other clock is missing."""
        return False


class GuardedClock:
    """The older of wall clock and newest broker append time, less a margin; never backward, never over a jump.

    Args:
        wall: This machine's clock, which may be wrong.
        elapsed: Seconds on a count that nobody sets and that runs on in suspension (CLOCK_BOOTTIME).
        margin: Taken off, for the broker's clock may be a little ahead too.
    """

    def __init__(self, wall: Clock, elapsed: Callable[[], float], margin: timedelta = MARGIN) -> None:
        self._wall = wall
        self._elapsed = elapsed
        self._margin = margin
        self._reached = UNKNOWN
        self._broker = UNKNOWN
        self._last = (wall.now(), elapsed())
        self._distrusted = False
        self._asked = float("-inf")

    @property
    def distrusted(self) -> bool:
        """Return whether the wall clock jumped and the broker has not yet agreed with it."""
        return self._distrusted

    def now(self) -> datetime:
        """Return the newest instant that has safely passed; `UNKNOWN` before the broker has said anything."""
        wall = self._watch_for_jump()
        if not self._distrusted and self._broker > UNKNOWN:
            self._reached = max(self._reached, min(wall, self._broker) - self._margin)
        return self._reached

    def saw(self, append_time_ms: int) -> None:
        """Take note of a broker's append time; one that agrees with a wall clock that jumped ends the distrust."""
        wall = self._watch_for_jump()
        self._broker = max(self._broker, datetime.fromtimestamp(append_time_ms / 1000, UTC))
        if self._broker >= wall - JUMP:
            self._distrusted = False

    def wants_tick(self, until: datetime) -> bool:
        """Return whether the wall clock is past an instant that `now` has not reached; True at most once a second."""
        if self._wall.now() - self._margin < until or self.now() >= until:
            return False
        if self._elapsed() - self._asked < TICK_SECONDS:
            return False
        self._asked = self._elapsed()
        return True

    def _watch_for_jump(self) -> datetime:
        """Return the wall clock's now; distrust it from here on if it ran ahead of the steady count."""
        wall, elapsed = self._wall.now(), self._elapsed()
        before, elapsed_before = self._last
        self._last = (wall, elapsed)
        if wall - before > timedelta(seconds=elapsed - elapsed_before) + JUMP:
            self._distrusted = True
        return wall
