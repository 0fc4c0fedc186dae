"""The only reader of the clock."""

import time
from datetime import UTC, datetime


class SystemClock:
    """This machine's clock, which may be wrong."""

    def now(self) -> datetime:
        """Return the present instant in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - this is the one place


def elapsed() -> float:
    """Return seconds on a count that nobody sets and that runs on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
