"""References hide ids, facts keep no text about a person, re-sent facts change nothing."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from pipeline.adapters.memory_state import MemoryState
from pipeline.domain.events import EventHead
from pipeline.domain.facts import Fact, FactLog, Ref
from pipeline.domain.vocabulary import RefKind
from pipeline.stages.state import LATE, FactStore, References, fact_from, fact_of, fact_to, refs_to
from pipeline.stages.workspace import Workspace

NOW = datetime(2024, 1, 1, tzinfo=UTC)


def _references(seed: int = 0) -> References:
    return References(b"k" * 32, Random(seed).randbytes)


def _head(**attributes: object) -> EventHead:
    return EventHead(
        event_id="e-1", type="case.opened", occurred_at=NOW, controller="c", key="s-1", attributes=attributes
    )


def _seen(references: References, work: Workspace, at: datetime = NOW) -> Ref:
    subject = references.subject("s-1", at, work)
    references.keep("s-1", subject, work)
    return subject.ref


def test_a_subject_keeps_its_reference_until_it_is_forgotten() -> None:
    """What is older than the erasure and arrives after it still belongs to what was erased."""
    references, work = _references(), Workspace(MemoryState())
    erased = NOW + timedelta(days=5)

    first = _seen(references, work)
    references.forget_subject("s-1", erased, erased.date(), work)
    afterwards = _seen(references, work, erased + timedelta(seconds=1))

    assert _seen(references, work, erased) == first
    assert afterwards != first
    assert _seen(references, work, erased + timedelta(days=1)) == afterwards
    assert "s-1" not in str(first)


def test_an_erasure_that_is_older_than_one_carried_out_forgets_nobody() -> None:
    """What the subject did in between has to be found by the next request."""
    references, work = _references(), Workspace(MemoryState())
    first = _seen(references, work)
    references.forget_subject("s-1", NOW, NOW.date(), work)
    second = _seen(references, work, NOW + timedelta(days=1))

    references.forget_subject("s-1", NOW - timedelta(days=1), NOW.date(), work)

    assert _seen(references, work, NOW) == first
    assert _seen(references, work, NOW + timedelta(days=2)) == second


def test_the_salt_of_before_an_erasure_is_destroyed_after_a_while() -> None:
    references, work = _references(), Workspace(MemoryState())
    first = _seen(references, work)
    references.forget_subject("s-1", NOW, NOW.date(), work)
    second = _seen(references, work, NOW + timedelta(days=1))

    references.forget_salts(NOW.date() + LATE, work)
    assert _seen(references, work) == first
    references.forget_salts(NOW.date() + LATE + timedelta(days=1), work)

    assert _seen(references, work) == second


def test_nothing_is_left_of_a_subject_that_was_erased_and_never_came_back() -> None:
    references, work = _references(), Workspace(MemoryState())
    subject = _seen(references, work)
    FactStore(work).add(Fact(at=NOW, type="purchase.completed", event_id="e", refs=(subject,)))
    references.forget_subject("s-1", NOW, NOW.date(), work)
    references.forget_subject("unknown", NOW, NOW.date(), work)

    references.forget_salts(NOW.date() + 2 * LATE, work)

    assert list(work.scan(b"", b"\xff")) == []


def test_a_subject_that_was_only_looked_at_leaves_nothing() -> None:
    references, work = _references(), Workspace(MemoryState())

    references.subject("s-1", NOW, work)

    assert work.changes == []


def test_no_id_stands_in_the_state() -> None:
    references, work = _references(), Workspace(MemoryState())

    references.keep("jane-0001", references.subject("jane-0001", NOW, work), work)

    assert work.changes
    assert all(b"jane" not in change.key + (change.value or b"") for change in work.changes)


def test_camera_material_is_named_by_its_key_where_no_attribute_does() -> None:
    references = _references()

    assert references.of_head(_head(), None, is_media=True) == (references.of(RefKind.CLIP, "s-1"),)
    named = references.of_head(_head(clip_id="c-1"), None, is_media=True)
    assert named == (references.of(RefKind.CLIP, "c-1"),)


def test_a_hold_without_an_id_is_known_by_what_it_holds() -> None:
    references = _references()
    subject = Ref(kind=RefKind.SUBJECT, digest="s")

    def hold(kind: str, **attributes: object) -> Ref:
        head = EventHead(
            event_id=kind, type=f"hold.{kind}", occurred_at=NOW, controller="c", key="s-1", attributes=attributes
        )
        return references.of_head(head, subject)[-1]

    assert hold("opened", records=["a", "b"]) == hold("closed", records=["b", "a"])
    assert hold("opened") == hold("closed") != hold("opened", records=["a"])


def test_two_controllers_give_one_order_two_references() -> None:
    ours, theirs = _references(), References(b"x" * 32, Random(0).randbytes)

    assert ours.of(RefKind.ORDER, "o-1") != theirs.of(RefKind.ORDER, "o-1")


def test_every_reference_of_an_event_is_found_and_nothing_else() -> None:
    references = _references()
    head = _head(order_id="o-1", case_id="", clip_id=7, records=["e-1", "e-2"], account_id="a-1")

    found = references.of_head(head, None)

    assert [ref.kind for ref in found] == [RefKind.ORDER, RefKind.ACCOUNT, RefKind.RECORD, RefKind.RECORD]


def test_records_given_as_text_are_not_taken_letter_by_letter() -> None:
    assert _references().of_head(_head(records="e-1"), None) == ()


def test_free_text_of_an_attribute_is_not_kept_as_a_fact() -> None:
    fact = fact_of(_head(reason="Jane Doe called about it", matter="complaint", signed=True, store="x"), ())

    assert dict(fact.attributes) == {"reason": "(said)", "matter": "complaint", "signed": "true"}


@pytest.mark.parametrize("text", ["19800101-1234", "JaneDoe", "jane doe", "a" * 40, "+46", "x"])
def test_what_could_name_or_number_a_person_is_not_kept_as_a_word(text: str) -> None:
    fact = fact_of(_head(purpose=text, legal_ground="warrant"), ())

    assert dict(fact.attributes) == {"purpose": "(said)", "legal_ground": "(said)"}


def test_an_empty_attribute_says_nothing() -> None:
    """An opt-out of the mailing "" is one of all mailings; a plain no is said."""
    fact = fact_of(_head(mailing="", purpose="  ", signed=False), ())

    assert dict(fact.attributes) == {"signed": "false"}


def test_a_fact_survives_the_wire() -> None:
    ref = Ref(kind=RefKind.CASE, digest="d")
    fact = Fact(at=NOW, type="case.opened", event_id="e", refs=(ref,), attributes=(("matter", "other"),))

    assert fact_from(fact_to(fact)) == fact
    assert refs_to((ref,)) == [{"kind": "case", "digest": "d"}]


def test_a_fact_is_filed_under_each_reference_once_and_can_be_forgotten() -> None:
    state, ref = MemoryState(), Ref(kind=RefKind.CASE, digest="d")
    work = Workspace(state)
    store = FactStore(work)
    fact = Fact(at=NOW, type="case.opened", event_id="e", refs=(ref,))

    assert store.add(fact)
    assert not store.add(fact)
    state.apply(work.changes, None)
    assert FactStore(Workspace(state)).log(ref).facts == [fact]

    work = Workspace(state)
    store = FactStore(work)
    store.forget(ref)
    store.forget(Ref(kind=RefKind.CASE, digest="unknown"))
    assert store.log(ref) == FactLog()
    assert [change.value for change in work.changes] == [None]


def test_nothing_is_known_of_no_reference() -> None:
    assert FactStore(Workspace(MemoryState())).log(None).facts == []
