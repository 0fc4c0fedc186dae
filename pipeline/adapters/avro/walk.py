"""Step over Avro values without building them, to the last byte.

Strict where the specification lets a writer be sloppy: variable-length integers must be minimal, booleans 0 or 1,
strings UTF-8, counts no larger than the bytes that follow. So no two byte strings that are accepted mean the same
scalar, and hostile lengths cost nothing. Arrays and maps may come in several blocks, with or without sizes.
"""

from collections.abc import Callable, Mapping

from pipeline.adapters.avro.faults import MAX_DEPTH, fault
from pipeline.stages.plan import Type

MAX_EMPTY_ITEMS = 1 << 16
"""Most items of a type without bytes (null, empty record) in one block."""


def varint(data: bytes, pos: int, end: int) -> tuple[int, int]:
    """Return a zig-zag integer of 64 bits and the position behind it."""
    number = shift = 0
    while pos < end:
        byte = data[pos]
        pos += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            if (shift and not byte) or number >> 64:
                raise fault("malformed")
            return (number >> 1) ^ -(number & 1), pos
        shift += 7
        if shift > 63:
            raise fault("malformed")
    raise fault("truncated")


def instant_varint(data: bytes, pos: int, end: int) -> tuple[int, int]:
    """Return what `varint` returns, sooner for eight bytes, as instants from 1979 to 3111 take."""
    word = int.from_bytes(data[pos : pos + 8], "little")
    if word & 0x80808080_80808080 != 0x00808080_80808080 or word >> 56 == 0 or pos + 8 > end:
        return varint(data, pos, end)
    # drop the top bit of each byte: first within pairs of bytes, then of four, then of eight
    word = (word & 0x007F007F_007F007F) | ((word & 0x7F007F00_7F007F00) >> 1)
    word = (word & 0x00003FFF_00003FFF) | ((word & 0x3FFF0000_3FFF0000) >> 2)
    word = (word & 0x00000000_0FFFFFFF) | ((word & 0x0FFFFFFF_00000000) >> 4)
    return (word >> 1) ^ -(word & 1), pos + 8


def sized(data: bytes, pos: int, end: int) -> tuple[int, int]:
    """Return start and end of a length-prefixed value."""
    if end - pos > 2 and data[pos] >= 0x80 and 0 < data[pos + 1] < 0x80:  # often two bytes
        size, start = ((data[pos] & 0x7F) | (data[pos + 1] << 7)), pos + 2
        size = (size >> 1) ^ -(size & 1)
    else:
        size, start = varint(data, pos, end)
    if size < 0:
        raise fault("malformed")
    if size > end - start:
        raise fault("truncated")
    return start, start + size


def text(data: bytes, pos: int, end: int) -> tuple[str, int]:
    """Return a string and the position behind it."""
    size = data[pos] if pos < end else 1
    if size < 0x80 and not size & 1 and pos + 1 + (size >> 1) <= end:  # the common case: short, whole
        start = pos + 1
        stop = start + (size >> 1)
    else:
        start, stop = sized(data, pos, end)
    try:
        return str(data[start:stop], "utf-8"), stop
    except UnicodeDecodeError:
        raise fault("malformed") from None


def blocks(data: bytes, pos: int, end: int) -> tuple[int, int, int | None]:
    """Return the count of a block of an array or map, the position of its first item, and its end if it says so."""
    count, pos = varint(data, pos, end)
    if count >= 0:
        return count, pos, None
    size, pos = varint(data, pos, end)
    if size < 0:
        raise fault("malformed")
    if size > end - pos:
        raise fault("truncated")
    return -count, pos, pos + size


def texts(data: bytes, pos: int, end: int) -> tuple[list[str], int]:
    """Return an array of strings and the position behind it."""
    found: list[str] = []
    while True:
        count, pos, stop = blocks(data, pos, end)
        if not count:
            return found, _agreed(pos, stop)
        if count > end - pos:
            raise fault("truncated")
        for _ in range(count):
            one, pos = text(data, pos, end)
            found.append(one)
        _agreed(pos, stop)


def _agreed(pos: int, stop: int | None) -> int:
    if stop is not None and stop != pos:
        raise fault("malformed")
    return pos


def skip(data: bytes, pos: int, end: int, type_: Type, types: Mapping[str, Type]) -> int:
    """Return the position behind a value.

    Raises:
        InvalidEvent: truncated, malformed or nested too deeply.
    """
    return _Walk(data, end, types).step(pos, type_, 0)


class _Walk:
    __slots__ = ("_data", "_end", "_types")

    def __init__(self, data: bytes, end: int, types: Mapping[str, Type]) -> None:
        self._data = data
        self._end = end
        self._types = types

    def step(self, pos: int, type_: Type, depth: int) -> int:
        return _STEPS[type_[0]](self, pos, type_, depth)

    def null(self, pos: int, _type: Type, _depth: int) -> int:
        return pos

    def boolean(self, pos: int, _type: Type, _depth: int) -> int:
        if pos >= self._end:
            raise fault("truncated")
        if self._data[pos] > 1:
            raise fault("malformed")
        return pos + 1

    def int_(self, pos: int, _type: Type, _depth: int) -> int:
        number, pos = varint(self._data, pos, self._end)
        if not -(1 << 31) <= number < 1 << 31:
            raise fault("malformed")
        return pos

    def long(self, pos: int, _type: Type, _depth: int) -> int:
        return varint(self._data, pos, self._end)[1]

    def float_(self, pos: int, _type: Type, _depth: int) -> int:
        return self._bounded(pos + 4)

    def double(self, pos: int, _type: Type, _depth: int) -> int:
        return self._bounded(pos + 8)

    def bytes_(self, pos: int, _type: Type, _depth: int) -> int:
        return sized(self._data, pos, self._end)[1]

    def string(self, pos: int, _type: Type, _depth: int) -> int:
        return text(self._data, pos, self._end)[1]

    def fixed(self, pos: int, type_: Type, _depth: int) -> int:
        return self._bounded(pos + type_[2])

    def enum(self, pos: int, type_: Type, _depth: int) -> int:
        index, pos = varint(self._data, pos, self._end)
        if not 0 <= index < len(type_[2]):
            raise fault("malformed")
        return pos

    def array(self, pos: int, type_: Type, depth: int) -> int:
        items = type_[1]
        while True:
            count, pos, stop = blocks(self._data, pos, self._end)
            if not count:
                return _agreed(pos, stop)
            if count > max(self._end - pos, MAX_EMPTY_ITEMS):
                raise fault("truncated")
            for _ in range(count):
                before = pos
                pos = self.step(pos, items, depth + 1)
                if pos == before:  # items without bytes: all alike
                    break
            _agreed(pos, stop)

    def map_(self, pos: int, type_: Type, depth: int) -> int:
        values = type_[1]
        while True:
            count, pos, stop = blocks(self._data, pos, self._end)
            if not count:
                return _agreed(pos, stop)
            if count > self._end - pos:
                raise fault("truncated")
            for _ in range(count):
                pos = self.step(text(self._data, pos, self._end)[1], values, depth + 1)
            _agreed(pos, stop)

    def union(self, pos: int, type_: Type, depth: int) -> int:
        index, pos = varint(self._data, pos, self._end)
        if not 0 <= index < len(type_[1]):
            raise fault("malformed")
        return self.step(pos, type_[1][index], depth)

    def ref(self, pos: int, type_: Type, depth: int) -> int:
        return self.step(pos, self._types[type_[1]], depth)

    def record(self, pos: int, type_: Type, depth: int) -> int:
        if depth > MAX_DEPTH:
            raise fault("too_deep")
        for _, inner in type_[2]:
            pos = self.step(pos, inner, depth + 1)
        return pos

    def _bounded(self, pos: int) -> int:
        if pos > self._end:
            raise fault("truncated")
        return pos


_STEPS: dict[str, Callable[[_Walk, int, Type, int], int]] = {
    "null": _Walk.null, "boolean": _Walk.boolean, "int": _Walk.int_, "long": _Walk.long, "float": _Walk.float_,
    "double": _Walk.double, "bytes": _Walk.bytes_, "string": _Walk.string, "fixed": _Walk.fixed, "enum": _Walk.enum,
    "array": _Walk.array, "map": _Walk.map_, "union": _Walk.union, "ref": _Walk.ref, "record": _Walk.record,
}  # fmt: skip
