"""Source events: the slice engine gives byte for byte what decoding gives, and nothing hostile gets further."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.adapters.avro.cloudevents import CloudEvents, structured
from pipeline.adapters.avro.codec import AvroCodec
from pipeline.adapters.avro.faults import MESSAGES
from pipeline.adapters.avro.limits import PLAIN_TEXT_FIELDS
from pipeline.adapters.avro.oracle import OracleEngine
from pipeline.adapters.avro.slicer import SlicerEngine
from pipeline.domain.errors import InvalidEvent
from pipeline.domain.events import SourceEvent
from pipeline.domain.records import Nameless, SharedValue, Tag, TaggedValue
from tests.strategies import JSON, SCHEMAS, TAGS, WORDS, source_events

EDGE = CloudEvents(SCHEMAS)
SLICER = SlicerEngine(SCHEMAS)
ORACLE = OracleEngine(SCHEMAS)
CODEC = AvroCodec(SCHEMAS)
CARRIER = SharedValue("carrier", ("name", "address", "phone"))
SHAREABLE = [one["name"] for one in SCHEMAS.named("share").definition["fields"]]
MARKER = "MARKER-9f3"


def outcome(call: Callable[[], bytes]) -> bytes | tuple[str, str | None]:
    """Return bytes, or code and field of the refusal."""
    try:
        return call()
    except InvalidEvent as error:
        return error.code, error.field


@pytest.mark.slow
@settings(max_examples=250, deadline=None)
@given(source_events(), TAGS, st.none() | st.sets(st.sampled_from(SHAREABLE)), st.sets(st.sampled_from(SHAREABLE)))
def test_both_engines_write_the_same_bytes(
    event: SourceEvent, tags: tuple[Tag, ...], keep: set[str] | None, shared: set[str]
) -> None:
    value = EDGE.encode(event)
    tagged = TaggedValue(tags, "2024-07-11", None if keep is None else frozenset(keep))
    nameless = replace(tagged, nameless=Nameless("n-1", datetime(2024, 7, 1, tzinfo=UTC)))
    share = SharedValue("share", tuple(name for name in SHAREABLE if name in shared))

    slicer, oracle = SLICER.cut(value), ORACLE.cut(value)

    assert slicer.head == oracle.head
    assert slicer.decode() == oracle.decode()
    assert slicer.tagged(tagged) == oracle.tagged(tagged)
    assert slicer.tagged(nameless) == oracle.tagged(nameless)
    assert slicer.shared(share) == oracle.shared(share)
    assert outcome(lambda: slicer.shared(CARRIER)) == outcome(lambda: oracle.shared(CARRIER))


@settings(max_examples=150, deadline=None)
@given(source_events())
def test_an_event_survives_avro_and_json(event: SourceEvent) -> None:
    decoded = SLICER.cut(EDGE.encode(event)).decode()

    said = {name: one for name, one in event.data.items() if name not in PLAIN_TEXT_FIELDS or str(one).strip()}
    assert decoded.data == said
    assert decoded.head.present == frozenset(said)
    assert decoded.undeclared == event.undeclared
    assert decoded.head.attributes == event.head.attributes
    assert decoded.head.occurred_at == event.head.occurred_at
    if event.head.source:  # CloudEvents wants one
        assert SLICER.cut(json.dumps(structured(decoded)).encode()).head.present == decoded.head.present


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(source_events(), st.data())
def test_mutated_events_are_refused_or_mean_the_same_to_both_engines(event: SourceEvent, draw: st.DataObject) -> None:
    value = bytearray(EDGE.encode(event))
    for _ in range(draw.draw(st.integers(1, 3))):
        value[draw.draw(st.integers(0, len(value) - 1))] = draw.draw(st.integers(0, 255))
    mutated = bytes(value)
    refusal = outcome(lambda: SLICER.cut(mutated).tagged(TaggedValue((), "1")))
    if isinstance(refusal, tuple):
        assert refusal[0] in MESSAGES
        return
    cut = SLICER.cut(mutated)

    oracle = ORACLE.cut(mutated)

    assert cut.head == oracle.head
    assert outcome(lambda: cut.shared(CARRIER)) == outcome(lambda: oracle.shared(CARRIER))
    tagged = TaggedValue((), "1")
    assert outcome(lambda: read(cut.tagged(tagged))) == outcome(lambda: read(oracle.tagged(tagged)))


def read(value: bytes) -> bytes:
    """Return what a record says, comparably; arrays in several blocks say the same as in one."""
    return repr(CODEC.decode(value)).encode()


@settings(max_examples=50, deadline=None)
@given(source_events())
def test_every_truncation_is_found(event: SourceEvent) -> None:
    value = EDGE.encode(event)

    for end in range(0, len(value), 1 + len(value) // 200):
        with pytest.raises(InvalidEvent) as caught:
            SLICER.cut(value[:end])
        assert caught.value.code in {"truncated", "malformed", "unknown-schema"}
    with pytest.raises(InvalidEvent):
        SLICER.cut(value + b"\0")


@settings(max_examples=500, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"{", b"\0\0\0\0\1", b"\xc3\x01" + SCHEMAS.named("carrier").fingerprint]),
)
def test_any_bytes_are_refused_with_a_code(body: bytes, start: bytes) -> None:
    with pytest.raises(InvalidEvent) as caught:
        SLICER.cut(start + body)

    assert caught.value.code in MESSAGES


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    source_events(undeclared=False),
    st.dictionaries(WORDS.map(lambda name: name + MARKER), JSON),
    st.data(),
)
def test_a_marker_outside_the_whitelist_is_in_no_byte_of_a_share(
    event: SourceEvent, extra: dict[str, Any], draw: st.DataObject
) -> None:
    document = structured(event)
    allowed = {"name", "address", "phone"} & set(document["data"])
    for name in set(document["data"]) - allowed - set(event.head.attributes):
        document["data"][name] = MARKER
    if isinstance(document["data"].get("address"), dict):
        document["data"]["address"]["note"] = {"inner": MARKER}
    document["data"].update(extra)
    document["source"] = MARKER
    document["id"] = MARKER
    cut = SLICER.cut(json.dumps(document).encode())
    fields = tuple(draw.draw(st.permutations(sorted(allowed))))

    outputs = [outcome(lambda: cut.shared(CARRIER)), cut.shared(SharedValue("share", fields))]

    assert all(MARKER.encode() not in one for one in outputs if isinstance(one, bytes))
    assert MARKER not in repr(cut.head.undeclared)
