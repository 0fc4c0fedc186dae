"""Make one record out of another by copying bytes, decoding only the fields for which copying is not proved."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import fastavro

from pipeline.adapters.avro.faults import fault
from pipeline.adapters.avro.walk import skip, varint
from pipeline.stages.plan import Layout, layout, projection

Span = tuple[int, int]

_UNFIT = (ValueError, TypeError, KeyError, AttributeError, OverflowError)
"""What fastavro raises for values that a schema cannot hold."""


def spans(data: bytes, start: int, end: int, plan: Layout) -> dict[str, Span]:
    """Return where each field of a record lies, walking it to its last byte."""
    found: dict[str, Span] = {}
    pos = start
    for name, type_ in plan.fields:
        stop = skip(data, pos, end, type_, plan.types)
        found[name] = (pos, stop)
        pos = stop
    if pos != end:
        raise fault("trailing-bytes")
    return found


def long_bytes(number: int) -> bytes:
    """Return the variable-length zig-zag encoding of a 64-bit integer."""
    number = (number << 1) ^ (number >> 63)
    out = bytearray()
    while number > 0x7F:
        out.append((number & 0x7F) | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


class Projector:
    """Turns records of a writer's schema into records of a reader's schema, field by field.

    Guarantees: the result is what decoding with both schemas and encoding with the reader's gives, or InvalidEvent.
    """

    def __init__(self, writer: Mapping[str, Any], reader: Mapping[str, Any]) -> None:
        self._writer, self._reader = fastavro.parse_schema(dict(writer)), fastavro.parse_schema(dict(reader))
        self._have, self._want = layout(writer), layout(reader)
        self.steps = projection(self._have, self._want)

    def project(self, data: bytes) -> bytes:
        """Return the reader's record for a writer's record, both without framing."""
        lies = spans(data, 0, len(data), self._have)
        recoded: dict[str, bytes] = {}
        if any(kind == "decode" for kind, _, _ in self.steps):
            recoded = self.recode(data)
        parts: list[bytes] = []
        for kind, name, number in self.steps:
            match kind:
                case "copy":
                    parts.append(data[slice(*lies[name])])
                case "unwrap":
                    branch, start = varint(data, *lies[name])
                    if branch != number:
                        raise fault("missing", name)
                    parts.append(data[start : lies[name][1]])
                case "wrap":
                    parts.extend((long_bytes(number), data[slice(*lies[name])]))
                case "null":
                    parts.append(b"\0")
                case _:
                    parts.append(recoded[name])
        return b"".join(parts)

    def recode(self, data: bytes) -> dict[str, bytes]:
        """Return each field of the reader's record as decoding and encoding give it.

        The record must have been walked before: decoders do not bound what they build.
        """
        try:
            encoded = self._encoded(fastavro.schemaless_reader(BytesIO(data), self._writer, None))
        except _UNFIT:
            encoded = self._resolved(data)
        return {name: encoded[slice(*span)] for name, span in spans(encoded, 0, len(encoded), self._want).items()}

    def _resolved(self, data: bytes) -> bytes:
        # tried second: fastavro's resolution stumbles over named types that occur twice
        try:
            return self._encoded(fastavro.schemaless_reader(BytesIO(data), self._writer, self._reader))
        except (*_UNFIT, fastavro.read.SchemaResolutionError):
            raise fault("malformed") from None

    def _encoded(self, value: Any) -> bytes:
        for name, type_ in self._want.fields:
            if value.get(name) is None and type_[0] not in {"union", "null"}:
                raise fault("missing", name)  # fastavro would write an absent boolean as false
        body = BytesIO()
        fastavro.schemaless_writer(body, self._reader, value)
        return body.getvalue()
