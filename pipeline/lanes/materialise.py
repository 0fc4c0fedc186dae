"""Turn what a stage wants written into bytes, copying payload only out of the event it names."""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256

from pipeline.domain.records import OutRecord, SealedValue, SharedValue, TaggedValue
from pipeline.lanes.opening import Opened
from pipeline.ports import Codec, Cut, RawRecord, Sealer

SEALED_BYTES = 1 << 16
"""Of a larger record a dead letter holds only so many bytes from its beginning: it must fit into a Kafka message."""


class Materialiser:
    """Materialises symbolic records.

    Args:
        codec: Encodes plain records.
        sealer: Seals the content of dead letters for the privacy officer.
    """

    def __init__(self, codec: Codec, sealer: Sealer) -> None:
        self._codec = codec
        self._sealer = sealer

    def __call__(self, record: OutRecord, batch: Sequence[Opened]) -> RawRecord:
        """Return the bytes of one record; `batch` is what its `source` index points into."""
        key = None if record.key is None else record.key.encode()
        return RawRecord(topic=record.topic, partition=record.partition, key=key, value=self._value(record, batch))

    def _value(self, record: OutRecord, batch: Sequence[Opened]) -> bytes | None:
        match record.value:
            case None:
                return None
            case TaggedValue() as tagged:
                return _cut(record, batch).tagged(tagged)
            case SharedValue() as shared:
                return _cut(record, batch).shared(shared)
            case SealedValue() as sealed:
                return self._dead_letter(record, sealed, _source(record, batch))
            case plain:
                return self._codec.encode(record.schema, plain)

    def _dead_letter(self, record: OutRecord, sealed: SealedValue, source: Opened) -> bytes:
        """Return where an unreadable record stands and why; its content, or the beginning of it, only sealed."""
        content = source.raw.value or b""
        return self._codec.encode(
            record.schema,
            {
                "topic": source.raw.topic,
                "partition": source.raw.partition,
                "offset": source.raw.offset,
                "timestamp": datetime.fromtimestamp(source.raw.timestamp_ms / 1000, UTC),
                "size": len(content),
                "code": sealed.code,
                "field": sealed.field,
                "schema_id": source.incoming.schema_id,
                "digest": sha256(content).hexdigest(),
                "sealed": self._sealer.seal(content[:SEALED_BYTES]),
            },
        )


def _source(record: OutRecord, batch: Sequence[Opened]) -> Opened:
    if record.source is None:
        raise ValueError(f"a record for {record.topic} copies from an event and names none")
    return batch[record.source]


def _cut(record: OutRecord, batch: Sequence[Opened]) -> Cut:
    cut = _source(record, batch).cut
    if cut is None:
        raise ValueError(f"a record for {record.topic} copies from an event that could not be read")
    return cut
