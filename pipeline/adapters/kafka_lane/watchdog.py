"""End the process when a client call outlives its limit.

librdkafka may ignore the timeout of a transaction call after a broker crash (confluentinc/librdkafka#5456). A process
that hangs holds its partitions for ever; one that is dead is started anew.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipeline.adapters.kafka_lane.limits import RESTART, seconds


def leave(message: str) -> None:
    """End the process at once with the code that asks for a restart; nothing else may be waited for."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()
    os._exit(RESTART)


class Watchdog:
    """Watches one call at a time from a thread of its own.

    Args:
        limit: Seconds after which a call counts as hung.
        on_hang: What then happens, told in one line.
    """

    def __init__(self, limit: float = 30.0, on_hang: Callable[[str], None] = leave) -> None:
        self.limit = limit
        self._on_hang = on_hang
        self._watched: tuple[str, float] | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, name="kafka-watchdog", daemon=True)
        self._thread.start()

    @contextmanager
    def watch(self, call: str, *, longer: float = 0.0) -> Iterator[None]:
        """Watch the calls in the block, which may take `longer` than the limit by design."""
        self._watched = (call, seconds() + self.limit + longer)
        try:
            yield
        finally:
            self._watched = None

    def close(self) -> None:
        """Stop watching."""
        self._stopped.set()
        self._thread.join(5)

    def _look(self) -> None:
        while not self._stopped.wait(min(0.5, self.limit / 4)):
            watched = self._watched
            if watched is not None and seconds() > watched[1]:
                self._on_hang(f"Kafka's {watched[0]} did not return in {self.limit:g} s: this worker starts anew")
                self._watched = None
