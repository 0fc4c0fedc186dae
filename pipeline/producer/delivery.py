"""Receipts: where an event stands in Kafka, once Kafka has confirmed it."""

from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import dataclass

from pipeline.producer.errors import DeliveryFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Kafka holds the event, on as many replicas as the topic asks for.

    The offset is -1 where Kafka does not tell it: it had stored the event already when a request was repeated.
    """

    topic: str
    partition: int
    offset: int
    event_id: str


class Delivery:
    """A promise of a receipt. A failure that nobody asks for is raised by `flush` or `close`: none is lost."""

    def __init__(self, topic: str, event_id: str) -> None:
        self.topic = topic
        self.event_id = event_id
        self.observed = False
        self._future: Future[Receipt] = Future()

    def __repr__(self) -> str:
        return f"Delivery(topic={self.topic!r}, event_id={self.event_id!r}, done={self.done()})"

    def done(self) -> bool:
        """Tell whether Kafka has answered, for good or ill."""
        return self._future.done()

    def result(self, timeout: float | None = None) -> Receipt:
        """Return the receipt, waiting up to `timeout` seconds for it.

        Raises:
            DeliveryFailed: Kafka refused the event or did not confirm it.
            TimeoutError: there is no answer yet; the event is still on its way.
        """
        try:
            receipt = self._future.result(timeout)
        except FutureTimeout:
            raise TimeoutError(f"event {self.event_id} is not confirmed yet") from None
        except DeliveryFailed:
            self.observed = True
            raise
        self.observed = True
        return receipt

    def error(self) -> DeliveryFailed | None:
        """Return why a finished delivery failed, without counting as having asked for it."""
        found = self._future.exception(timeout=0)
        return found if isinstance(found, DeliveryFailed) else None

    def add_done_callback(self, call: Callable[["Delivery"], None]) -> None:
        """Call something when Kafka has answered, at once if it already has; on the client's own thread."""
        self._future.add_done_callback(lambda _: call(self))

    def confirm(self, partition: int, offset: int) -> None:
        """Record that Kafka has the event. For backends."""
        with suppress(InvalidStateError):  # closing may have been quicker
            self._future.set_result(
                Receipt(topic=self.topic, partition=partition, offset=offset, event_id=self.event_id)
            )

    def fail(self, reason: str, *, code: str, retriable: bool) -> None:
        """Record that Kafka does not have the event, or may not. For backends."""
        with suppress(InvalidStateError):  # same
            self._future.set_exception(DeliveryFailed(reason, code=code, retriable=retriable, event_id=self.event_id))
