"""The slice engine: opens source records without decoding them and builds every output from byte ranges.

Pure Python interpreter of the programs that `stages.plan` compiles; the programs are plain tuples, so that a native
core can take over. `oracle.OracleEngine` does the same by decoding and is what this is tested against.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.adapters.avro.cloudevents import CloudEvents
from pipeline.adapters.avro.faults import fault
from pipeline.adapters.avro.limits import (
    HEAD_FIELDS,
    MAX_ATTRIBUTE_BYTES,
    MAX_ID_BYTES,
    PLAIN_TEXT_FIELDS,
    bounded,
    bounded_attribute,
)
from pipeline.adapters.avro.projector import Projector, Span, long_bytes
from pipeline.adapters.avro.schemas import AvroSchema, Schemas
from pipeline.adapters.avro.tagbytes import TagBytes, text_bytes
from pipeline.adapters.avro.values import from_micros, json_value, reported, to_micros
from pipeline.adapters.avro.walk import blocks, instant_varint, skip, text, texts, varint
from pipeline.domain.errors import ConfigurationError
from pipeline.domain.events import EventHead, SourceEvent
from pipeline.domain.records import Nameless, SharedValue, TaggedValue
from pipeline.stages.plan import RunField, source_program

_next_present = re.compile(rb"[^\0]").search
_PRESENT = 2
"""The branch byte of a value that is there: branch 1, zig-zag."""

_JSON = 1
_ATTRIBUTE = 2
_TEXT = 3
"""What the loop meets most: JSON text of the payload, a string among the attributes, a plain text; 0 is all else."""

_NOTHING: frozenset[str] = frozenset()

_SHARED = ("carrier", "share")

Part = tuple[str, Any]
"""`("bytes", constant)`, or a step of the plan with the field's name."""


def _read_text(data: bytes, pos: int, end: int) -> tuple[object, int]:
    return text(data, pos, end)


def _read_boolean(data: bytes, pos: int, end: int) -> tuple[object, int]:
    stop = skip(data, pos, end, ("boolean",), {})
    return data[pos] == 1, stop


def _read_long(data: bytes, pos: int, end: int) -> tuple[object, int]:
    return varint(data, pos, end)


def _read_texts(data: bytes, pos: int, end: int) -> tuple[object, int]:
    found, stop = texts(data, pos, end)
    return tuple(found), stop


Reader = Callable[[bytes, int, int], tuple[object, int]]
_READERS: dict[str, Reader] = {
    "string": _read_text, "boolean": _read_boolean, "long": _read_long, "array": _read_texts,
}  # fmt: skip


def _kind(field: RunField) -> int:
    if field.type != ("string",):
        return 0
    if field.attribute:
        return _ATTRIBUTE
    return _TEXT if field.name in PLAIN_TEXT_FIELDS else _JSON


class _Program:
    """What cutting one version of one source schema needs, in the form the loop wants."""

    def __init__(self, source: AvroSchema, schemas: Schemas) -> None:
        plan = source_program(source.definition)
        self.schema = source
        self.types = plan.layout.types
        self.run: tuple[tuple[str, int, RunField], ...] = tuple((one.name, _kind(one), one) for one in plan.run)
        self.length = len(self.run)
        self.tagged_prefix = schemas.prefix(schemas.tagged[source.fingerprint])
        self.json_fields = frozenset(
            one["name"]
            for one in source.definition["fields"]
            if isinstance(one["type"], list) and one["type"][1] == {"type": "string", "logicalType": "json"}
        )
        targets = {name: schemas.named(name) for name in _SHARED}
        self._prefixes = {name: schemas.prefix(target) for name, target in targets.items()}
        self.projectors = {name: Projector(source.definition, target.definition) for name, target in targets.items()}
        self._parts: dict[tuple[str, tuple[str, ...]], tuple[Part, ...]] = {}

    def parts(self, value: SharedValue) -> tuple[Part, ...]:
        """Return the pieces of a recipient's record: every field of its schema that is on the whitelist, else null."""
        found = self._parts.get((value.schema, value.fields))
        if found is None:
            found = self._parts[value.schema, value.fields] = tuple(self._compile(value))
        return found

    def _compile(self, value: SharedValue) -> list[Part]:
        if value.schema not in self.projectors:
            raise ConfigurationError(f"`{value.schema}` is no schema to share with: use {' or '.join(_SHARED)}")
        steps = self.projectors[value.schema].steps
        known = {name for _, name, _ in steps}
        foreign = sorted(set(value.fields) - known)
        withheld = sorted(name for kind, name, _ in steps if kind not in {"copy", "null"} and name not in value.fields)
        if foreign or withheld:
            raise ConfigurationError(
                f"`{value.schema}` cannot carry exactly {', '.join(value.fields)}: correct the fields in the policy"
            )
        merged = self._prefixes[value.schema]
        parts: list[Part] = []
        for kind, name, _ in steps:
            if kind == "null" or name not in value.fields:
                merged += b"\0"
                continue
            parts.extend((("bytes", merged), (kind, name)) if merged else ((kind, name),))
            merged = b""
        return [*parts, ("bytes", merged)] if merged else parts


class SlicedCut:
    """One event's bytes with the places of its fields. Personal data: has no repr of its content."""

    __slots__ = ("_blank", "_data", "_map_at", "_program", "_spans", "_start", "_tags", "head")

    def __init__(  # noqa: PLR0913, PLR0917  one call for each event: positional arguments cost least
        self,
        program: _Program,
        tags: TagBytes,
        data: bytes,
        start: int,
        spans: dict[str, Span],
        blank: frozenset[str],
        map_at: int,
        head: EventHead,
    ) -> None:
        self._program = program
        self._tags = tags
        self._data = data
        self._start = start
        self._spans = spans
        self._blank = blank  # places of texts that say nothing: in no output
        self._map_at = map_at
        self.head = head

    def tagged(self, value: TaggedValue) -> bytes:
        """Return the tagged record: the event's bytes as they came, or without what the decision does not keep.

        Undeclared fields are never kept, nor are texts that say nothing.
        """
        data, keep, blank = self._data, value.keep, self._blank
        tags = self._tags.of(value.tags, value.policy_version)
        first = self._program.tagged_prefix + tags + text_bytes(value.data_subject)
        if value.nameless is not None:
            return first + self._nameless(value.nameless, keep or _NOTHING)
        last = len(data)
        bare = self._map_at == last - 1 and not blank
        if bare and (keep is None or keep.issuperset(self._spans)):
            return first + data[self._start :]
        parts = [first]
        pos = self._start
        for name, (at, end) in self._spans.items():
            if name in blank or (keep is not None and name not in keep):
                parts.extend((data[pos:at], b"\0"))
                pos = end
        parts.extend((data[pos : self._map_at], b"\0"))
        return b"".join(parts)

    def _nameless(self, put: Nameless, keep: frozenset[str]) -> bytes:
        """Return the event with what is kept of its payload, and nothing by which to join it to anybody."""
        parts = [
            text_bytes(put.event_id),
            text_bytes(self.head.type),
            long_bytes(to_micros(put.occurred_at)),
            text_bytes(self.head.controller),
            text_bytes(""),
            text_bytes(""),
        ]
        for name, _, _ in self._program.run:
            span = None if name in self._blank or name not in keep else self._spans.get(name)
            parts.append(self._data[span[0] : span[1]] if span else b"\0")
        return b"".join((*parts, b"\0"))

    def shared(self, value: SharedValue) -> bytes:
        """Return a recipient's record, made of whitelisted ranges only.

        Raises:
            InvalidEvent: `missing`, with the field that the recipient must get and the event lacks.
        """
        data, spans, blank = self._data, self._spans, self._blank
        parts: list[bytes] = []
        for kind, name in self._program.parts(value):
            if kind == "bytes":
                parts.append(name)
                continue
            span = None if name in blank else spans.get(name)
            if kind == "unwrap":
                if span is None:
                    raise fault("missing", name)
                parts.append(data[span[0] + 1 : span[1]])
            elif span is None:
                parts.append(b"\0")
            elif kind == "copy":
                parts.append(data[span[0] : span[1]])
            else:
                parts.append(self._program.projectors[value.schema].recode(data[self._start :])[name])
        return b"".join(parts)

    def decode(self) -> SourceEvent:
        """Return the event with its payload values.

        Raises:
            InvalidEvent: a JSON field holds no JSON.
        """
        values = {name: self._value(name, span) for name, span in self._spans.items() if name not in self._blank}
        undeclared = dict(_undeclared(self._data, self._map_at))
        return SourceEvent(
            head=self.head,
            data=values,
            undeclared={name: json_value(value) for name, value in undeclared.items()},
        )

    def _value(self, name: str, span: Span) -> object:
        field = next(one for one in self._program.run if one[0] == name)[2]
        if field.type == ("string",):
            found, _ = text(self._data, span[0] + 1, span[1])
            return json_value(found, name) if name in self._program.json_fields else found
        parts, pos = {}, span[0] + 1
        for part, _ in self._program.types[field.type[1]][2]:
            parts[part], pos = text(self._data, pos, span[1])
        return parts


class SlicerEngine:
    """Cuts source records by slice programs, one for each version of each source schema."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._edge = CloudEvents(schemas)
        self._tags = TagBytes()
        self._programs: Mapping[bytes, _Program] = {
            one.fingerprint: _Program(one, schemas) for one in schemas.known.values() if one.is_source
        }

    def cut(self, value: bytes, headers: tuple[tuple[str, bytes], ...] = ()) -> SlicedCut:
        """Walk a source record to its last byte.

        Args:
            value: Framed Avro, or a structured-mode CloudEvents JSON object.
            headers: Looked at by nobody: in binary mode the envelope is inside the record too.

        Raises:
            InvalidEvent: with a code of `faults.MESSAGES`.
        """
        del headers
        if value[:1] == b"{":
            value = self._edge.encode(self._edge.parse(value))
        schema, start = self._schemas.open(value)
        program = self._programs.get(schema.fingerprint)
        if program is None:
            raise fault("unknown-schema")
        return _cut(program, self._tags, value, start)


def _cut(  # noqa: C901, PLR0912, PLR0915  the hot loop: a function call for each field would double its time
    program: _Program, tags: TagBytes, data: bytes, start: int
) -> SlicedCut:
    end = len(data)
    event_id, pos = text(data, start, end)
    type_, pos = text(data, pos, end)
    micros, pos = instant_varint(data, pos, end)
    controller, pos = text(data, pos, end)
    key, pos = text(data, pos, end)
    source, pos = text(data, pos, end)
    if pos - start > MAX_ID_BYTES:  # else none of them can be longer
        for name, value in zip(HEAD_FIELDS.values(), (event_id, type_, controller, key, source), strict=False):
            bounded(value, name)
    if not (event_id and type_ and controller and key):
        names = {"id": event_id, "type": type_, "controller": controller, "partitionkey": key}
        raise fault("missing-attribute", next(name for name, found in names.items() if not found))
    attributes: dict[str, object] = {}
    spans: dict[str, Span] = {}
    blank = _NOTHING
    run, length, index, next_present = program.run, program.length, 0, _next_present
    try:
        while index < length:
            # every absent field is one zero byte: go to the next present one at once
            if not data[pos]:
                found = next_present(data, pos)
                absent = (end if found is None else found.start()) - pos
                if absent >= length - index:
                    pos += length - index
                    break
                index += absent
                pos += absent
            name, kind, field = run[index]
            if data[pos] != _PRESENT:
                raise fault("malformed", name)
            index += 1
            at = pos
            pos += 1
            if kind:
                size = data[pos]
                if size & 0x81:  # long or negative
                    value, pos = text(data, pos, end)
                    if kind == _ATTRIBUTE:
                        _bound(name, value)
                else:  # a string that reaches beyond the end is found at the next byte looked at
                    stop = pos + 1 + (size >> 1)
                    value = str(data[pos + 1 : stop], "utf-8")
                    pos = stop
                if kind == _ATTRIBUTE:
                    attributes[name] = value
                else:
                    spans[name] = (at, pos)
                    if kind == _TEXT and (not value or value.isspace()):
                        blank |= {name}
            elif field.attribute:
                attributes[name], pos = _READERS[field.type[0]](data, pos, end)
                bounded_attribute(attributes[name], name)
            else:
                pos = (
                    _skip_strings(data, pos, end, field.strings)
                    if field.strings
                    else skip(data, pos, end, field.type, program.types)
                )
                spans[name] = (at, pos)
        map_at = pos
        bare = not data[pos] and pos == end - 1
    except IndexError:
        raise fault("truncated") from None
    except UnicodeDecodeError:
        raise fault("malformed", name) from None
    undeclared = () if bare else reported(name for name, _ in _undeclared(data, map_at))
    policy_version = attributes.pop("policy_version", None)
    head = EventHead(
        event_id=event_id,
        type=type_,
        occurred_at=from_micros(micros, "time"),
        controller=controller,
        key=key,
        source=source,
        policy_version=policy_version if isinstance(policy_version, str) else None,
        attributes=attributes,
        present=frozenset(spans) - blank,
        undeclared=undeclared,
    )
    return SlicedCut(program, tags, data, start, spans, blank, map_at, head)


def _bound(name: str, value: str) -> None:
    if name in HEAD_FIELDS:
        bounded(value, HEAD_FIELDS[name], MAX_ID_BYTES)
    else:
        bounded(value, name, MAX_ATTRIBUTE_BYTES)


def _skip_strings(data: bytes, pos: int, end: int, count: int) -> int:
    for _ in range(count):
        size = data[pos]
        if size & 0x81:
            pos = text(data, pos, end)[1]
        else:
            stop = pos + 1 + (size >> 1)
            str(data[pos + 1 : stop], "utf-8")
            pos = stop
    return pos


def _undeclared(data: bytes, pos: int) -> list[tuple[str, str]]:
    """Return the entries of the map that every source record ends with; nothing may follow it."""
    end = len(data)
    found: list[tuple[str, str]] = []
    while True:
        count, pos, stop = blocks(data, pos, end)
        if not count:
            break
        if count > end - pos:
            raise fault("truncated")
        for _ in range(count):
            name, pos = text(data, pos, end)
            value, pos = text(data, pos, end)
            found.append((name, value))
        if stop is not None and stop != pos:
            raise fault("malformed", "undeclared")
    if pos != end:
        raise fault("trailing-bytes")
    return found
