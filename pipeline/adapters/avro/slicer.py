"""The slice engine: opens source records without decoding them and builds every output from byte ranges.

Pure Python interpreter of the programs that `stages.plan` compiles; the programs are plain tuples, so that a native
core can take over. `oracle.OracleEngine` does the same by decoding and is what this is tested against.
"""

import re
from collections.abc import Callable, Mapping

from pipeline.adapters.avro.cloudevents import CloudEvents
from pipeline.adapters.avro.faults import fault
from pipeline.adapters.avro.limits import HEAD_FIELDS, MAX_ATTRIBUTE_BYTES, MAX_ID_BYTES, bounded, bounded_attribute
from pipeline.adapters.avro.projector import Span
from pipeline.adapters.avro.schemas import Schemas
from pipeline.adapters.avro.slice_program import ATTRIBUTE, TEXT, Program
from pipeline.adapters.avro.sliced_cut import SlicedCut, undeclared_of
from pipeline.adapters.avro.tagbytes import TagBytes
from pipeline.adapters.avro.values import from_micros, reported
from pipeline.adapters.avro.walk import instant_varint, skip, text, texts, varint
from pipeline.domain.events import EventHead

_next_present = re.compile(rb"[^\0]").search
_PRESENT = 2
"""The branch byte of a value that is there: branch 1, zig-zag."""

_NOTHING: frozenset[str] = frozenset()


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


class SlicerEngine:
    """Cuts source records by slice programs, one for each version of each source schema."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas
        self._edge = CloudEvents(schemas)
        self._tags = TagBytes()
        self._programs: Mapping[bytes, Program] = {
            one.fingerprint: Program(one, schemas) for one in schemas.known.values() if one.is_source
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
    program: Program, tags: TagBytes, data: bytes, start: int
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
        raise fault("missing_attribute", next(name for name, found in names.items() if not found))
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
                    if kind == ATTRIBUTE:
                        _bound(name, value)
                else:  # a string that reaches beyond the end is found at the next byte looked at
                    stop = pos + 1 + (size >> 1)
                    value = str(data[pos + 1 : stop], "utf-8")
                    pos = stop
                if kind == ATTRIBUTE:
                    attributes[name] = value
                else:
                    spans[name] = (at, pos)
                    if kind == TEXT and (not value or value.isspace()):
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
    undeclared = () if bare else reported(name for name, _ in undeclared_of(data, map_at))
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
