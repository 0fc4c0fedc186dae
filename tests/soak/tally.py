"""A tiny deterministic stage for proving the engine: copy each event, counted per key, to an output topic.

An event is JSON `{"id": n, "key": k}`. Its copy carries how many events of its key came before and with it, so that a
reader sees loss, repetition, disorder and forgotten state without knowing anything else.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from pipeline.domain.errors import InvalidEvent
from pipeline.domain.records import Change, Incoming, Output, OutRecord, SealedValue
from pipeline.ports import StateReader

SCHEMA = "tally"


class JsonCodec:
    """Encodes plain records as JSON."""

    def encode(self, schema: str, value: Mapping[str, object]) -> bytes:
        return json.dumps({"schema": schema, **value}, default=_plain).encode()

    def decode(self, value: bytes) -> tuple[str, dict[str, object]]:
        try:
            return SCHEMA, dict(json.loads(value))
        except ValueError as error:
            raise InvalidEvent("malformed", "the value is not JSON") from error


def _plain(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


class PlainSealer:
    """Seals nothing: for tests without personal data."""

    def seal(self, content: bytes) -> bytes:
        return content


class Tally:
    """Copies events with the running count of their key.

    Args:
        out: Topic of the copies; the same partition as the event.
        dead_letters: Topic of what is not an event.
    """

    def __init__(self, out: str, dead_letters: str) -> None:
        self._out = out
        self._dead_letters = dead_letters

    def handle(self, batch: Sequence[Incoming], state: StateReader, partition: int, now: datetime) -> Output:  # noqa: ARG002 - the port's names
        output = Output()
        counts: dict[str, int] = {}
        for i, event in enumerate(batch):
            if event.value is None:
                sealed = SealedValue(*(event.error or ("unknown", None)))
                output.records.append(
                    OutRecord(
                        topic=self._dead_letters, key=None, schema="dead-letter", value=sealed, partition=0, source=i
                    )
                )
                continue
            key = str(event.value["key"])
            counts[key] = counts.get(key, int(state.get(key.encode()) or 0)) + 1
            copy = {"id": event.value["id"], "key": key, "count": counts[key]}
            output.records.append(
                OutRecord(topic=self._out, key=key, schema=SCHEMA, value=copy, partition=partition, source=i)
            )
        output.changes += [Change(key.encode(), str(count).encode()) for key, count in counts.items()]
        output.counts["handled",] = len(batch)
        return output
