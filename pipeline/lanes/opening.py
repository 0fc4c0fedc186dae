"""Open consumed records as far as a stage needs. What cannot be opened carries an error; nothing is raised."""

from dataclasses import dataclass, field

from pipeline.domain.errors import InvalidEvent
from pipeline.domain.events import EventHead
from pipeline.domain.opaque import OPAQUE, is_opaque
from pipeline.domain.records import Incoming
from pipeline.domain.vocabulary import CONTROL_KEY
from pipeline.ports import Codec, Cut, InRecord, SliceEngine

SINGLE_OBJECT = b"\xc3\x01"
CONFLUENT = b"\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One consumed record: its bytes, what the stage sees of it, and its cut if it has a payload to copy from."""

    raw: InRecord
    incoming: Incoming
    cut: Cut | None = field(default=None, repr=False)


def schema_id_of(value: bytes | None) -> str:
    r"""Return what a value's framing says of its schema, as text, or nothing where there is no framing.

    >>> schema_id_of(b"\x00\x00\x00\x00\x07...")
    'confluent:7'
    >>> schema_id_of(b"\xc3\x01" + bytes(8))
    'avro:0000000000000000'
    """
    if value is None:
        return ""
    if value.startswith(SINGLE_OBJECT) and len(value) >= 10:
        return f"avro:{int.from_bytes(value[2:10], 'little'):016x}"
    if value.startswith(CONFLUENT) and len(value) >= 5:
        return f"confluent:{int.from_bytes(value[1:5], 'big')}"
    return ""


class SourceOpener:
    """Opens events of source and control topics: cut into ranges, not decoded.

    Args:
        engine: Cuts events.
        control: Name of the control topic, whose only key is `control`.
    """

    def __init__(self, engine: SliceEngine, control: str) -> None:
        self._engine = engine
        self._control = control

    def __call__(self, record: InRecord) -> Opened:
        """Cut a record; an invalid one carries its error."""
        try:
            if record.value is None:
                raise InvalidEvent("empty_record", "a source record has no value")  # noqa: TRY301 - one road for all
            cut = self._engine.cut(record.value, record.headers)
            self._check_key(record, cut.head)
            _check_ids(cut.head)
            return Opened(raw=record, incoming=_incoming(record, head=cut.head), cut=cut)
        except InvalidEvent as error:
            return Opened(raw=record, incoming=_incoming(record, error=(error.code, error.field)))

    def _check_key(self, record: InRecord, head: EventHead) -> None:
        """Refuse an event under a foreign key: it would be decided with another person's state, or with none."""
        control = record.topic == self._control
        if record.key != head.key.encode() or (control and head.key != CONTROL_KEY):
            raise InvalidEvent("wrong_key", "the record's key is not the event's", field="data_subject_id")


def _check_ids(head: EventHead) -> None:
    """Refuse ids that may name somebody: they would end in clear in keys, reports and ledgers."""
    for name, identity in (("event_id", head.event_id), ("data_subject_id", head.key)):
        if not is_opaque(identity):
            raise InvalidEvent("not_opaque", f"an id in clear must be opaque: use {OPAQUE}", field=name)


class RecordOpener:
    """Opens records without payload, such as obligations and receipts: decoded in full."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def __call__(self, record: InRecord) -> Opened:
        """Decode a record; an invalid one carries its error."""
        try:
            if record.value is None:
                raise InvalidEvent("empty_record", "a record has no value")  # noqa: TRY301 - one road for all
            schema, value = self._codec.decode(record.value)
            return Opened(raw=record, incoming=_incoming(record, value=value, schema=schema))
        except InvalidEvent as error:
            return Opened(raw=record, incoming=_incoming(record, error=(error.code, error.field)))


def _incoming(
    record: InRecord,
    *,
    head: EventHead | None = None,
    error: tuple[str, str | None] | None = None,
    value: dict[str, object] | None = None,
    schema: str = "",
) -> Incoming:
    return Incoming(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp_ms,
        head=head,
        error=error,
        schema_id=schema or schema_id_of(record.value),
        value=value,
    )
