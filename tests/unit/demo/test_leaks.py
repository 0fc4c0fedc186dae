"""The search for leaks finds what it is there for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.demo.leaks import SHORTEST, Leak, LeakSearch

EVENT = {
    "id": "event-0001",
    "partitionkey": "subject-0001",
    "data": {
        "order_id": "ORD-0001",
        "context": "web-context",
        "name": "Jane Engström",
        "address": {"street": "12 Lantern Street", "city": "Rye"},
        "email": "jane@example.org",
        "purchase_history": [{"description": "GLASS STAR"}],
        "internal_note": "MARKER-0001",
        "hexadecimal": "abcdef0",
    },
}
DECLARED = frozenset({"name", "address", "phone", "email", "purchase_history"})


def leaks(topic: str, value: bytes, key: bytes | None = None) -> set[tuple[str, str]]:
    search = LeakSearch([EVENT], DECLARED)
    search.look_at(topic, key, value)
    return {(leak.part, leak.field) for leak in search.result().leaks}


@pytest.mark.parametrize("padding", range(4))
def test_a_value_is_found_wherever_it_stands(padding: int) -> None:
    assert leaks("allcall.obligation.v1", b"x" * padding + b"jane@example.org") == {("value", "email")}


@pytest.mark.parametrize(
    ("topic", "content", "found"),
    [
        ("a.carrier.delivery.v1", "Jane Engström", None),
        ("a.carrier.delivery.v1", "12 Lantern Street", None),
        ("a.carrier.delivery.v1", "jane@example.org", "email"),
        ("a.carrier.delivery.v1", "GLASS STAR", "purchase_history"),
        ("a.carrier.delivery.v1", "ORD-0001", "order_id"),
        ("a.carrier.delivery.v1", "event-0001", "id"),
        ("a.carrier.delivery.v1", "subject-0001", "partitionkey"),
        ("a.tagged.purchase.v1", "jane@example.org", None),
        ("a.tagged.purchase.v1", "MARKER-0001", "internal_note"),
        ("a.share.google.v1", "MARKER-0001", "internal_note"),
        ("a.inbox.other.v1", "MARKER-0001", "internal_note"),
        ("a.expiry.v1", "Jane Engström", "name"),
        ("a.expiry.v1", "Jane Engstr\\u00f6m", "name"),
        ("a.expiry.v1", "event-0001", None),
        ("a.violation.v1", "internal_note", None),
        ("a.violation.v1", "MARKER-0001", "internal_note"),
        ("a.expiry.v1", "web-context", None),
        ("a.expiry.v1", "Rye", None),
        ("a.expiry.v1", "abcdef0", None),
    ],
)
def test_what_a_topic_may_hold_follows_from_its_role(topic: str, content: str, found: str | None) -> None:
    assert leaks(topic, content.encode()) == ({("value", found)} if found else set())


def test_a_key_never_holds_a_payload_value() -> None:
    assert leaks("a.tagged.purchase.v1", b"", b"jane@example.org") == {("key", "email")}
    assert leaks("a.tagged.purchase.v1", b"", b"subject-0001") == set()
    assert leaks("a.carrier.delivery.v1", b"", b"subject-0001") == {("key", "partitionkey")}


def test_what_was_searched_is_counted() -> None:
    search = LeakSearch([EVENT], DECLARED)
    search.look_at("a.expiry.v1", b"key", b"jane@example.org and MARKER-0001")
    search.look_at("a.expiry.v1", None, b"jane@example.org")
    result = search.result()

    assert (result.records, result.size) == (2, 3 + 32 + 16)
    assert result.leaks == {
        Leak("a.expiry.v1", "value", "email"): 2,
        Leak("a.expiry.v1", "value", "internal_note"): 1,
    }


@given(
    st.lists(st.text(min_size=SHORTEST, max_size=20), min_size=1, max_size=8),
    st.binary(max_size=40),
    st.binary(max_size=40),
    st.data(),
)
def test_no_value_of_the_input_is_missed(texts: list[str], before: bytes, after: bytes, data: st.DataObject) -> None:
    """The search looks at every second byte only; this shows that it still sees everything."""
    planted = data.draw(st.sampled_from(texts))
    events = [{"data": {"secret": text}} for text in texts]
    search = LeakSearch(events, frozenset())

    search.look_at("a.expiry.v1", None, before + planted.encode() + after)

    hexadecimal = set(planted) <= set("0123456789abcdef") and len(planted) < 12
    assert hexadecimal or search.result().leaks
