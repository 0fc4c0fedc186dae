"""The SDK for services that produce events: typed events, checked before anything is sent, and receipts.

`pipeline.bootstrap.producer.connect` makes a ready producer.
"""

from pipeline.producer.async_producer import AsyncProducer
from pipeline.producer.delivery import Delivery, Receipt
from pipeline.producer.errors import BufferFull, DeliveryFailed, EventRejected
from pipeline.producer.events import Camera, Contact, Event, Lifecycle, Purchase
from pipeline.producer.field_groups import Address
from pipeline.producer.producer import Observation, Observer, Producer
from pipeline.producer.wire import EventEncoder

__all__ = [
    "Address", "AsyncProducer", "BufferFull", "Camera", "Contact", "Delivery", "DeliveryFailed", "Event",
    "EventEncoder", "EventRejected", "Lifecycle", "Observation", "Observer", "Producer", "Purchase", "Receipt",
]  # fmt: skip
