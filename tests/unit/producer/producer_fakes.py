"""Stand-ins for the producer's surroundings: a backend that answers when told, an encoder that writes JSON."""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pipeline.producer import Delivery, Purchase
from pipeline.producer.wire import Message

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)


class JsonEncoder:
    """Writes records as JSON."""

    def encode(self, schema: str, value: Mapping[str, object]) -> bytes:
        return json.dumps({"schema": schema, **value}, default=str).encode()


class HeldBackend:
    """Keeps messages until `answer` is called; `flush` answers what `on_flush` says."""

    def __init__(self, *, blocks: bool = False, on_flush: Callable[[Delivery], None] | None = None) -> None:
        self.blocks = blocks
        self.held: list[tuple[Message, Delivery]] = []
        self.sent: list[Message] = []
        self.closed = False
        self._on_flush = on_flush

    def produce(self, message: Message, delivery: Delivery) -> None:
        self.sent.append(message)
        self.held.append((message, delivery))

    def answer(self, how: Callable[[Delivery], None]) -> None:
        held, self.held = self.held, []
        for _, delivery in held:
            how(delivery)

    async def until_held(self, count: int = 1) -> None:
        """Let other tasks run until so many messages are held."""
        while len(self.held) < count:  # noqa: ASYNC110 (the tasks that fill it are on this loop; they only need turns)
            await asyncio.sleep(0)

    def flush(self, timeout: float) -> None:  # noqa: ARG002 (the port's signature)
        if self._on_flush:
            self.answer(self._on_flush)

    def close(self) -> None:
        self.closed = True


def confirm(delivery: Delivery) -> None:
    delivery.confirm(0, 7)


def refuse(delivery: Delivery) -> None:
    delivery.fail("Kafka says MSG_SIZE_TOO_LARGE", code="MSG_SIZE_TOO_LARGE", retriable=False)


def a_purchase(number: int = 1, **fields: Any) -> Purchase:
    given: dict[str, object] = {
        "type": "purchase.completed", "event_id": f"order-{number}", "occurred_at": NOON, "controller": "tek-zence",
        "data_subject_id": "s-81f0", "source": "web-shop", "name": "Jane Doe",
    }  # fmt: skip
    return Purchase.model_validate({**given, **fields})
