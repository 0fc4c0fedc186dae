"""The producer for asyncio: sending is awaiting the receipt, and a full buffer is awaited too."""

import asyncio
from types import TracebackType
from typing import Self

from pipeline.producer.delivery import Delivery, Receipt
from pipeline.producer.errors import BufferFull, DeliveryFailed
from pipeline.producer.events import Event
from pipeline.producer.producer import Producer


class AsyncProducer:
    """Wraps a `Producer` for one event loop. The guarantees are the same.

    (confluent-kafka's own asyncio producer cannot send headers in its batched path, and events have headers.)
    """

    def __init__(self, producer: Producer, *, max_pending: int = 10_000) -> None:
        self._producer = producer
        self._limit = max_pending
        self._room = asyncio.Semaphore(max_pending)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        try:
            await self.close()
        except DeliveryFailed as lost:
            if error is None:
                raise
            error.add_note(str(lost))

    async def send(self, event: Event, *, wait: float | None = None) -> Receipt:
        """Send an event and return its receipt when Kafka has it; send many at once with `asyncio.gather`.

        Args:
            event: What happened.
            wait: Seconds to wait for room in the buffer; None waits as long as it takes.

        Raises:
            BufferFull: there was no room within `wait` seconds; the event was not taken.
            EventRejected: a value does not fit its schema.
            DeliveryFailed: Kafka refused the event or did not confirm it.
        """
        try:
            async with asyncio.timeout(wait):
                await self._room.acquire()
        except TimeoutError:
            raise BufferFull(self._limit) from None
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Delivery] = loop.create_future()

        def settle(delivery: Delivery) -> None:
            self._room.release()
            if not answered.done():
                answered.set_result(delivery)

        try:
            delivery = await self._handed_over(event)
        except BaseException:
            self._room.release()
            raise

        def answer(done: Delivery) -> None:
            loop.call_soon_threadsafe(settle, done)

        delivery.add_done_callback(answer)
        return (await answered).result(0)

    async def flush(self, timeout: float = 30.0) -> None:  # noqa: ASYNC109 (passed on to the client's own clock)
        """Wait until everything sent so far is delivered; see `Producer.flush`."""
        await asyncio.to_thread(self._producer.flush, timeout)

    async def close(self, timeout: float = 30.0) -> None:  # noqa: ASYNC109 (same)
        """Deliver what waits and let go of the cluster; see `Producer.close`."""
        await asyncio.to_thread(self._producer.close, timeout)

    async def _handed_over(self, event: Event) -> Delivery:
        if self._producer.blocks:
            return await asyncio.to_thread(self._producer.send, event)
        return self._producer.send(event)
