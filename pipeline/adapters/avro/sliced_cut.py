"""One event's bytes with the places of its fields, and the outputs that are copied from them."""

from pipeline.adapters.avro.faults import fault
from pipeline.adapters.avro.projector import Span, long_bytes
from pipeline.adapters.avro.slice_program import Program
from pipeline.adapters.avro.tagbytes import TagBytes, text_bytes
from pipeline.adapters.avro.values import json_value, to_micros
from pipeline.adapters.avro.walk import blocks, text
from pipeline.domain.events import EventHead, SourceEvent
from pipeline.domain.records import Nameless, SharedValue, TaggedValue


class SlicedCut:
    """One event's bytes with the places of its fields. Personal data: has no repr of its content."""

    __slots__ = ("_blank", "_data", "_map_at", "_program", "_spans", "_start", "_tags", "head")

    def __init__(  # noqa: PLR0913, PLR0917  one call for each event: positional arguments cost least
        self,
        program: Program,
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
            return first + self._nameless(value.nameless, keep or frozenset())
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
        undeclared = dict(undeclared_of(self._data, self._map_at))
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


def undeclared_of(data: bytes, pos: int) -> list[tuple[str, str]]:
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
