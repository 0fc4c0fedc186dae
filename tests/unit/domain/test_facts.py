"""Facts are folded by when they happened, once each, and of very many only those that still matter are kept."""

from datetime import UTC, datetime, timedelta

from pipeline.domain.facts import MOST, Fact, FactLog, Ref
from pipeline.domain.vocabulary import RefKind

T0 = datetime(2024, 1, 1, tzinfo=UTC)


def _fact(kind: str, hours: float, *, identity: str = "", order: str | None = None) -> Fact:
    refs = (Ref(kind=RefKind.SUBJECT, digest="s"), *((Ref(kind=RefKind.ORDER, digest=order),) if order else ()))
    return Fact(at=T0 + timedelta(hours=hours), type=kind, event_id=identity or f"{kind}-{hours}", refs=refs)


def test_order_is_by_instant_then_the_restrictive_last_then_id() -> None:
    log = FactLog()
    for fact in (_fact("opt_out", 1), _fact("b", 1, identity="2"), _fact("a", 0), _fact("b", 1, identity="1")):
        assert log.add(fact)

    assert [fact.event_id for fact in log.facts] == ["a-0", "1", "2", "opt_out-1"]


def test_a_fact_is_known_by_its_event_and_type() -> None:
    log = FactLog()

    assert log.add(_fact("a", 0))
    assert not log.add(_fact("a", 0))


def test_facts_are_found_by_type_and_up_to_an_instant() -> None:
    log = FactLog()
    for hours in (0, 1, 2):
        log.add(_fact("a", hours))
        log.add(_fact("b", hours))

    until = T0 + timedelta(hours=1)
    assert [fact.at for fact in log.of(["a"], until=until)] == [T0, until]
    assert log.last(["a", "b"], until=until) == _fact("b", 1)
    assert log.last(["a"]) == _fact("a", 2)
    assert log.last(["c"]) is None


def test_references_and_attributes_are_found_by_name() -> None:
    fact = Fact(at=T0, type="a", event_id="1", refs=_fact("x", 0, order="o").refs, attributes=(("matter", "other"),))

    assert str(fact.ref(RefKind.ORDER)) == "order:o"
    assert fact.ref(RefKind.CLIP) is None
    assert (fact.attribute("matter"), fact.attribute("reason")) == ("other", None)


def test_a_key_that_all_strangers_share_does_not_grow_without_bound() -> None:
    """What is open stays known, what passed long ago is forgotten first."""
    log = FactLog()
    log.add(_fact("opt_in", 0))
    log.add(_fact("delivery.ordered", 0, order="still-open"))
    for hours in range(1, 3 * MOST):
        log.add(_fact("web.visited", hours))

    assert len(log.facts) <= MOST
    assert {fact.type for fact in log.facts} == {"opt_in", "delivery.ordered", "web.visited"}
    assert log.facts[-1] == _fact("web.visited", 3 * MOST - 1)


def test_facts_that_name_very_many_records_are_bounded_by_what_they_name() -> None:
    """All facts of one entity are one record of a changelog, which must fit into a Kafka message."""
    log = FactLog()
    for n in range(150):
        records = tuple(Ref(kind=RefKind.RECORD, digest=f"{n}-{i}") for i in range(100))
        log.add(Fact(at=T0 + timedelta(hours=n), type="hold.opened", event_id=str(n), refs=records))

    assert [fact.event_id for fact in log.facts] == [str(n) for n in range(50, 150)]


def test_also_open_orders_of_one_key_are_bounded() -> None:
    log = FactLog()
    for n in range(2 * MOST):
        log.add(_fact("delivery.ordered", n, order=f"o-{n}"))

    assert len(log.facts) <= MOST
    assert log.facts[-1].ref(RefKind.ORDER) == Ref(kind=RefKind.ORDER, digest=f"o-{2 * MOST - 1}")
