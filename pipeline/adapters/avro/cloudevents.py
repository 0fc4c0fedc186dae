"""CloudEvents 1.0 at the edge: structured-mode JSON to a source event, a source event to Avro and back to JSON.

The JSON form carries the envelope as CloudEvents attributes and everything else in `data`; in Avro all of it is one
record. Extension attributes beyond `controller`, `partitionkey`, `policyversion` and `ingesttime` are ignored. A plain
text that is empty or blank counts as absent.
"""

from collections.abc import Mapping
from datetime import datetime
from io import BytesIO
from typing import Any

import fastavro

from pipeline.adapters.avro.faults import MAX_BYTES, fault
from pipeline.adapters.avro.limits import PLAIN_TEXT_FIELDS, bounded, bounded_attribute, is_blank
from pipeline.adapters.avro.schemas import AvroSchema, Schemas
from pipeline.adapters.avro.values import check, document, instant, json_text, reported
from pipeline.domain.events import ATTRIBUTES, EventHead, SourceEvent
from pipeline.domain.vocabulary import Family

ADDRESS_PARTS = ("street", "postcode", "city", "country")
_REQUIRED = ("id", "source", "type", "time", "controller", "partitionkey")
_INT64 = range(-(1 << 63), 1 << 63)


class CloudEvents:
    """Reads and writes source events in both forms."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._kinds = {family: _kinds(schemas.source(family)) for family in Family}

    def parse(self, value: bytes) -> SourceEvent:
        """Return the event of a structured-mode JSON document.

        An unknown event name is no error here; its data are read by the lifecycle schema.

        Raises:
            InvalidEvent: with an error code and, where it can be named, the field; never with a value.
        """
        if len(value) > MAX_BYTES:
            raise fault("too_large")
        envelope = document(value)
        texts = {name: _attribute(envelope, name) for name in _REQUIRED}
        if envelope.get("specversion") != "1.0":
            raise fault("invalid_field" if "specversion" in envelope else "missing_attribute", "specversion")
        if "data_base64" in envelope:
            raise fault("invalid_field", "data_base64")
        version = envelope.get("policyversion")
        if version is not None and not isinstance(version, str):
            raise fault("invalid_field", "policyversion")
        data = envelope.get("data")
        if data is not None and not isinstance(data, dict):
            raise fault("invalid_field", "data")
        return self._event(texts, version, data or {})

    def _event(self, texts: Mapping[str, str], version: str | None, sent: Mapping[str, Any]) -> SourceEvent:
        family = self._schemas.catalogue.family_of(texts["type"]) or Family.LIFECYCLE
        fields = self._schemas.catalogue.fields[family]
        values = {name: value for name, value in sent.items() if not _says_nothing(name, value)}
        data = {name: values[name] for name in fields if name in values}
        undeclared = {n: v for n, v in values.items() if n not in data and n not in ATTRIBUTES}
        if isinstance(data.get("address"), dict):
            data["address"], more = _address(data["address"])
            undeclared.update(more)
        head = EventHead(
            event_id=texts["id"],
            type=texts["type"],
            occurred_at=instant(texts["time"], "time"),
            controller=texts["controller"],
            key=texts["partitionkey"],
            source=texts["source"],
            policy_version=version,
            attributes={n: _frozen(values[n]) for n in ATTRIBUTES if n in values},
            present=frozenset(data),
            undeclared=reported(undeclared),
        )
        return SourceEvent(head=head, data=data, undeclared=undeclared)

    def encode(self, event: SourceEvent) -> bytes:
        """Return an event as a framed Avro source record.

        Raises:
            InvalidEvent: a field has the wrong type or is too long; `invalid_field` or `too_large`, and its name.
        """
        family = self._schemas.catalogue.family_of(event.head.type) or Family.LIFECYCLE
        schema = self._schemas.source(family)
        body = BytesIO()
        body.write(self._schemas.prefix(schema))
        fastavro.schemaless_writer(body, schema.parsed, self._record(event, self._kinds[family]))
        value = body.getvalue()
        if len(value) > MAX_BYTES:
            raise fault("too_large")
        return value

    def _record(self, event: SourceEvent, kinds: Mapping[str, str]) -> dict[str, Any]:
        head = event.head
        record: dict[str, Any] = {
            "event_id": _short(head.event_id, "id"),
            "type": _short(head.type, "type"),
            "occurred_at": _aware(head.occurred_at),
            "controller": _short(head.controller, "controller"),
            "data_subject_id": _short(head.key, "partitionkey"),
            "source": _short(head.source, "source"),
            "policy_version": None if head.policy_version is None else _short(head.policy_version, "policyversion"),
        }
        undeclared = dict(event.undeclared)
        for name, value in (*head.attributes.items(), *event.data.items()):
            if name in kinds:
                record[name] = _ENCODERS[kinds[name]](value, name)
                if name in ATTRIBUTES:
                    bounded_attribute(record[name], name)
            else:
                undeclared[name] = value
        reported(undeclared)  # refuses too many
        for name in undeclared:
            check(name)
        record["undeclared"] = {name: json_text(value) for name, value in undeclared.items()}
        return record


def structured(event: SourceEvent) -> dict[str, Any]:
    """Return an event as a CloudEvents structured-mode document."""
    head = event.head
    version = {} if head.policy_version is None else {"policyversion": head.policy_version}
    attributes = {n: list(v) if isinstance(v, tuple) else v for n, v in head.attributes.items()}
    return {
        "specversion": "1.0",
        "id": head.event_id,
        "source": head.source,
        "type": head.type,
        "time": head.occurred_at.isoformat().replace("+00:00", "Z"),
        "controller": head.controller,
        "partitionkey": head.key,
        **version,
        "data": {**attributes, **event.data, **event.undeclared},
    }


def _attribute(envelope: Mapping[str, Any], name: str) -> str:
    value = envelope.get(name)
    if value is None or value == "":
        raise fault("missing_attribute", name)
    if not isinstance(value, str):
        raise fault("invalid_field", name)
    return bounded(value, name)


def _says_nothing(name: str, value: object) -> bool:
    return value is None or (name in PLAIN_TEXT_FIELDS and is_blank(value))


def _address(value: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the four parts of an address, and what else was sent in it under names of its own."""
    parts = {part: "" if value.get(part) is None else value[part] for part in ADDRESS_PARTS}
    return parts, {f"address_{name}": inner for name, inner in value.items() if name not in ADDRESS_PARTS}


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _kinds(schema: AvroSchema) -> dict[str, str]:
    """Return how each attribute and payload field of a source schema is written."""
    return {one["name"]: _kind(one["type"][1]) for one in schema.definition["fields"] if isinstance(one["type"], list)}


def _kind(type_: Any) -> str:
    if isinstance(type_, str):
        return type_
    return "json" if type_.get("logicalType") == "json" else str(type_["type"])


def _plain(value: Any, field: str) -> str:
    if not isinstance(value, str):
        raise fault("invalid_field", field)
    check(value, field)
    return value


def _short(value: Any, field: str) -> str:
    return bounded(_plain(value, field), field)


def _aware(value: Any) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise fault("invalid_time", "time")
    return value


def _boolean(value: Any, field: str) -> bool:
    if not isinstance(value, bool):
        raise fault("invalid_field", field)
    return value


def _long(value: Any, field: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value not in _INT64:
        raise fault("invalid_field", field)
    return value


def _list(value: Any, field: str) -> list[str]:
    if not isinstance(value, list | tuple):
        raise fault("invalid_field", field)
    return [_plain(one, field) for one in value]


def _record(value: Any, field: str) -> dict[str, str]:
    if not isinstance(value, Mapping) or not set(value) <= set(ADDRESS_PARTS):
        raise fault("invalid_field", field)
    return {part: _plain(value.get(part, ""), field) for part in ADDRESS_PARTS}


_ENCODERS = {
    "string": _plain, "json": json_text, "boolean": _boolean, "long": _long, "array": _list, "record": _record,
}  # fmt: skip
