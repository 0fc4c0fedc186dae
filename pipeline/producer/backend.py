"""What a producer needs of a Kafka client."""

from collections.abc import Callable
from typing import Protocol

from pipeline.producer.delivery import Delivery
from pipeline.producer.wire import Message

BackendMaker = Callable[[int, float], "Backend"]
"""Makes a backend for so many pending events and so many seconds per delivery."""


class Backend(Protocol):
    """A Kafka client: idempotent, acks=all, murmur2 of the key.

    Attributes:
        blocks: Whether `produce` may wait for the cluster.
    """

    blocks: bool

    def produce(self, message: Message, delivery: Delivery) -> None:
        """Hand a message over; the delivery is confirmed or failed later, or failed at once."""
        ...

    def flush(self, timeout: float) -> None:
        """Send what waits, for up to `timeout` seconds."""
        ...

    def close(self) -> None:
        """Let go of the cluster without waiting for what is unconfirmed."""
        ...


def unknown_topic(topic: str) -> str:
    """Return what to say of a topic that does not exist."""
    return f"there is no topic {topic}; `pipeline topics apply` makes it"
