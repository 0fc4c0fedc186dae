"""What must hold of every history: each function lives through one and raises AssertionError where a promise breaks."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from random import Random
from types import MappingProxyType
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.adapters.yaml_files import read_yaml
from pipeline.domain.calendar import Period
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.policy_parts import Ending, Rule
from pipeline.policy.retention import After, LongestOf
from pipeline.settings import load_settings
from pipeline.stages.erased import CHOICES
from tests.histories.events import CONTROLLERS, MARKER, SUBJECT, Event, histories, policy_of
from tests.histories.runs import Due, Run, all_late, delayed, live
from tests.naive.days import first_instant_after, last_day_of_period, last_day_of_year_end, local_day


def order_of_arrival(controller: str, history: Sequence[Event], seed: int, run: Run) -> None:
    """What arrives together ends alike in whatever order it arrives, and however often.

    A decision that asks for state sees what has arrived: such an event may be decided otherwise, and only such.
    """
    differing = _differences(run, live(controller, all_late(history, Random(seed))), history)
    assert not differing, f"fell due otherwise: {differing}"


def late_arrival(controller: str, history: Sequence[Event], seed: int, run: Run) -> None:
    """What is late by weeks changes no end, but for those of which a `late_event` violation says so."""
    late = live(controller, delayed(history, Random(seed)))
    reported = [one for one in late.values("violation") if one["code"] == "late_event"]
    told = {name for one in reported for name in (one["record"], one["rule"])}
    differing = _differences(run, late, history)
    assert differing.keys() <= told, f"fell due otherwise, and nobody is told: {differing}"


def _differences(one: Run, other: Run, history: Sequence[Event]) -> dict[str, set[Due]]:
    """Return what only one of two runs let fall due, by record or profile, of what both decided alike."""
    tags, others = one.tags(), other.tags()
    otherwise = {e["id"] for e in history if tags.get(e["id"]) != others.get(e["id"])}
    assert all(_asks_state(one.controller, e["type"]) for e in history if e["id"] in otherwise), "decided otherwise"
    due, others_due = one.dues(), other.dues()
    # What is said once per subject, and profiles, follow from all records of the subject.
    names = {e["id"] for e in history} - otherwise if otherwise else due.keys() | others_due.keys()
    return {name: found for name in names if (found := due.get(name, set()) ^ others_due.get(name, set()))}


def _asks_state(controller: str, event_type: str) -> bool:
    return any(rule.needs_state for rule in policy_of(controller).rules_by_event.get(event_type, ()))


# -- bounds ----------------------------------------------------------------------------------------------------------

LEAST: Mapping[tuple[str, str], tuple[int, str, int]] = {
    ("allcall", "purchase-books"): (7, "calendar-year", 12),
    ("allcall", "refund-books"): (7, "calendar-year", 12),
    ("tek-zence", "purchase-order"): (5, "fiscal-year", 12),
    ("ak3d", "purchase-statutory"): (6, "fiscal-year", 3),
}
"""What law demands at least, by rule: years, what they count from, the month in which the fiscal year ends."""

MOST: Mapping[tuple[str, str], str] = {
    ("allcall", "purchase-books"): "P10Y",
    ("allcall", "refund-books"): "P10Y",
    ("allcall", "purchase-message"): "P3Y",
    ("allcall", "email"): "P3Y",
    ("allcall", "email-transaction"): "P3Y",
    ("allcall", "return-message"): "P9M",
    ("allcall", "camera"): "P1M",
}
"""What a notice allows at most, by rule, where nothing holds the record."""


def bounds(controller: str, history: Sequence[Event], _seed: int, run: Run) -> None:
    """No minimum is undercut; no maximum is passed but for a hold; all is emitted once and at its instant."""
    zone = str(policy_of(controller).tz)
    held = any(event["type"] == "hold.opened" for event in history)
    ended: dict[tuple[object, ...], Any] = {(one.value["event_id"], one.value["category"], one.value["purpose"]): one.value["due_at"]
             for one in run.emitted if one.value.get("type") == "expiry.due" and one.value["action"] == "erase"}  # fmt: skip
    due = [one for one in run.emitted if one.value.get("type") == "expiry.due"]
    assert all(one.at == one.value["due_at"] for one in due), "not at its instant"
    assert len({one.value["expiry_id"] for one in due}) == len(due), "due twice"
    for item in run.values("obligation"):
        for tag in item.get("tags", ()) if item.get("kind") == "record" else ():
            day, rule = local_day(item["occurred_at"], zone), (controller, tag["rule"])
            end = ended.get((item["event_id"], tag["category"], tag["purpose"]))
            if rule in LEAST and end:
                assert end >= first_instant_after(last_day_of_year_end(day, *LEAST[rule]), zone), "minimum undercut"
            if rule in MOST and not held:
                assert end, "no end"
                assert end <= first_instant_after(last_day_of_period(day, MOST[rule]), zone), "maximum passed"


# -- shares ----------------------------------------------------------------------------------------------------------


def shares(controller: str, _history: Sequence[Event], _seed: int, run: Run) -> None:
    """No field is in a share that the policy file does not list for its recipient, nor any value of one."""
    allowed = _whitelists()[controller]
    for one in run.emitted:
        role, _dot, recipient = one.topic.removeprefix(f"{controller}.").removesuffix(".v1").partition(".")
        if role in ("carrier", "share"):
            given = {name for name in one.value if name not in _SHARE_FRAME}
            assert given <= allowed[recipient], f"{recipient} got {given - allowed[recipient]}"
            marked = {word.split()[1] for word in _marked(one.raw_value)}
            assert marked <= allowed[recipient], f"{recipient} got a value of {marked - allowed[recipient]}"
            assert SUBJECT.encode() not in (one.raw_key or b"") + one.raw_value, "the subject travels along"


_SHARE_FRAME = ("share_id", "recipient", "event_id", "shared_at", "purpose", "rule", "clauses", "policy_version")


def _marked(content: bytes) -> Iterator[str]:
    text = content.decode("latin-1")
    for part in text.split(MARKER)[1:]:
        yield MARKER + " " + part.split()[0]


def _written(controller: str) -> Mapping[str, Any]:
    data = read_yaml(load_settings({}).policies / f"{controller}.yaml").data
    assert isinstance(data, Mapping)
    return data


@cache
def _whitelists() -> Mapping[str, Mapping[str, frozenset[str]]]:
    """Return what each recipient may get, from the words of the policy file: its fields, or those of its categories."""
    found: dict[str, dict[str, frozenset[str]]] = {}
    for controller in CONTROLLERS:
        written = _written(controller)
        found[controller] = {
            name: frozenset(item.get("fields", ())) | frozenset(
                field
                for wanted in item.get("categories", ())
                for category, listed in written["categories"].items()
                if category == wanted or category.startswith(f"{wanted}.")
                for field in listed["fields"]
            )
            for name, item in written["recipients"].items()
        }  # fmt: skip
    return found


# -- one rule at a time ----------------------------------------------------------------------------------------------


def loosening(controller: str, history: Sequence[Event], seed: int, run: Run) -> None:
    """A rule that keeps longer for one purpose changes no end of any other purpose."""
    policy = policy_of(controller)
    ruled = [rule for rule in policy.rules.values() if any(rule.tags.values())]
    concerned = [rule for rule in ruled if {e["type"] for e in history} & set(rule.events)]
    rule = Random(seed).choice(concerned or ruled)
    purpose = Random(seed).choice([purpose for (_category, purpose), endings in rule.tags.items() if endings])

    def others(run: Run) -> set[tuple[object, ...]]:
        return {
            (name, *due) for name, dues in run.dues().items() if _is_record(name) for due in dues if due[1] != purpose
        }

    assert others(live(controller, history, _loosened(policy, rule, purpose))) == others(run)


def _is_record(name: str) -> bool:
    return name.startswith("event-")  # a profile ends with its supports, whatever their purpose (architecture 8.2)


def _loosened(policy: CompiledPolicy, rule: Rule, purpose: str) -> CompiledPolicy:
    longer = After(period=Period(months=11 * 12))
    tags = {
        key: tuple(replace(end, retention=LongestOf(parts=(end.retention, longer))) for end in endings) if key[1] == purpose else endings
        for key, endings in rule.tags.items()
    }  # fmt: skip
    changed: Mapping[tuple[str, str], tuple[Ending, ...]] = MappingProxyType(tags)
    rules = {**policy.rules, rule.id: replace(rule, tags=changed)}
    by_event = {name: tuple(rules[one.id] for one in found) for name, found in policy.rules_by_event.items()}
    return replace(policy, rules=MappingProxyType(rules), rules_by_event=MappingProxyType(by_event))


# -- erasure ---------------------------------------------------------------------------------------------------------


def erasure(controller: str, history: Sequence[Event], _seed: int, _run: Run) -> None:
    """No state ever holds a value or a subject's id; after an erasure what a subject did before is found by nobody.

    What stays by subject is what people decided, holds, and what opened something that lasts; nothing at all where the
    notice promises that nobody is found again.
    """
    last = datetime.fromisoformat(history[-1]["time"])
    request = {**_bare(controller, "erasure.requested", SUBJECT, last + timedelta(hours=1)), "id": "the-erasure"}
    earlier = [event for event in history if event["type"] != "erasure.requested"]
    run = live(controller, [*earlier, request])
    for days in (1, 60, 120):  # somebody else, years later: what was noted to be forgotten is forgotten with a batch
        at = run.simulation.clock.now() + timedelta(days=days)
        other = _bare(controller, "hold.opened", "somebody-else", at)
        run.simulation.pipe({**other, "id": f"other-{days}", "data": {"hold_id": "hold-of-another"}})
    state = run.tag_state()
    for key, value in (*state.items(), *run.expire_state().items()):
        assert MARKER.encode() not in key + value, "a value in the state"
        assert SUBJECT.encode() not in key + value, "the subject's id in the state"
    left = [
        fact
        for digest in _known_as(run, [*earlier, request])
        for fact in json.loads(state.get(f"f|subject:{digest}".encode(), b"[]"))
    ]
    policy = policy_of(controller)
    opening = {
        name for one in policy.states.values() for name in (*one.opens, *(o for p in one.any_of for o in p.opens))
    }
    stays = set() if policy.forgets_subject else CHOICES | opening | {"hold.opened", "hold.closed"}
    assert {fact["type"] for fact in left} <= stays, left


def _known_as(run: Run, history: Sequence[Event]) -> set[str]:
    """Return the references under which the subject of a history was known."""
    own = {event["id"] for event in history if event["partitionkey"] == SUBJECT}
    return {
        ref["digest"]
        for item in run.values("obligation")
        for ref in item.get("refs", ())
        if ref["kind"] == "subject" and item.get("event_id") in own
    }


def _bare(controller: str, name: str, subject: str, at: datetime) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": name, "source": "//tests", "type": name, "time": at.isoformat(),
        "controller": controller, "partitionkey": subject, "data": {},
    }  # fmt: skip


Proof = Callable[[str, Sequence[Event], int, Run], None]


def prove(controller: str, examples: int, *proofs: Proof) -> None:
    """Let so many random histories of a controller be lived through, and ask each proof of each of them."""

    @settings(max_examples=examples, deadline=None, database=None, derandomize=True)
    @given(histories(controller), st.integers(0, 1 << 32))
    def of_any_history(history: list[Event], seed: int) -> None:
        run = live(controller, history)
        for proof in proofs:
            proof(controller, history, seed, run)

    of_any_history()
