"""The schedule fires at the right instant, once, in order; says what changed; forgets what is over."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline.adapters.memory_state import MemoryState
from pipeline.domain.calendar import Period, zone
from pipeline.domain.errors import ConfigurationError
from pipeline.domain.records import Change, Incoming, Output
from pipeline.domain.vocabulary import Action, RecipientClass, RefKind, Stance
from pipeline.policy.book import PolicyBook
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.policy_parts import Ending, Otherwise, Profile, Recipient, Rule
from pipeline.policy.retention import After, AtOnce, ByClass, FactPattern, Indefinite, LongestOf, State, Until, While
from pipeline.stages.expire import ExpireStage
from pipeline.stages.expire_run import LINGER

T0 = datetime(2024, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SUBJECT = {"kind": "subject", "digest": "s"}
ORDER = {"kind": "order", "digest": "o"}
HOLD = {"kind": "hold", "digest": "h"}


def _erase(retention: Any, **more: Any) -> Ending:
    return Ending(action=Action.ERASE, retention=retention, clauses=("C-1",), **more)


OPT_OUT = Until(event=FactPattern(types=("opt_out",)))
ACTIVE = State(name="active", opens=("case.opened",), closes=("case.closed",), per=RefKind.CASE)
ENDINGS: dict[str, tuple[Ending, ...]] = {
    "week": (_erase(After(period=Period(days=7))),),
    "month": (_erase(After(period=Period(months=1))),),
    "forever": (
        Ending(action=Action.STOP_USE, retention=OPT_OUT),
        _erase(Indefinite(review=Period(months=12))),
    ),
    "rolling": (_erase(After(period=Period(days=7))),),
    "hidden": (
        Ending(action=Action.RESTRICT, retention=OPT_OUT, findable_by=("order_number",)),
        _erase(After(period=Period(days=30))),
    ),
    "classed": (
        _erase(ByClass(classes=(("complaint", After(period=Period(days=30))),), default=After(period=Period(days=7)))),
    ),
    "active": (_erase(LongestOf(parts=(After(period=Period(days=7)), While(state=ACTIVE)))),),
}


def _policy(version: str = "1") -> CompiledPolicy:
    rules = {
        name: Rule(
            id=name, events=("e",), contexts=None, condition=None, needs_state=False, otherwise=Otherwise.SKIP,
            otherwise_code="", tags={("A", name): endings}, clauses=("C-1",),
        )
        for name, endings in ENDINGS.items()
    }  # fmt: skip
    profile = Profile(
        id="customer", per=RefKind.SUBJECT, categories=("A",), absorbs=False, supported_by=("e",), clauses=("C-2",),
        tags={("A", "keep"): (), ("A", "use"): (Ending(action=Action.STOP_USE, retention=OPT_OUT), _erase(AtOnce()))},
    )  # fmt: skip
    recipient = Recipient(
        id="delivery", carrier=True, stance=Stance.ALLOW, granted=True, recipient_class=RecipientClass.PROCESSOR,
        fields=("name",), exact=True, events=("e",), condition=None, needs_state=False,
        erase_after=Until(event=FactPattern(types=("delivery.completed",), of=RefKind.ORDER)), purpose="deliver",
        clauses=("C-3",), rule="share",
    )  # fmt: skip
    empty: Mapping[str, Any] = {}
    return CompiledPolicy(
        controller="shop", name="Shop", notice="n", version=version, digest="d", published_at=T0, effective_from=T0,
        before_first="apply", tz=zone("UTC"), authority="", categories=empty, field_categories=empty, contexts=empty,
        sources=empty, purposes=empty, rules=rules, rules_by_event=empty,
        profiles={"customer": profile, "only": Profile(
            id="only", per=RefKind.SUBJECT, categories=("A",), absorbs=True, supported_by=("e",), clauses=("C-2",),
            tags={("A", "keep"): (_erase(After(period=Period(days=7))),)},
        )},
        recipients={"delivery": recipient}, states=empty, clauses=empty, fact_types=frozenset(), known_events=frozenset(),
        forgets_subject=False,
    )  # fmt: skip


class Schedule:
    """The stage on a state of its own, with what came out unfolded."""

    def __init__(self, *, announce: bool = True) -> None:
        self.stage = ExpireStage("shop", PolicyBook({"shop": (_policy(),)}), announce=announce)
        self.state = MemoryState()
        self.out: list[tuple[str, dict[str, Any]]] = []
        self.next_wake: datetime | None = None

    def take(self, *items: dict[str, Any], now: datetime = T0) -> None:
        block = Incoming(
            topic="shop.obligation.v1", partition=0, offset=0, timestamp_ms=0, head=None, value={"items": list(items)}
        )
        self._follow(self.stage.handle([block], self.state, 0, now))

    def wake(self, now: datetime, limit: int = 100) -> None:
        self._follow(self.stage.wake(self.state, 0, now, limit))

    def said(self, kind: str = "expiry.due") -> list[tuple[str, datetime | None]]:
        return [(v["purpose"], v.get("due_at") or v.get("review_at")) for k, v in self.out if k == kind]

    def _follow(self, output: Output) -> None:
        self.state.apply(output.changes, None)
        self.next_wake = output.next_wake
        for record in output.records:
            value = record.value
            assert isinstance(value, dict)
            for item in value.get("items", [{}]):
                self.out.append((value.get("type", record.topic), {**value, **item}))


def obligation(identity: str, *rules: str, at: datetime = T0, kind: str = "record", **more: Any) -> dict[str, Any]:
    return {
        "obligation_id": f"{kind}|{identity}",
        "kind": kind,
        "event_id": identity,
        "occurred_at": at,
        "refs": [SUBJECT, ORDER, {"kind": "record", "digest": identity}],
        "tags": [{"rule": rule, "category": "A", "purpose": rule, "fields": ["name", rule]} for rule in rules],
        "profile": None,
        "recipient": None,
        "share_id": None,
        "policy_version": "1",
        "matter": None,
        "generation": 0,
        **more,
    }


def fact(kind: str, at: datetime, *refs: dict[str, str], identity: str = "f") -> dict[str, Any]:
    return {"at": at, "type": kind, "event_id": f"{kind}-{identity}", "refs": list(refs or [SUBJECT]), "attributes": {}}


def test_what_is_due_comes_out_oldest_first_and_fields_with_their_last_reason() -> None:
    schedule = Schedule()
    schedule.take(obligation("a", "month", "week"))

    schedule.wake(T0 + 60 * DAY)

    assert schedule.said() == [("week", T0 + 8 * DAY), ("month", datetime(2024, 2, 2, tzinfo=UTC))]
    released = [v["fields_released"] for k, v in schedule.out if k == "expiry.due"]
    assert released == [["week"], ["name", "month"]]
    assert schedule.next_wake is None
    assert [key for key, _value in schedule.state.scan(b"", b"p|")] == []


def test_nothing_is_due_a_moment_early() -> None:
    schedule = Schedule()
    schedule.take(obligation("a", "week"))

    schedule.wake(T0 + 8 * DAY - timedelta(microseconds=1))
    assert schedule.said() == []
    assert schedule.next_wake == T0 + 8 * DAY

    schedule.wake(T0 + 8 * DAY)
    assert schedule.said() == [("week", T0 + 8 * DAY)]


def test_the_first_obligation_of_an_id_wins() -> None:
    schedule = Schedule()
    schedule.take(obligation("a", "week"))

    schedule.take(obligation("a", "month"))

    assert schedule.said("expiry.scheduled") == [("week", T0 + 8 * DAY)]


def test_without_announcements_only_what_is_due_is_said() -> None:
    schedule = Schedule(announce=False)
    schedule.take(obligation("a", "active"), fact("case.opened", T0 + DAY, SUBJECT, {"kind": "case", "digest": "c"}))
    schedule.take(fact("case.closed", T0 + 20 * DAY, SUBJECT, {"kind": "case", "digest": "c"}), now=T0 + 20 * DAY)

    schedule.wake(T0 + 20 * DAY)

    assert [kind for kind, _value in schedule.out] == ["expiry.due"]
    assert schedule.said() == [("active", T0 + 20 * DAY)]


def test_a_fact_at_or_after_the_due_instant_is_too_late() -> None:
    """C8: nothing is resurrected, also if the fact arrives before the lane has got to say it."""
    schedule = Schedule()
    schedule.take(obligation("a", "active"))

    schedule.take(fact("case.opened", T0 + 8 * DAY, SUBJECT, {"kind": "case", "digest": "c"}), now=T0 + 8 * DAY)
    schedule.wake(T0 + 9 * DAY)

    assert schedule.said() == [("active", T0 + 8 * DAY)]


def test_a_re_sent_fact_changes_nothing() -> None:
    schedule = Schedule()
    opened = fact("case.opened", T0 + DAY, SUBJECT, {"kind": "case", "digest": "c"})
    schedule.take(obligation("a", "active"), opened)
    before = len(schedule.out)

    schedule.take(opened)

    assert len(schedule.out) == before


def test_a_trigger_that_came_before_its_obligation_still_counts() -> None:
    schedule = Schedule()
    schedule.take(fact("opt_out", T0 + DAY))

    schedule.take(obligation("a", "hidden"))
    schedule.wake(T0 + DAY)

    assert schedule.said() == [("hidden", T0 + DAY)]
    assert schedule.out[-1][1]["action"] == "restrict"
    assert schedule.out[-1][1]["findable_by"] == ["order_number"]


def test_stop_use_is_said_once_for_a_subject_and_a_purpose() -> None:
    """Architecture 9.8: never one per record."""
    schedule = Schedule()
    schedule.take(obligation("a", "forever"), obligation("b", "forever"))

    schedule.take(fact("opt_out", T0 + DAY))
    schedule.wake(T0 + DAY)

    assert schedule.said() == [("forever", T0 + DAY)]
    assert schedule.out[-1][1]["data_subject"] == "s"
    assert schedule.out[-1][1]["event_id"] is None


def test_what_has_no_end_is_reviewed_every_period_counted_from_its_own_day() -> None:
    schedule = Schedule()
    schedule.take(obligation("a", "forever"))

    schedule.wake(datetime(2026, 6, 1, tzinfo=UTC))

    assert schedule.said("review.due") == [
        ("forever", datetime(2025, 1, 2, tzinfo=UTC)),
        ("forever", datetime(2026, 1, 2, tzinfo=UTC)),
    ]
    assert schedule.next_wake == datetime(2027, 1, 2, tzinfo=UTC)


def test_of_reviews_long_past_only_the_last_is_asked_for() -> None:
    schedule = Schedule()

    schedule.take(obligation("a", "forever", at=datetime(2010, 1, 1, tzinfo=UTC)), now=T0)
    schedule.wake(T0)

    assert schedule.said("review.due") == [("forever", datetime(2023, 1, 2, tzinfo=UTC))]


def test_a_hold_on_the_subject_suspends_and_one_on_another_record_does_not() -> None:
    schedule = Schedule()
    other = {"kind": "record", "digest": "another"}
    schedule.take(obligation("a", "week"), fact("hold.opened", T0 + DAY, SUBJECT, HOLD, other))
    schedule.wake(T0 + 8 * DAY)
    assert schedule.said() == [("week", T0 + 8 * DAY)]

    schedule.take(obligation("b", "week"), fact("hold.opened", T0 + 2 * DAY, SUBJECT, HOLD, identity="2"))
    schedule.wake(T0 + 30 * DAY)
    assert len(schedule.said()) == 1

    schedule.take(fact("hold.closed", T0 + 30 * DAY, HOLD), now=T0 + 30 * DAY)
    schedule.wake(T0 + 30 * DAY)
    assert schedule.said()[1:] == [("week", T0 + 30 * DAY)]


def test_a_hold_opened_after_the_due_instant_or_closed_before_it_changes_nothing() -> None:
    schedule = Schedule()
    schedule.take(
        fact("hold.opened", T0 + DAY, SUBJECT, HOLD),
        fact("hold.closed", T0 + 2 * DAY, SUBJECT, HOLD),
        fact("hold.opened", T0 + 9 * DAY, SUBJECT, {"kind": "hold", "digest": "h2"}, identity="2"),
        obligation("a", "week"),
    )

    assert schedule.said("expiry.scheduled") == [("week", T0 + 8 * DAY)]


def test_a_profile_rolls_forward_with_each_support_and_lives_again_under_new_ids() -> None:
    """Architecture 8.2: one schedule per subject, the longest of its supports; its next life is another generation."""
    schedule = Schedule()
    first = obligation("customer|subject:s", "week", kind="profile", profile="customer", event_id="e-1")
    second = {**first, "event_id": "e-2", "occurred_at": T0 + 3 * DAY}
    schedule.take(first, second, second)

    schedule.wake(T0 + 30 * DAY)
    ended = [v for k, v in schedule.out if k == "expiry.due"]
    assert [(v["purpose"], v["due_at"]) for v in ended] == [("use", T0), ("keep", T0 + 11 * DAY)]
    assert ended[-1]["profile"] == "customer"
    assert ended[-1]["event_id"] is None

    schedule.take({**first, "event_id": "e-3", "occurred_at": T0 + 40 * DAY}, now=T0 + 40 * DAY)
    schedule.wake(T0 + 60 * DAY)
    again = [v for k, v in schedule.out if k == "expiry.due"][2:]
    assert {v["expiry_id"] for v in again}.isdisjoint({v["expiry_id"] for v in ended})


def test_a_profile_with_a_retention_of_its_own_counts_from_its_last_support() -> None:
    schedule = Schedule()
    first = obligation("only|subject:s", "week", kind="profile", profile="only", event_id="e-1")

    schedule.take(first, {**first, "event_id": "e-2", "occurred_at": T0 + 3 * DAY})
    schedule.wake(T0 + 30 * DAY)

    assert schedule.said() == [("keep", T0 + 11 * DAY)]
    assert schedule.said("expiry.cancelled") == [("keep", T0 + 8 * DAY)]


def test_a_profile_that_nothing_with_an_end_supports_stays_open() -> None:
    schedule = Schedule()

    schedule.take(obligation("customer|subject:s", kind="profile", profile="customer", event_id="e-1", tags=[]))

    assert schedule.said("expiry.scheduled") == [("use", T0)]


def test_a_recipient_is_told_to_erase_under_the_key_of_its_share() -> None:
    """GDPR Art. 19: its own share, and only once."""
    schedule = Schedule()
    share = obligation("x", "share", kind="share", recipient="delivery", share_id="x")
    schedule.take(
        {**share, "tags": [{"rule": "share", "category": "delivery", "purpose": "deliver", "fields": ["name"]}]}
    )

    schedule.take(fact("delivery.completed", T0 + DAY, SUBJECT, ORDER))
    schedule.wake(T0 + DAY)
    schedule.wake(T0 + 2 * DAY)

    [(topic, told)] = schedule.out
    assert topic == "shop.erase-instruction.delivery.v1"
    assert (told["share_id"], told["due_at"], told["fields"]) == ("x", T0 + DAY, ["name"])


def test_a_wake_up_stops_at_its_limit_and_asks_to_be_called_again() -> None:
    schedule = Schedule()
    schedule.take(*(obligation(f"r-{n:03}", "week") for n in range(30)))

    schedule.wake(T0 + 30 * DAY, limit=20)
    assert len(schedule.said()) == 20
    assert schedule.next_wake == T0 + 8 * DAY

    schedule.wake(T0 + 30 * DAY, limit=20)
    assert len(schedule.said()) == 30


def test_the_indexes_are_derived_from_the_changelog_alone() -> None:
    schedule, restored = Schedule(), Schedule()
    schedule.take(obligation("a", "week", "forever"), fact("case.opened", T0, SUBJECT, {"kind": "case", "digest": "c"}))
    local = [(k, v) for k, v in schedule.state.scan(b"", b"\xff") if k.startswith((b"t|", b"a|"))]

    for key, value in schedule.state.scan(b"", b"\xff"):
        restored.state.apply(restored.stage.derive(key, value), None)

    assert list(restored.state.scan(b"", b"\xff")) == local
    assert restored.stage.derive(b"o|gone", None) == []


def test_an_obligation_of_a_version_that_is_not_loaded_stops_the_lane_with_the_cure() -> None:
    schedule = Schedule()

    with pytest.raises(ConfigurationError, match="version '2', which is not loaded"):
        schedule.take(obligation("a", "week", policy_version="2"))


def test_a_record_that_is_no_obligation_is_a_dead_letter() -> None:
    schedule = Schedule()
    unreadable = Incoming(topic="t", partition=0, offset=0, timestamp_ms=0, head=None, error=("truncated", None))
    another = Incoming(topic="t", partition=0, offset=1, timestamp_ms=0, head=None, value={"type": "expiry.due"})

    output = schedule.stage.handle([unreadable, another], schedule.state, 0, T0)

    assert [record.schema for record in output.records] == ["dead-letter", "dead-letter"]


def test_a_stale_wake_up_finds_nothing_to_do_and_is_not_repeated() -> None:
    schedule = Schedule()
    schedule.take(obligation("a", "week"))
    stale = b"t|" + b"0" * 18 + b"|record|a"
    gone = b"t|" + b"0" * 18 + b"|record|gone"
    schedule.state.apply([Change(stale, b"", local=True), Change(gone, b"", local=True)], None)

    schedule.wake(T0 + DAY)

    assert schedule.said() == []
    assert schedule.next_wake == T0 + 8 * DAY


def test_a_profile_with_very_many_supports_keeps_the_newest_of_each_kind() -> None:
    schedule = Schedule()
    first = obligation("only|subject:s", "week", kind="profile", profile="only")
    supports = [{**first, "event_id": f"e-{n:03}", "occurred_at": T0 + n * DAY / 100} for n in range(60)]

    schedule.take(*supports, {**first, "event_id": "rare", "tags": []})
    [(_key, stored)] = list(schedule.state.scan(b"o|", b"o}"))
    schedule.wake(T0 + 30 * DAY)

    assert b"e-059" in stored
    assert b"rare" in stored
    assert b"e-051" not in stored
    assert schedule.said() == [("keep", T0 + 8 * DAY)]


def _record(name: str) -> dict[str, str]:
    return {"kind": "record", "digest": name}


def _bought(count: int) -> list[dict[str, Any]]:
    """Return so many supports of one kind of one profile, an hour apart, each a record of its own."""
    first = obligation("only|subject:s", "week", kind="profile", profile="only")
    return [
        {**first, "event_id": f"e-{n:03}", "occurred_at": T0 + n * DAY / 24, "refs": [SUBJECT, _record(f"e-{n:03}")]}
        for n in range(count)
    ]


@pytest.mark.parametrize("known_first", [True, False])
def test_a_hold_on_the_oldest_of_many_supports_holds_the_profile(*, known_first: bool) -> None:
    """Whether the hold comes before the support is no longer kept, or after (X5)."""
    schedule = Schedule()
    hold = fact("hold.opened", T0 + DAY / 48, HOLD, _record("e-000"))
    oldest, *others = _bought(20)

    schedule.take(oldest, *([hold, *others] if known_first else [*others, hold]))
    schedule.wake(T0 + 60 * DAY)
    assert schedule.said() == []

    schedule.take(fact("hold.closed", T0 + 60 * DAY, HOLD), now=T0 + 60 * DAY)
    schedule.wake(T0 + 60 * DAY)
    assert schedule.said() == [("keep", T0 + 60 * DAY)]


def test_what_a_profile_remembers_of_very_many_supports_is_bounded_but_for_what_is_held() -> None:
    schedule = Schedule()
    hold = fact("hold.opened", T0 + DAY / 48, HOLD, _record("e-000"))
    oldest, *others = _bought(300)

    schedule.take(oldest, hold, *others)

    [(_key, stored)] = list(schedule.state.scan(b"o|", b"o}"))
    remembered = json.loads(stored)["former"]
    assert _record("e-000") in remembered
    assert _record("e-001") not in remembered
    assert len(remembered) == 201


def test_very_many_expiries_of_one_instant_come_in_several_messages() -> None:
    schedule = Schedule(announce=False)
    schedule.take(*(obligation(f"r-{n:04}", "week") for n in range(1001)))

    output = schedule.stage.wake(schedule.state, 0, T0 + 30 * DAY, 2000)

    assert [len(record.value["items"]) for record in output.records if isinstance(record.value, dict)] == [1000, 1]


def test_an_end_that_a_fact_moves_into_the_past_is_due_at_the_fact() -> None:
    """C7: nine months had passed when the complaint turned out to be none."""
    schedule = Schedule()
    case = {"kind": "case", "digest": "c"}
    opened = {**fact("case.opened", T0, SUBJECT, case), "attributes": {"matter": "complaint"}}
    schedule.take(opened, obligation("a", "classed", refs=[SUBJECT, case]))
    assert schedule.said("expiry.scheduled") == [("classed", T0 + 31 * DAY)]

    late = T0 + 20 * DAY
    schedule.take({**fact("case.reclassified", late, SUBJECT, case), "attributes": {"matter": "other"}}, now=late)
    schedule.wake(late)

    [ended] = [value for kind, value in schedule.out if kind == "expiry.due"]
    assert (ended["due_at"], ended["kept_until"], ended["revision"]) == (late, None, 2)


def test_what_is_over_is_not_planned_again() -> None:
    schedule = Schedule()
    schedule.take(obligation("a", "week", "hidden"))
    schedule.wake(T0 + 10 * DAY)

    schedule.take(fact("opt_out", T0 + 11 * DAY), now=T0 + 11 * DAY)
    schedule.wake(T0 + 11 * DAY)

    assert schedule.said() == [("week", T0 + 8 * DAY), ("hidden", T0 + 11 * DAY)]


def test_an_index_entry_without_an_entry_behind_it_does_no_harm() -> None:
    schedule = Schedule()
    schedule.state.apply([Change(b"a|subject:s|record|gone", b" opt_out ", local=True)], None)

    schedule.take(fact("opt_out", T0 + DAY))

    assert schedule.out == []


def test_a_support_that_came_too_late_begins_the_profiles_next_life() -> None:
    """C8: nothing is resurrected, and nothing is lost: the new purchase has a profile of its own."""
    schedule = Schedule()
    first = obligation("only|subject:s", "week", kind="profile", profile="only", event_id="e-1")
    schedule.take(first, {**first, "event_id": "e-2", "occurred_at": T0 + 20 * DAY})

    schedule.wake(T0 + 60 * DAY)
    assert schedule.next_wake == T0 + 28 * DAY
    schedule.wake(T0 + 60 * DAY)

    assert schedule.said() == [("keep", T0 + 8 * DAY), ("keep", T0 + 28 * DAY)]
    ids = [value["expiry_id"] for kind, value in schedule.out if kind == "expiry.due"]
    assert len(set(ids)) == 2


def test_a_policy_that_changed_under_its_version_stops_the_lane_with_the_cure() -> None:
    """X15: what was promised under a version stays promised."""
    schedule = Schedule()
    schedule.take(obligation("a", "week"))

    changed = replace(_policy(), digest="another")
    schedule.stage = ExpireStage("shop", PolicyBook({"shop": (changed,)}), announce=True)

    with pytest.raises(ConfigurationError, match="give the changed one a new version"):
        schedule.take(obligation("b", "week"))


def test_what_fired_is_not_moved_by_a_fact_that_arrives_late() -> None:
    schedule = Schedule()
    schedule.take(obligation("a", "hidden"), fact("opt_out", T0 + 2 * DAY))
    schedule.wake(T0 + 2 * DAY)

    schedule.take(fact("opt_out", T0 + DAY, identity="earlier"), now=T0 + 3 * DAY)
    schedule.wake(T0 + 3 * DAY)

    assert schedule.said() == [("hidden", T0 + 2 * DAY)]


def test_facts_are_forgotten_when_nobody_has_listened_for_a_while_but_open_holds() -> None:
    schedule = Schedule()
    schedule.take(obligation("a", "week"), fact("opt_out", T0 + DAY), fact("hold.opened", T0 + 9 * DAY, ORDER, HOLD))
    schedule.wake(T0 + 10 * DAY)
    assert [key for key, _value in schedule.state.scan(b"f|", b"f}")] == [b"f|hold:h", b"f|order:o", b"f|subject:s"]

    for day in (45, 80, 120):
        schedule.wake(T0 + day * DAY)

    assert [key for key, _value in schedule.state.scan(b"f|", b"f}")] == [b"f|hold:h", b"f|order:o"]
    schedule.take(obligation("b", "week", at=T0 + 120 * DAY), now=T0 + 120 * DAY)
    schedule.wake(T0 + 120 * DAY + LINGER + 2 * DAY)
    assert b"f|order:o" in [key for key, _value in schedule.state.scan(b"f|", b"f}")]


@pytest.mark.parametrize(("forgets_subject", "left"), [(False, [b"f|subject:s"]), (True, [])])
def test_what_still_lasts_is_remembered_but_of_a_subject_that_was_forgotten(
    *, forgets_subject: bool, left: list[bytes]
) -> None:
    """An account counts for what is bought years later; after TEK-2.4 nothing can come under the old reference."""
    schedule = Schedule()
    account = State(name="account-open", opens=("account.opened",), closes=("account.closed",))
    policy = replace(_policy(), states={account.name: account}, forgets_subject=forgets_subject)
    schedule.stage.book = PolicyBook({"shop": (policy,)})
    schedule.take(fact("account.opened", T0), fact("erasure.requested", T0 + DAY))

    for day in (32, 70, 110):
        schedule.wake(T0 + day * DAY)

    assert [key for key, _value in schedule.state.scan(b"f|", b"f}")] == left


def test_what_nobody_listened_to_is_forgotten_in_parts() -> None:
    schedule = Schedule()
    refs = [{"kind": "record", "digest": str(number)} for number in range(150)]
    schedule.take(*(fact("opt_out", T0, ref, identity=ref["digest"]) for ref in refs))

    left = []
    for _wake in range(2):
        schedule.wake(T0 + LINGER + 2 * DAY)
        left.append(sum(1 for key, _value in schedule.state.scan(b"f|record", b"f|recore") if key))

    assert left == [50, 0]


def test_a_hold_that_names_a_record_when_it_ends_is_too_late_though_it_held_another_before() -> None:
    """X5 and C8: a hold holds what it names from the instant at which it names it."""
    schedule = Schedule()
    end = T0 + 8 * DAY
    schedule.take(
        obligation("a", "week"),
        fact("hold.opened", T0, {"kind": "order", "digest": "another"}, HOLD, identity="first"),
        fact("hold.opened", end, ORDER, HOLD, identity="second"),
    )
    schedule.wake(end)

    assert schedule.said() == [("week", end)]


def test_before_the_clock_knows_any_time_reviews_are_planned_by_the_brokers() -> None:
    schedule = Schedule()
    block = Incoming(
        topic="t", partition=0, offset=0, timestamp_ms=int(T0.timestamp() * 1000), head=None,
        value={"items": [obligation("a", "forever", at=datetime(2010, 1, 1, tzinfo=UTC))]},
    )  # fmt: skip

    output = schedule.stage.handle([block], schedule.state, 0, datetime.min.replace(tzinfo=UTC))

    assert output.next_wake == datetime(2023, 1, 2, tzinfo=UTC)
