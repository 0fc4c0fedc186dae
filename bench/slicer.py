"""CPU per event of the slice engine against fastavro decode and re-encode, in one process: `python -m bench.slicer`.

Both make the same two outputs of the same bytes, a tagged record and a carrier record. fastavro is used as plainly as
it can be: decode to a dict, encode twice, no check of ours. The best of several interleaved rounds counts, in CPU time.
"""

import json
import sys
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro

from pipeline.adapters.avro.cloudevents import CloudEvents
from pipeline.adapters.avro.schemas import Schemas
from pipeline.adapters.avro.slicer import SlicerEngine
from pipeline.domain.records import SharedValue, Tag, TaggedValue
from pipeline.domain.vocabulary import Family, LegalBasis

ROUNDS = 7
EVENTS = 4_000
CARRIER = SharedValue("carrier", ("name", "address", "phone"))
TAGGED = TaggedValue(
    tuple(
        Tag(
            category=category,
            purpose=purpose,
            legal_basis=(basis,),
            rule=f"{purpose}-{category}",
            clauses=("ALLCALL-5.2",),
            fields=("name", "address", "phone"),
        )
        for category, purpose, basis in (
            ("A", "sale", LegalBasis.CONTRACT),
            ("B", "sale", LegalBasis.CONTRACT),
            ("A", "bookkeeping", LegalBasis.LEGAL_OBLIGATION),
        )
    ),
    "1",
)
EVENT = {
    "specversion": "1.0",
    "id": "order-4711/completed",
    "source": "web-shop",
    "type": "purchase.completed",
    "time": "2024-02-29T14:00:00+01:00",
    "controller": "allcall",
    "partitionkey": "s-81f0c2d7",
    "data": {
        "context": "web",
        "initiated_by": "customer",
        "order_id": "4711",
        "name": "Jane Doe",
        "address": {"street": "Storgatan 1", "postcode": "111 22", "city": "Stockholm", "country": "SE"},
        "phone": "+46 70 000 00 00",
        "email": "jane@example.org",
        "national_id": "19800101-0000",
        "payment": {"method": "card", "amount": "129.50"},
        "order_lines": [{"sku": "A1", "quantity": 2, "price": "59.50"}, {"sku": "B7", "quantity": 1, "price": "10.50"}],
        "ip": "192.0.2.1",
        "browser": "Firefox",
    },
}

Outputs = tuple[bytes, bytes]


def by_slices(schemas: Schemas) -> Callable[[bytes], Outputs]:
    """Return how the slice engine makes both outputs."""
    cut = SlicerEngine(schemas).cut

    def make(value: bytes) -> Outputs:
        opened = cut(value)
        return opened.tagged(TAGGED), opened.shared(CARRIER)

    return make


def by_fastavro(schemas: Schemas) -> Callable[[bytes], Outputs]:
    """Return how fastavro makes both outputs."""
    source, tagged, carrier = (
        schemas.source(Family.PURCHASE), schemas.named("tagged-purchase"), schemas.named("carrier"),
    )  # fmt: skip
    tags = [
        {"category": t.category, "purpose": t.purpose, "legal_basis": list(t.legal_basis), "rule": t.rule,
         "clauses": list(t.clauses), "fields": list(t.fields)}
        for t in TAGGED.tags
    ]  # fmt: skip

    def make(value: bytes) -> Outputs:
        event: Any = fastavro.schemaless_reader(BytesIO(value[10:]), source.parsed, None)
        first, second = BytesIO(), BytesIO()
        first.write(b"\xc3\x01" + tagged.fingerprint)
        said = {"tags": tags, "policy_version": TAGGED.policy_version, "data_subject": TAGGED.data_subject}
        fastavro.schemaless_writer(first, tagged.parsed, {**said, "event": event})
        second.write(b"\xc3\x01" + carrier.fingerprint)
        fastavro.schemaless_writer(second, carrier.parsed, {name: event[name] for name in ("name", "address", "phone")})
        return first.getvalue(), second.getvalue()

    return make


def measure(make: Callable[[bytes], Outputs], value: bytes) -> float:
    """Return microseconds of CPU per event."""
    started = time.process_time()
    for _ in range(EVENTS):
        make(value)
    return (time.process_time() - started) / EVENTS * 1e6


def compare() -> dict[str, float]:
    """Return microseconds of CPU per event of both, and their ratio.

    Raises:
        AssertionError: their outputs differ, so that the figures would say nothing.
    """
    schemas = Schemas.load(Path(__file__).parent.parent / "schemas")
    edge = CloudEvents(schemas)
    value = edge.encode(edge.parse(json.dumps(EVENT).encode()))
    ours, theirs = by_slices(schemas), by_fastavro(schemas)
    if ours(value) != theirs(value):
        raise AssertionError("the outputs differ: the comparison is void")
    rounds = [(measure(ours, value), measure(theirs, value)) for _ in range(ROUNDS)]
    slices, fast = (min(one) for one in zip(*rounds, strict=True))
    return {"bytes": len(value), "slicer_us": slices, "fastavro_us": fast, "ratio": fast / slices}


def main() -> int:
    """Print the table; 0 if the slice engine is at least three times cheaper."""
    found = compare()
    print(f"A purchase of {found['bytes']:.0f} bytes to both records, CPU per event, best of {ROUNDS}:")
    print(f"  slice engine, pure Python     {found['slicer_us']:7.1f} us")
    print(f"  fastavro decode + 2 encodes   {found['fastavro_us']:7.1f} us")
    print(f"  ratio                         {found['ratio']:7.1f}")
    return 0 if found["ratio"] >= 3 else 1


if __name__ == "__main__":
    sys.exit(main())
