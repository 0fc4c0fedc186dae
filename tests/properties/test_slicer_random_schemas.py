"""The slice program says what two independent Avro libraries say, whatever the schema."""

import json
from io import BytesIO
from typing import Any

import avro.io
import avro.schema
import fastavro
import pytest
from hypothesis import HealthCheck, given, settings, target
from hypothesis import strategies as st

from pipeline.adapters.avro.projector import Projector
from pipeline.adapters.avro.walk import skip
from pipeline.domain.errors import InvalidEvent
from pipeline.stages.plan import layout
from tests.strategies import Projected, projections

EXAMPLES = 2_000


def by_fastavro(case: Projected, data: bytes) -> bytes | None:
    """Return the reader's record by decoding and encoding, or None if the writer's cannot be read so."""
    writer, reader = fastavro.parse_schema(case.writer), fastavro.parse_schema(case.reader)
    body = BytesIO()
    value: Any = fastavro.schemaless_reader(BytesIO(data), writer, None)
    for one in case.reader["fields"]:
        if value.get(one["name"]) is None and not (one["type"] == "null" or "null" in one["type"]):
            return None  # fastavro would write an absent boolean as false
    try:
        fastavro.schemaless_writer(body, reader, value)
    except (ValueError, TypeError):
        return None
    return body.getvalue()


def by_avro(case: Projected, data: bytes) -> bytes | None:
    """Return the same by the Apache library."""
    writer, reader = avro.schema.parse(json.dumps(case.writer)), avro.schema.parse(json.dumps(case.reader))
    body = BytesIO()
    try:
        value: Any = avro.io.DatumReader(writer).read(avro.io.BinaryDecoder(BytesIO(data)))
        wanted = {one["name"]: value.get(one["name"]) for one in case.reader["fields"]}
        avro.io.DatumWriter(reader).write(wanted, avro.io.BinaryEncoder(body))
    except avro.errors.AvroTypeException:
        return None
    return body.getvalue()


def by_slices(case: Projected, data: bytes) -> bytes | None:
    try:
        return Projector(case.writer, case.reader).project(data)
    except InvalidEvent:
        return None


def encoded(case: Projected) -> bytes:
    body = BytesIO()
    fastavro.schemaless_writer(body, fastavro.parse_schema(case.writer), case.record)
    return body.getvalue()


@pytest.mark.slow
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(projections())
def test_slices_equal_fastavro_equal_avro(case: Projected) -> None:
    data = encoded(case)

    found = by_slices(case, data)

    assert found == by_fastavro(case, data)
    assert found == by_avro(case, data)


@pytest.mark.slow
@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(projections(), st.data())
def test_mutated_records_are_refused_or_mean_what_fastavro_reads(case: Projected, draw: st.DataObject) -> None:
    data = bytearray(encoded(case))
    for _ in range(draw.draw(st.integers(1, 3))):
        if data:
            data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    cut = bytes(data[: draw.draw(st.integers(0, len(data)))]) if draw.draw(st.booleans()) else bytes(data)

    found = by_slices(case, cut)

    if found is not None:
        target(len(found))
        assert meaning(found, case.reader) == meaning(by_fastavro(case, cut), case.reader)


def meaning(data: bytes | None, schema: dict[str, Any]) -> str:
    """Return what a record says; arrays in several blocks say the same as in one."""
    assert data is not None
    return repr(fastavro.schemaless_reader(BytesIO(data), fastavro.parse_schema(schema), None))


@settings(max_examples=200, deadline=None)
@given(projections())
def test_walking_a_record_ends_at_its_last_byte_and_nowhere_else(case: Projected) -> None:
    data, plan = encoded(case), layout(case.writer)
    record = ("ref", plan.name)

    assert skip(data, 0, len(data), record, plan.types) == len(data)
    for end in range(len(data)):
        with pytest.raises(InvalidEvent) as caught:
            skip(data[:end], 0, end, record, plan.types)
        assert caught.value.code in {"truncated", "malformed"}
