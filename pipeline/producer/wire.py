"""An event as a Kafka message: CloudEvents 1.0 in binary mode, with no personal data outside the value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.domain.errors import InvalidEvent
from pipeline.producer.errors import EventRejected
from pipeline.producer.events import Event

CONTENT_TYPE = "application/avro"


class EventEncoder(Protocol):
    """What writes a record's bytes; `pipeline.ports.Codec` fits."""

    def encode(self, schema: str, value: Mapping[str, object]) -> bytes:
        """Return a framed record of the named schema."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What goes to Kafka. The value holds personal data: never in a repr."""

    topic: str
    event_id: str
    key: bytes
    value: bytes = field(repr=False)
    headers: tuple[tuple[str, bytes], ...]


def message_of(event: Event, encoder: EventEncoder) -> Message:
    """Return an event as a message.

    The key is the data subject's pseudonym, so that all events of one subject keep their order. Headers carry the
    CloudEvents attributes that hold no personal data; `ce_subject` would, and is never set.
    (CloudEvents Kafka protocol binding 1.0, section 3.2.)

    Raises:
        EventRejected: the encoder finds a value that does not fit the schema.
    """
    record = event.record()
    attributes = {
        "ce_specversion": "1.0",
        "ce_id": event.event_id,
        "ce_source": event.source,
        "ce_type": event.type,
        "ce_time": f"{record['occurred_at']:%Y-%m-%dT%H:%M:%S.%fZ}",
        "content-type": CONTENT_TYPE,
    }
    return Message(
        topic=event.destination,
        event_id=event.event_id,
        key=event.data_subject_id.encode(),
        value=_encoded(event, record, encoder),
        headers=tuple((name, text.encode()) for name, text in attributes.items()),
    )


def _encoded(event: Event, record: Mapping[str, object], encoder: EventEncoder) -> bytes:
    try:
        return encoder.encode(event.schema_name, record)
    except InvalidEvent as error:
        raise EventRejected(error.field or "event", error.code, f"it does not fit schema {event.schema_name}") from None
