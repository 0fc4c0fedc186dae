"""Send events and know what became of each: bounded, idempotent, nothing dropped in silence."""

import atexit
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Literal, Self

from pipeline.domain.errors import PipelineError
from pipeline.producer.backend import Backend
from pipeline.producer.delivery import Delivery
from pipeline.producer.errors import BufferFull, DeliveryFailed
from pipeline.producer.events import Event
from pipeline.producer.wire import EventEncoder, message_of

_log = logging.getLogger("pipeline.producer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One thing that happened, for metrics. Holds no value of an event.

    Attributes:
        kind: What happened.
        topic: Where to.
        code: Kafka's name of the reason, of a failure.
        seconds: From `send` to Kafka's answer.
        pending: Events that wait for an answer now.
    """

    kind: Literal["sent", "delivered", "failed", "buffer-full"]
    topic: str
    code: str = ""
    seconds: float = 0.0
    pending: int = 0


Observer = Callable[[Observation], None]
"""Called on the thread where it happens; must be quick and must not raise."""


def _ignore(_: Observation) -> None:
    return


class Producer:
    """Sends typed events to the source topics; may be shared by threads.

    Guarantees: an event is in Kafka, in order of its data subject and once, when its delivery has a receipt
    (idempotence, acks=all). One that is not, raises: from `Delivery.result`, or else from `flush` or `close`.
    """

    def __init__(
        self,
        backend: Backend,
        encoder: EventEncoder,
        *,
        max_pending: int = 10_000,
        observer: Observer | None = None,
    ) -> None:
        self._backend = backend
        self._encoder = encoder
        self._limit = max_pending
        self._observe = observer or _ignore
        self._changed = threading.Condition()
        self._pending: dict[Delivery, float] = {}
        self._failed: list[Delivery] = []
        self._closed = False
        atexit.register(self._last_words)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self.close()
        except DeliveryFailed as lost:
            if error is None:
                raise
            error.add_note(str(lost))

    @property
    def pending(self) -> int:
        """Return how many events wait for Kafka's answer."""
        with self._changed:
            return len(self._pending)

    @property
    def blocks(self) -> bool:
        """Tell whether `send` may wait for the cluster, although `wait` is 0."""
        return self._backend.blocks

    def send(self, event: Event, *, wait: float = 0.0) -> Delivery:
        """Hand an event over to Kafka and return at once; the delivery tells what became of it.

        Args:
            event: What happened; it was checked when it was built.
            wait: Seconds to wait for room in the buffer.

        Raises:
            BufferFull: as many events as allowed wait for Kafka already; this one was not taken.
            EventRejected: a value does not fit its schema.
            PipelineError: the producer is closed.
        """
        message = message_of(event, self._encoder)
        delivery = Delivery(message.topic, message.event_id)
        self._enter(delivery, wait)
        delivery.add_done_callback(self._leave)
        self._backend.produce(message, delivery)
        return delivery

    def flush(self, timeout: float = 30.0) -> None:
        """Wait until everything sent so far is delivered.

        Raises:
            DeliveryFailed: some event failed that nobody asked about, or is not confirmed within `timeout` seconds.
        """
        deadline = monotonic() + timeout
        self._backend.flush(timeout)
        with self._changed:
            self._changed.wait_for(lambda: not self._pending, timeout=max(0.0, deadline - monotonic()))
            waiting = len(self._pending)
        self._raise_failures()
        if waiting:
            raise DeliveryFailed(
                f"{waiting} events are not confirmed after {timeout:g} s; they are still on their way",
                code="pending",
                retriable=True,
            )

    def close(self, timeout: float = 30.0) -> None:
        """Deliver what waits, for up to `timeout` seconds, then let go of the cluster. Closing twice does nothing.

        Raises:
            DeliveryFailed: some event was not delivered and nobody asked about it.
        """
        with self._changed:
            if self._closed:
                return
            self._closed = True
        atexit.unregister(self._last_words)
        try:
            self._backend.flush(timeout)
        finally:
            with self._changed:
                left = list(self._pending)
            for delivery in left:
                delivery.fail("the producer was closed before Kafka confirmed it", code="closed", retriable=True)
            self._backend.close()
        self._raise_failures()

    def _last_words(self) -> None:
        """Close a producer that the program forgot; what is lost then is at least told."""
        try:
            self.close(timeout=10)
        except DeliveryFailed as lost:
            _log.error("at exit: %s", lost)

    def _enter(self, delivery: Delivery, wait: float) -> None:
        with self._changed:
            if self._closed:
                raise PipelineError("this producer is closed; make a new one.")
            if not self._changed.wait_for(lambda: len(self._pending) < self._limit, timeout=wait):
                self._observe(Observation(kind="buffer-full", topic=delivery.topic, pending=len(self._pending)))
                raise BufferFull(self._limit)
            self._pending[delivery] = monotonic()
            pending = len(self._pending)
        self._observe(Observation(kind="sent", topic=delivery.topic, pending=pending))

    def _leave(self, delivery: Delivery) -> None:
        """Note Kafka's answer; runs on the client's thread."""
        error = delivery.error()
        with self._changed:
            began = self._pending.pop(delivery)
            if error is not None:
                self._failed.append(delivery)
            pending = len(self._pending)
            self._changed.notify_all()
        self._observe(
            Observation(
                kind="failed" if error else "delivered",
                topic=delivery.topic,
                code=error.code if error else "",
                seconds=monotonic() - began,
                pending=pending,
            )
        )

    def _raise_failures(self) -> None:
        """Raise what failed unasked, once."""
        with self._changed:
            failed, self._failed = self._failed, []
        errors = [error for delivery in failed if not delivery.observed and (error := delivery.error())]
        match errors:
            case []:
                return
            case [error]:
                raise error
            case _:
                raise DeliveryFailed(
                    f"{len(errors)} events were not delivered; the first: {errors[0]}",
                    code=errors[0].code,
                    retriable=all(error.retriable for error in errors),
                )
