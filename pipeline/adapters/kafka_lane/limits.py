"""Deadlines of the lane's clients, on a count that no clock change moves."""

import time

RESTART = 75
"""Exit code of a process that should be started anew (EX_TEMPFAIL)."""


def seconds() -> float:
    """Return steady seconds, for deadlines only; never an instant."""
    return time.monotonic()
