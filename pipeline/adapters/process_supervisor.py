"""Keep N worker processes running: start, start anew with back-off, pass signals on, wait, kill what will not leave."""

import logging
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import FrameType

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 30.0
STEADY_SECONDS = 60.0
"""A process that ran for so long is sound: its next failure waits as short as a first one."""

DRAIN_SECONDS = 60.0
LOOK_SECONDS = 0.1
MISCONFIGURED = 2
"""Exit code of a process whose configuration is wrong: to start it anew would end the same way."""

log = logging.getLogger(__name__)


class _Worker:
    """One ordinal: its process, or when to start it again."""

    def __init__(self, ordinal: int, command: Sequence[str], environment: Mapping[str, str] | None) -> None:
        self.ordinal = ordinal
        self._command = list(command)
        self._environment = None if environment is None else dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._failures = 0
        self._due = 0.0

    def look_after(self, tell: Callable[[str], None]) -> bool:
        """Start the process if it is due; note when it has ended. Return False if it need not be started again."""
        now = time.monotonic()
        if self._process is None:
            if now >= self._due:
                self._process = subprocess.Popen(self._command, env=self._environment)  # noqa: S603 - our own command
                self._started = now
            return True
        code = self._process.poll()
        if code == MISCONFIGURED:
            tell(f"worker {self.ordinal} ended with {code}: its configuration is wrong, so that all of them stop")
            return False
        if code is not None:
            self._process = None
            self._failures = 1 if now - self._started >= STEADY_SECONDS else self._failures + 1
            pause = min(FIRST_PAUSE * 2 ** (self._failures - 1), LONGEST_PAUSE)
            self._due = now + pause
            tell(f"worker {self.ordinal} ended with {code}: it starts again in {pause:.1f} s")
        return True

    def signal(self, number: signal.Signals) -> None:
        """Pass a signal on to a running process."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def wait(self, deadline: float) -> bool:
        """Wait for the process to end; return False if it did not."""
        if self._process is None:
            return True
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return False
        return True


def supervise(
    processes: int,
    command: Callable[[int], Sequence[str]],
    *,
    environment: Callable[[int], Mapping[str, str]] | None = None,
    drain_seconds: float = DRAIN_SECONDS,
    tell: Callable[[str], None] = log.warning,
) -> int:
    """Run worker processes with the ordinals 0 to N-1 until SIGTERM or SIGINT; return the exit code.

    A process that ends is started anew, after 0.2 s at first and up to 30 s if it keeps failing; but one that ends with
    2 (its configuration is wrong) ends the others as a signal would, and its code is returned.
    On a signal all are asked to drain; one that has not left by the deadline is killed. Must run in the main thread.

    Args:
        processes: How many.
        command: Command line of an ordinal.
        environment: Environment of an ordinal; the parent's by default.
        drain_seconds: How long draining may take.
        tell: Hears one line for each process that ended, and for each that had to be killed.
    """
    workers = [_Worker(n, command(n), environment(n) if environment else None) for n in range(processes)]
    asked = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        asked.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        code = 0
        while not asked.is_set():
            if all(worker.look_after(tell) for worker in workers):
                asked.wait(LOOK_SECONDS)
            else:
                code = MISCONFIGURED
                asked.set()
        _drain(workers, drain_seconds, tell)
        return code
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _drain(workers: Sequence[_Worker], drain_seconds: float, tell: Callable[[str], None]) -> None:
    deadline = time.monotonic() + drain_seconds
    for worker in workers:
        worker.signal(signal.SIGTERM)
    for worker in workers:
        if not worker.wait(deadline):
            tell(f"worker {worker.ordinal} did not leave within {drain_seconds:g} s: it is killed")
            worker.signal(signal.SIGKILL)
            worker.wait(time.monotonic() + 10)
