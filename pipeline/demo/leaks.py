"""Search every byte that came out for values that must not be there: a check, not a claim.

What an output may hold follows from its topic's role. A tagged event, a share or an inbox may hold the fields that the
schemas declare, a carrier record name, address and phone, every other record and every key none at all. A carrier
holds no id of the event, its subject or its order either: nobody can join it back.

Values of fewer than six bytes, and hexadecimal ones of fewer than twelve, are not searched for: they occur by chance.
"""

import json
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pipeline.domain.events import ATTRIBUTES

WINDOW, STEP = 5, 2
"""A value of WINDOW + STEP - 1 bytes or more holds a window that begins at a multiple of STEP, wherever it stands."""
SHORTEST = WINDOW + STEP - 1

CARRIED = frozenset({"name", "address", "phone"})
IDS = ("id", "partitionkey", "order_id")
HEX = frozenset(b"0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Leak:
    """A value of a field stood where it must not. The value itself is not repeated here."""

    topic: str
    part: str
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakCheck:
    """What was searched and what was found.

    Attributes:
        values: Distinct values of the input that were searched for.
        records: Records searched.
        size: Bytes searched.
        leaks: What was found, with how often.
    """

    values: int
    records: int
    size: int
    leaks: Mapping[Leak, int]


class LeakSearch:
    """Knows the values of the input, and finds them in bytes.

    Args:
        events: The CloudEvents that went in.
        declared: Payload fields that the schemas declare; others may come out nowhere.
    """

    def __init__(self, events: Iterable[Mapping[str, object]], declared: Container[str]) -> None:
        self._declared = declared
        self._fields: dict[bytes, set[str]] = {}
        for event in events:
            for field, value in _values(event):
                self._fields.setdefault(value, set()).add(field)
        self._windows = _index(self._fields)
        self._found: Counter[Leak] = Counter()
        self._records = self._size = 0

    def look_at(self, topic: str, key: bytes | None, value: bytes) -> None:
        """Search one record."""
        self._records += 1
        self._size += len(value) + len(key or b"")
        role = _role(topic)
        self._search(topic, "key", key or b"", forbids_ids=role == "carrier", payload=frozenset())
        payload = {"carrier": CARRIED, **dict.fromkeys(("tagged", "share", "inbox"), self._declared)}.get(
            role, frozenset()
        )
        self._search(topic, "value", value, forbids_ids=role == "carrier", payload=payload)

    def result(self) -> LeakCheck:
        """Return what has been found so far."""
        return LeakCheck(values=len(self._fields), records=self._records, size=self._size, leaks=dict(self._found))

    def _search(self, topic: str, part: str, content: bytes, *, forbids_ids: bool, payload: Container[str]) -> None:
        for value in self._present(content):
            fields = self._fields[value]
            allowed = any(field in payload or (field in IDS and not forbids_ids) for field in fields)
            if not allowed:
                self._found[Leak(topic, part, min(fields))] += 1

    def _present(self, content: bytes) -> set[bytes]:
        """Return the known values that stand in some bytes."""
        near = {
            value
            for at in range(0, len(content) - WINDOW + 1, STEP)
            for value in self._windows.get(content[at : at + WINDOW], ())
        }
        return {value for value in near if value in content}


def _index(values: Iterable[bytes]) -> dict[bytes, list[bytes]]:
    """Return for some windows the values that hold them: of each value STEP neighbouring ones, the rarest it has.

    Wherever the value stands, one of STEP neighbouring windows begins at a multiple of STEP.
    """
    windows = {value: [value[at : at + WINDOW] for at in range(len(value) - WINDOW + 1)] for value in values}
    times = Counter(window for own in windows.values() for window in own)
    index: dict[bytes, list[bytes]] = {}
    for value, own in windows.items():
        groups = (own[at : at + STEP] for at in range(len(own) - STEP + 1))
        for window in set(min(groups, key=lambda group: max(times[one] for one in group))):
            index.setdefault(window, []).append(value)
    return index


def _values(event: Mapping[str, object]) -> Iterator[tuple[str, bytes]]:
    """Yield what an event says of somebody, and its ids, by field."""
    for name in ("id", "partitionkey"):
        yield from _leaves(name, event.get(name))
    data = event.get("data")
    for name, content in data.items() if isinstance(data, Mapping) else ():
        if name == "order_id" or name not in ATTRIBUTES:
            yield from _leaves(name, content)


def _leaves(field: str, content: object) -> Iterator[tuple[str, bytes]]:
    match content:
        case str():
            for raw in {content.encode(), json.dumps(content)[1:-1].encode()}:
                if len(raw) >= SHORTEST and not (len(raw) < 12 and HEX.issuperset(raw)):
                    yield field, raw
        case Mapping():
            for inner in content.values():
                yield from _leaves(field, inner)
        case list() | tuple():
            for inner in content:
                yield from _leaves(field, inner)
        case _:
            return


def _role(topic: str) -> str:
    """Return the role in a topic name such as `allcall.carrier.delivery.v1`."""
    return topic.split(".")[1] if "." in topic else topic
