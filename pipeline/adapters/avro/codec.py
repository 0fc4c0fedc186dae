"""Framed Avro records of everything that is not copied from an event: obligations, expiries, reviews, ledgers.

Strict beyond fastavro: a record must hold every field without a default and no unknown one, an instant is an aware
datetime and never a number, and of two record types in a union the one whose fields fit is written.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import fastavro

from pipeline.adapters.avro.faults import MAX_BYTES, fault
from pipeline.adapters.avro.limits import bounded_record
from pipeline.adapters.avro.schemas import AvroSchema, Schemas
from pipeline.adapters.avro.values import json_text, json_value
from pipeline.domain.errors import ConfigurationError, InvalidEvent

Change = Callable[[Any], Any]
"""Turns a value of ours into one of fastavro's or back."""

DECODING_ERRORS = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, MemoryError, RecursionError,
)  # fmt: skip
"""What fastavro raises on bytes that no writer wrote."""


class AvroCodec:
    """Encodes by schema name and decodes by framing. Instants are aware datetimes in UTC on both sides."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._in: dict[bytes, Change | None] = {}
        self._out: dict[bytes, Change | None] = {}

    def encode(self, schema: str, value: Mapping[str, object]) -> bytes:
        """Return a framed record.

        Raises:
            ConfigurationError: no such schema, or the value does not fit it; names the schema and what it lacks.
            InvalidEvent: an event does not fit its source schema, is too large or has too long an attribute, or a JSON
                field cannot be written.
        """
        found = self._schemas.named(schema)
        body = BytesIO()
        body.write(self._schemas.prefix(found))
        try:
            change = self._change(self._in, found, _writing)
            ready = change(value) if change else value
            fastavro.schemaless_writer(body, found.parsed, ready, strict_allow_default=True)
        except DECODING_ERRORS as error:
            problem = _misfit(found, value, error)
            if found.is_source:
                raise InvalidEvent("invalid_field", problem) from None
            raise ConfigurationError(problem) from None
        if found.is_source:
            bounded_record(value)
            if body.tell() > MAX_BYTES:
                raise fault("too_large")
        return body.getvalue()

    def decode(self, value: bytes) -> tuple[str, dict[str, object]]:
        """Return schema name and value of a framed record.

        Raises:
            InvalidEvent: unknown framing, truncated, malformed, or bytes behind the record.
        """
        schema, start = self._schemas.open(value)
        body = BytesIO(value)
        body.seek(start)
        found = read_record(body, schema)
        if body.tell() != len(value):
            raise fault("trailing-bytes")
        change = self._change(self._out, schema, _reading)
        return schema.name, change(found) if change else found

    def _change(
        self,
        cache: dict[bytes, Change | None],
        schema: AvroSchema,
        make: Callable[[Any, dict[str, Any]], Change | None],
    ) -> Change | None:
        if schema.fingerprint not in cache:
            cache[schema.fingerprint] = make(schema.parsed, {})
        return cache[schema.fingerprint]


def _misfit(schema: AvroSchema, value: Mapping[str, object], error: Exception) -> str:
    """Say what does not fit. fastavro's own sentence may quote the value: only the kind of its error is told."""
    fields = {one["name"]: "default" in one for one in schema.definition["fields"]}
    missing = sorted(name for name, optional in fields.items() if not optional and name not in value)
    unknown = sorted(set(value) - set(fields))
    told = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has no field {', '.join(unknown)}"] * bool(unknown)
    return f"a value does not fit the schema `{schema.name}`: {' and '.join(told) or type(error).__name__}"


def read_record(body: BytesIO, schema: AvroSchema) -> dict[str, Any]:
    """Return the record at the position of a stream; errors of the bytes become InvalidEvent."""
    try:
        found = fastavro.schemaless_reader(body, schema.parsed, None)
    except EOFError:
        raise fault("truncated") from None
    except DECODING_ERRORS:
        raise fault("malformed") from None
    if not isinstance(found, dict):  # every schema of ours is a record
        raise fault("malformed")
    return found


def _writing(type_: Any, names: dict[str, Any]) -> Change | None:
    return _compile(type_, names, {"timestamp-micros": _instant, "json": json_text}, writing=True)


def _reading(type_: Any, names: dict[str, Any]) -> Change | None:
    return _compile(type_, names, {"json": json_value}, writing=False)


def _instant(value: Any) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise TypeError
    return value.astimezone(UTC)


def _compile(type_: Any, names: dict[str, Any], leaves: Mapping[str, Change], *, writing: bool) -> Change | None:
    """Return what to do with values of a type, or None if they pass as they are."""
    if isinstance(type_, str):
        return names.get(type_)
    if isinstance(type_, list):
        return _union(type_, names, leaves, writing=writing)
    if type_.get("logicalType") in leaves:
        return leaves[type_["logicalType"]]
    match type_["type"]:
        case "record":
            changes = {one["name"]: _compile(one["type"], names, leaves, writing=writing) for one in type_["fields"]}
            names[type_["name"]] = change = _record({name: inner for name, inner in changes.items() if inner})
            return change
        case "array":
            item = _compile(type_["items"], names, leaves, writing=writing)
            return (lambda values: [item(one) for one in values]) if item else None
        case _:
            return None


def _record(changes: Mapping[str, Change]) -> Change | None:
    if not changes:
        return None

    def change(value: Any) -> Any:
        done = dict(value)
        for name, inner in changes.items():
            if name in done:
                done[name] = inner(done[name])
        return done

    return change


def _union(branches: list[Any], names: dict[str, Any], leaves: Mapping[str, Change], *, writing: bool) -> Change | None:
    records = [one for one in branches if isinstance(one, dict) and one["type"] == "record"]
    inner = [_compile(one, names, leaves, writing=writing) for one in branches]
    if len(records) < 2:
        change = next((one for one in inner if one), None)
        return (lambda value: None if value is None else change(value)) if change else None
    shapes = [(frozenset(_names(one)), one["name"], _compile(one, names, leaves, writing=writing)) for one in records]

    def choose(value: Any) -> Any:
        for fields, name, change in shapes:
            if fields.issuperset(value):
                done = change(value) if change else value
                return (name, done) if writing else done
        raise TypeError  # told by name of the schema in `encode`

    return choose


def _names(record: Mapping[str, Any]) -> list[str]:
    return [one["name"] for one in record["fields"]]
