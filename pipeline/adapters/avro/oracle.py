"""The slice engine's oracle: decodes with fastavro, decides nothing, encodes again. Slow and plain on purpose."""

from io import BytesIO
from typing import Any

import fastavro

from pipeline.adapters.avro.cloudevents import CloudEvents
from pipeline.adapters.avro.codec import read_record
from pipeline.adapters.avro.faults import fault
from pipeline.adapters.avro.limits import PLAIN_TEXT_FIELDS, bounded_record, is_blank
from pipeline.adapters.avro.schemas import AvroSchema, Schemas
from pipeline.adapters.avro.values import json_value, reported
from pipeline.domain.errors import ConfigurationError
from pipeline.domain.events import ATTRIBUTES, EventHead, SourceEvent
from pipeline.domain.records import Nameless, SharedValue, Tag, TaggedValue

_REQUIRED = (("event_id", "id"), ("type", "type"), ("controller", "controller"), ("data_subject_id", "partitionkey"))


class OracleCut:
    """One event, decoded. Personal data: has no repr of its content."""

    __slots__ = ("_fields", "_record", "_schema", "_schemas", "head")

    def __init__(self, schemas: Schemas, schema: AvroSchema, record: dict[str, Any]) -> None:
        self._schemas = schemas
        self._schema = schema
        self._record: dict[str, Any] = {
            n: None if n in PLAIN_TEXT_FIELDS and is_blank(v) else v for n, v in record.items()
        }
        self._fields = [one for one in schema.definition["fields"] if "privacy.group" in one]
        self.head = self._head()

    def _head(self) -> EventHead:
        record = self._record
        for name, attribute in _REQUIRED:
            if not record[name]:
                raise fault("missing_attribute", attribute)
        bounded_record(record)
        attributes = {name: record[name] for name in ATTRIBUTES if record.get(name) is not None}
        return EventHead(
            event_id=record["event_id"],
            type=record["type"],
            occurred_at=record["occurred_at"],
            controller=record["controller"],
            key=record["data_subject_id"],
            source=record["source"],
            policy_version=record["policy_version"],
            attributes={name: tuple(value) if isinstance(value, list) else value for name, value in attributes.items()},
            present=frozenset(one["name"] for one in self._fields if record[one["name"]] is not None),
            undeclared=reported(record["undeclared"]),
        )

    def tagged(self, value: TaggedValue) -> bytes:
        """Return the tagged record."""
        gone = set() if value.keep is None else self.head.present - value.keep
        event = {**self._record, **dict.fromkeys(gone), "undeclared": {}}
        if value.nameless is not None:
            said = {name: self._record[name] for name in value.keep or () if name in self.head.present}
            event = {**dict.fromkeys(self._record), **said, **_nameless(self.head, value.nameless), "undeclared": {}}
        tagged = self._schemas.tagged[self._schema.fingerprint]
        tags = [_tag(tag) for tag in value.tags]
        said = {"tags": tags, "policy_version": value.policy_version, "data_subject": value.data_subject}
        return self._write(tagged, {**said, "event": event})

    def shared(self, value: SharedValue) -> bytes:
        """Return a recipient's record."""
        target = self._schemas.named(value.schema)
        record = {name: self._record[name] for name in value.fields if self._record.get(name) is not None}
        for one in target.definition["fields"]:
            if not isinstance(one["type"], list) and one["name"] not in value.fields:
                raise ConfigurationError(f"`{value.schema}` cannot do without {one['name']}: correct the policy")
            if not isinstance(one["type"], list) and one["name"] not in record:
                raise fault("missing", one["name"])
        return self._write(target, record)

    def decode(self) -> SourceEvent:
        """Return the event with its payload values."""
        data = {one["name"]: self._value(one) for one in self._fields if self._record[one["name"]] is not None}
        undeclared = {name: json_value(text) for name, text in self._record["undeclared"].items()}
        return SourceEvent(head=self.head, data=data, undeclared=undeclared)

    def _value(self, field: dict[str, Any]) -> Any:
        value, type_ = self._record[field["name"]], field["type"][1]
        is_json = isinstance(type_, dict) and type_.get("logicalType") == "json"
        return json_value(value, field["name"]) if is_json else value

    def _write(self, schema: AvroSchema, value: dict[str, Any]) -> bytes:
        body = BytesIO()
        body.write(self._schemas.prefix(schema))
        fastavro.schemaless_writer(body, schema.parsed, value)
        return body.getvalue()


class OracleEngine:
    """Opens source records by decoding them; byte for byte the outputs of `SlicerEngine`."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._edge = CloudEvents(schemas)

    def cut(self, value: bytes, headers: tuple[tuple[str, bytes], ...] = ()) -> OracleCut:
        """Decode a source record.

        Raises:
            InvalidEvent: as the slice engine, if not always with the same code.
        """
        del headers
        if value[:1] == b"{":
            value = self._edge.encode(self._edge.parse(value))
        schema, start = self._schemas.open(value)
        if not schema.is_source:
            raise fault("unknown-schema")
        body = BytesIO(value)
        body.seek(start)
        record = read_record(body, schema)
        if body.tell() != len(value):
            raise fault("trailing-bytes")
        return OracleCut(self._schemas, schema, record)


def _nameless(head: EventHead, put: Nameless) -> dict[str, Any]:
    kept = {"event_id": put.event_id, "occurred_at": put.occurred_at, "type": head.type}
    return {**kept, "controller": head.controller, "data_subject_id": "", "source": ""}


def _tag(tag: Tag) -> dict[str, Any]:
    return {
        "category": tag.category,
        "purpose": tag.purpose,
        "legal_basis": [str(basis) for basis in tag.legal_basis],
        "rule": tag.rule,
        "clauses": list(tag.clauses),
        "fields": list(tag.fields),
    }
