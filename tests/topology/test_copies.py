"""What recipients hold is corrected and erased with what it was made from: each holder is told, and nobody else."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.adapters.memory_state import MemoryState
from pipeline.bootstrap.parts import Parts
from pipeline.bootstrap.simulation import Simulation
from pipeline.domain.facts import Ref
from pipeline.domain.vocabulary import RefKind
from pipeline.stages.entries import load
from pipeline.stages.holders import Holders
from pipeline.stages.state import FactStore
from pipeline.stages.workspace import Workspace
from tests.topology.hard_cases import ADDRESS, event
from tests.topology.stories import instant, values

VIET = "viet-art-view"
CONTACT: dict[str, Any] = {"name": "T", "phone": "+84", "address": ADDRESS}


def _pipe(pipeline: Simulation, events: Iterable[Mapping[str, object]]) -> None:
    for one in events:
        pipeline.pipe(one)


def _delivery(number: int, who: str = "s", controller: str = VIET) -> dict[str, Any]:
    time = f"2024-01-0{number}T10:00:00Z"
    return event(f"d-{number}", "delivery.ordered", time, controller, who, order_id=f"o-{number}", **CONTACT)


def _rectification(time: str, controller: str = VIET, who: str = "s", **data: Any) -> dict[str, Any]:
    return event(f"r-{time}", "rectification.requested", time, controller, who, **{**CONTACT, **data})


def _keys(pipeline: Simulation, topic: str) -> list[str | None]:
    return [one.key for one in pipeline.emitted if one.topic == topic]


def test_a_correction_reaches_each_carrier_that_still_holds_a_copy_under_the_same_share_id(
    pipeline: Simulation,
) -> None:
    """VIET-7, R-VIET-6: not the one whose delivery is done, not another customer's."""
    _pipe(pipeline, [
        _delivery(1), _delivery(2), _delivery(3, "t"),
        event("c", "delivery.completed", "2024-01-04T10:00:00Z", VIET, "s", order_id="o-1"),
        _rectification("2024-01-05T10:00:00Z", name="U", email="new@example.org", channel="email"),
    ])  # fmt: skip

    keys = _keys(pipeline, "viet-art-view.carrier.delivery.v1")
    assert keys[3:] == [keys[1]]
    corrected = values(pipeline, "viet-art-view.carrier.delivery.v1")[-1]
    assert (set(corrected), corrected["name"]) == ({"name", "address", "phone"}, "U")
    ledger = values(pipeline, "viet-art-view.share-ledger.v1")
    assert [(one["share_id"], one["occasion"], one["order"]) for one in ledger[3:]] == [
        (keys[1], "rectification", ledger[1]["order"])
    ]
    answer = values(pipeline, "viet-art-view.rights.v1")[-1]
    assert (answer["outcome"], [(one["recipient"], one["share_id"], one["outcome"]) for one in answer["items"]]) == (
        "granted",
        [("delivery", keys[1], "corrected")],
    )


def test_a_correction_that_lacks_a_field_of_an_exact_list_is_reported_and_not_passed_on(pipeline: Simulation) -> None:
    """VIET-4, VIET-7: a carrier's record has exactly its fields; the producer sends the group complete."""
    _pipe(pipeline, [
        _delivery(1),
        event("r", "rectification.requested", "2024-01-05T10:00:00Z", VIET, "s", name="U"),
    ])  # fmt: skip

    [missing] = values(pipeline, "viet-art-view.violation.v1")
    assert (missing["code"], missing["fields"], missing["rule"]) == (
        "missing",
        ["address", "phone"],
        "recipients.delivery",
    )
    assert len(_keys(pipeline, "viet-art-view.carrier.delivery.v1")) == 1
    assert values(pipeline, "viet-art-view.rights.v1")[-1]["outcome"] == "granted-in-part"


def test_a_correction_gives_a_recipient_no_field_that_it_did_not_hold(pipeline: Simulation) -> None:
    """ALLCALL-0.1, ALLCALL-4T.2, ALLCALL-6.1: each share gets what it had of the group."""
    _pipe(pipeline, [
        event("p", "purchase.completed", "2024-02-01T10:00:00Z", "allcall", "s", context="web",
              initiated_by="customer", order_id="o", payment="card", email="t@example.org", **CONTACT),
        event("m", "contact.email", "2024-02-02T10:00:00Z", "allcall", "s", context="email", direction="in",
              initiated_by="customer", matter="other", email="t@example.org", email_message="hello"),
        _rectification("2024-02-03T10:00:00Z", "allcall", email="new@example.org"),
    ])  # fmt: skip

    told = values(pipeline, "allcall.share.google.v1")[2:]
    assert sorted((sorted(one) for one in told), key=len) == [["email"], ["address", "email", "name", "phone"]]


def test_who_holds_nothing_of_what_is_corrected_is_told_nothing(pipeline: Simulation) -> None:
    """ALLCALL-4T.2."""
    _pipe(pipeline, [
        event("m", "contact.email", "2024-02-02T10:00:00Z", "allcall", "s", context="email", direction="in",
              initiated_by="customer", matter="other", email="t@example.org", email_message="hello"),
        _rectification("2024-02-03T10:00:00Z", "allcall"),
    ])  # fmt: skip

    assert len(values(pipeline, "allcall.share.google.v1")) == 1
    answer = values(pipeline, "allcall.rights.v1")[-1]
    assert (answer["type"], answer["outcome"], answer["items"]) == ("rights.answered", "granted", [])


def test_tek_zence_corrects_a_partner_while_its_order_is_open_and_nobody_after_an_erasure(pipeline: Simulation) -> None:
    """TEK-5.1: the wrong address does not serve the agreement."""
    _pipe(pipeline, [
        event("p", "purchase.completed", "2024-01-01T09:00:00Z", "tek-zence", "s", order_id="o-1", **CONTACT),
        _delivery(1, controller="tek-zence"),
        _rectification("2024-01-02T10:00:00Z", "tek-zence", name="U"),
        event("e", "erasure.requested", "2024-01-03T10:00:00Z", "tek-zence", "s"),
        _rectification("2024-01-04T10:00:00Z", "tek-zence", name="V"),
    ])  # fmt: skip

    assert [one["name"] for one in values(pipeline, "tek-zence.carrier.delivery.v1")] == ["T", "U"]


def test_an_erasure_tells_each_recipient_of_what_ends_and_only_of_that(pipeline: Simulation) -> None:
    """GDPR Art. 19, ALLCALL-6.2: the books stay, and so does the share that was made from them, until they end."""
    _pipe(pipeline, [
        event("p", "purchase.completed", "2024-02-01T10:00:00Z", "allcall", "s", context="web",
              initiated_by="customer", order_id="o", payment="card", **CONTACT),
        event("m", "contact.email", "2024-02-02T10:00:00Z", "allcall", "s", context="email", direction="in",
              initiated_by="customer", matter="other", email="t@example.org", email_message="hello"),
        event("e", "erasure.requested", "2024-02-04T10:00:00Z", "allcall", "s"),
    ])  # fmt: skip
    purchase, message = _keys(pipeline, "allcall.share.google.v1")

    told = values(pipeline, "allcall.erase-instruction.google.v1")
    assert [(one["share_id"], one["fields"]) for one in told] == [(message, ["email", "email_message"])]
    pipeline.advance_to(instant("2035-01-01T00:00:00Z"))
    told = values(pipeline, "allcall.erase-instruction.google.v1")
    assert [(one["share_id"], str(one["due_at"])) for one in told[1:]] == [(purchase, "2031-12-31 23:00:00+00:00")]


def test_an_erasure_sends_no_second_instruction_and_lets_an_open_order_be_delivered(pipeline: Simulation) -> None:
    """VIET-6, R-VIET-5, GDPR Art. 19."""
    _pipe(pipeline, [
        _delivery(1), _delivery(2),
        event("c-1", "delivery.completed", "2024-01-03T10:00:00Z", VIET, "s", order_id="o-1"),
        event("e", "erasure.requested", "2024-01-04T10:00:00Z", VIET, "s"),
        event("c-2", "delivery.completed", "2024-01-05T10:00:00Z", VIET, "s", order_id="o-2"),
    ])  # fmt: skip
    first, second = _keys(pipeline, "viet-art-view.carrier.delivery.v1")

    told = values(pipeline, "viet-art-view.erase-instruction.delivery.v1")
    assert [(one["share_id"], str(one["due_at"])) for one in told] == [
        (first, "2024-01-03 10:00:00+00:00"),
        (second, "2024-01-05 10:00:00+00:00"),
    ]


def test_what_was_handed_out_and_is_not_kept_ends_with_an_erasure_but_an_authority_is_not_instructed(
    pipeline: Simulation,
) -> None:
    """VIET-5, VIET-10, GDPR Art. 4(9) and 19."""
    demand = {"name": "T", "phone": "+84", "address": ADDRESS}
    _pipe(pipeline, [
        event("a", "authority.requested", "2024-01-01T10:00:00Z", VIET, "s", legal_ground="court", **demand),
        event("b", "authority.requested", "2024-01-02T10:00:00Z", VIET, "s", approval="m", purpose="dispute", **demand),
        event("e", "erasure.requested", "2024-01-03T10:00:00Z", VIET, "s"),
    ])  # fmt: skip

    assert len(_keys(pipeline, "viet-art-view.share.authority.v1")) == 1
    told = {one.topic: one.value["fields"] for one in pipeline.emitted if ".erase-instruction." in one.topic}
    assert told == {"viet-art-view.erase-instruction.special-case.v1": ["name", "phone", "address"]}


def test_who_processes_in_its_own_right_is_recorded_and_not_instructed(pipeline: Simulation) -> None:
    """ART-3.3, X14."""
    _pipe(pipeline, [
        event("n", "notice.sent", "2024-01-01T10:00:00Z", "artgraphics", "s", order_id="o", name="T", email="t@e.org"),
        event("x", "objection.raised", "2024-01-02T10:00:00Z", "artgraphics", "s"),
    ])  # fmt: skip

    assert len(values(pipeline, "artgraphics.share-ledger.v1")) == 1
    assert not [one for one in pipeline.emitted if ".erase-instruction." in one.topic]
    assert {one.topic for one in pipeline.emitted if one.value.get("type") == "expiry.due"}


class _State:
    """The holders of one partition on a state of their own."""

    def __init__(self, parts: Parts) -> None:
        self.state = MemoryState()
        self._parts = parts

    def holders(self) -> tuple[Holders, Workspace]:
        work = Workspace(self.state)
        return Holders(work, FactStore(work), lambda version: self._parts.book.version("allcall", version)), work

    def keys(self) -> set[bytes]:
        return {key[:2] for key, _value in self.state.scan(b"", b"\xff")}


def test_a_copy_is_forgotten_when_its_date_has_come(parts: Parts) -> None:
    """ALLCALL-5.2: and one without a known end is looked at again each year."""
    subject = Ref(kind=RefKind.SUBJECT, digest="s")
    now = datetime(2024, 1, 1, tzinfo=UTC)
    kept = _State(parts)
    books, endless = ("purchase-books", "B", "bookkeeping"), ("web-visit", "D.web", "follow-up")
    holders, work = kept.holders()
    for identity, (rule, category, purpose) in (("a", books), ("b", endless)):
        item = {
            "obligation_id": identity, "policy_version": "1", "refs": [{"kind": "subject", "digest": "s"}],
            "event_id": identity, "occurred_at": now, "matter": None, "recipient": "google", "share_id": identity,
            "tags": [{"rule": rule, "category": category, "purpose": purpose, "fields": ["payment"]}],
        }  # fmt: skip
        holders.remember(item, subject, now)
    kept.state.apply(work.changes, None)

    for year in (2025, 2026, 2032, 2033):
        holders, work = kept.holders()
        holders.look(datetime(year, 6, 1, tzinfo=UTC))
        kept.state.apply(work.changes, None)

    held = [load(value).share_id for _key, value in kept.state.scan(b"h|", b"h~")]
    assert held == ["b"]
    holders, work = kept.holders()
    assert [sorted(fields) for _entry, fields in holders.of(subject, now)] == [["payment"]]
    assert not list(holders.of(subject, now - timedelta(days=1)))
    work.delete(b"h|s|b")
    holders.look(datetime(2040, 1, 1, tzinfo=UTC))
    kept.state.apply(work.changes, None)
    assert kept.keys() == set()
