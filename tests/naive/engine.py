"""The engine's answers to the same questions: of the algebra alone, and of the whole expire stage."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

from pipeline.adapters.memory_state import MemoryState
from pipeline.adapters.yaml_files import load_policies
from pipeline.domain.calendar import zone
from pipeline.domain.facts import Fact, FactLog, Ref
from pipeline.domain.records import Incoming, Output
from pipeline.domain.vocabulary import Action, RefKind
from pipeline.policy.book import PolicyBook
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.ends import Circumstances, end_of
from pipeline.policy.expression import Expressions
from pipeline.policy.policy_parts import Ending
from pipeline.policy.retention import Retention, State
from pipeline.policy.source_file import Problems, SourceFile
from pipeline.stages.expire import ExpireStage
from pipeline.stages.expire_run import LINGER
from tests.naive.pairs import STATES, Pair
from tests.naive.promise import Ended, Happened, Record

FAR = datetime(2100, 1, 1, tzinfo=UTC)


@cache
def _states() -> Mapping[str, State]:
    found: dict[str, State] = {}
    for name, written in STATES.items():
        found[name] = State(
            name=name,
            opens=tuple(written.get("opens", ())),
            closes=tuple(written.get("closes", ())),
            where=tuple(written.get("where", {}).items()),
            per=RefKind(written.get("per", "subject")),
            any_of=tuple(found[part] for part in written.get("any_of", ())),
        )
    return found


def read(keep: Any) -> Retention:
    """Return the node that the policy language makes of an expression."""
    problems = Problems()
    source = SourceFile(name="random", data={})
    expressions = Expressions(source=source, problems=problems, named={}, states=_states(), operator={})
    node = expressions.read(keep, ())
    longer = "the least is longer than the most"  # refused in a file; read here, for what it would mean
    assert all(longer in one for one in problems.found), problems.found
    return node


def ended(pair: Pair) -> Ended | None:
    """Return when the algebra says that the expression ends, given everything that happened."""
    facts = sorted((_fact(one) for one in pair.happened), key=lambda fact: fact.order)
    own = {RefKind(kind): value for kind, value in pair.record.about.items()}

    def about(kind: RefKind) -> FactLog:
        if kind in own:
            return FactLog([fact for fact in facts if (ref := fact.ref(kind)) and ref.digest == own[kind]])
        return FactLog([fact for fact in facts if fact.ref(kind) is None])

    record = pair.record
    given = Circumstances(
        occurred_at=record.at, tz=zone(record.zone), matter=record.matter, named=frozenset(own), facts=about
    )
    end = end_of(read(pair.keep), given)
    return None if end.due_at is None else (end.due_at, end.kept_until)


def is_remembered(pair: Pair) -> bool:
    """Tell whether the expire lane still knows all that matters when the record arrives.

    What still lasts it remembers; other facts that nobody listens to it forgets after a while (docs/roadmap.md).
    """
    asks_the_past = any(form in str(pair.keep) for form in ("'from'", "'by_matter'"))
    return not asks_the_past or all(one.at > pair.record.at - LINGER + timedelta(days=1) for one in pair.happened)


def lived(pair: Pair, random: Random, *, in_order: bool) -> Ended | None:
    """Return when the expire stage lets the record's only tag fall due.

    Args:
        pair: The expression and what happened.
        random: Shuffles what arrives.
        in_order: Everything arrives when it happens, and time passes in between; else all at once, in any order.
    """
    stage = _stage(read(pair.keep), pair.record.zone)
    items = [(pair.record.at, _obligation(pair.record)), *((one.at, _wire(one)) for one in pair.happened)]
    random.shuffle(items)
    run = _Running(stage)
    if in_order:
        for at, together in groupby(sorted(items, key=itemgetter(0)), key=itemgetter(0)):
            run.arrive([item for _at, item in together], at)
    else:
        run.arrive([item for _at, item in items], min(at for at, _item in items))
    run.advance(FAR)
    assert len(run.due) <= 1, "due twice"
    return run.due[0] if run.due else None


class _Running:
    """An expire stage with its state; time passes between arrivals."""

    def __init__(self, stage: ExpireStage) -> None:
        self._stage = stage
        self._state = MemoryState()
        self._wake: datetime | None = None
        self.due: list[Ended] = []

    def arrive(self, items: Sequence[Mapping[str, object]], at: datetime) -> None:
        self.advance(at)
        block = Incoming(topic="t", partition=0, offset=0, timestamp_ms=0, head=None, value={"items": list(items)})
        self._take(self._stage.handle([block], self._state, 0, at), at)
        self.advance(at)

    def advance(self, to: datetime) -> None:
        while self._wake is not None and self._wake <= to:
            at = self._wake
            self._take(self._stage.wake(self._state, 0, at, 1000), at)

    def _take(self, output: Output, at: datetime) -> None:
        self._state.apply(output.changes, None)
        self._wake = output.next_wake
        for record in output.records:
            if record.schema == "expiry" and isinstance(record.value, dict):
                for item in record.value["items"]:
                    assert item["due_at"] <= at, "early"
                    self.due.append(
                        (item["due_at"], date.fromisoformat(item["kept_until"]) if item["kept_until"] else None)
                    )


@cache
def _shipped() -> CompiledPolicy:
    root = Path(__file__).parents[2]
    return load_policies(root / "policies", tuple((root / "overlays").iterdir())).versions["artgraphics"][0]


def _stage(node: Retention, zone_name: str) -> ExpireStage:
    """Return an expire stage whose policy has one rule with one tag that ends by an expression."""
    shipped = _shipped()
    rule = replace(
        shipped.rules["contact"],
        tags=MappingProxyType({("contact", "case"): (Ending(action=Action.ERASE, retention=node),)}),
    )
    policy = replace(shipped, tz=zone(zone_name), rules=MappingProxyType({"contact": rule}), states=_states())
    return ExpireStage(policy.controller, PolicyBook({policy.controller: (policy,)}), announce=False)


def _obligation(record: Record) -> dict[str, object]:
    tag = {"rule": "contact", "category": "contact", "purpose": "case", "fields": ["name"]}
    return {
        "obligation_id": "record|r", "kind": "record", "event_id": "r", "occurred_at": record.at,
        "refs": [{"kind": kind, "digest": value} for kind, value in record.about.items()], "tags": [tag],
        "profile": None, "recipient": None, "share_id": None, "policy_version": _shipped().version,
        "matter": record.matter, "generation": 0,
    }  # fmt: skip


def _wire(one: Happened) -> dict[str, object]:
    refs = [{"kind": kind, "digest": value} for kind, value in one.about.items()]
    return {"at": one.at, "type": one.type, "event_id": one.identity, "refs": refs, "attributes": dict(one.says)}


def _fact(one: Happened) -> Fact:
    refs = tuple(Ref(kind=RefKind(kind), digest=value) for kind, value in one.about.items())
    return Fact(at=one.at, type=one.type, event_id=one.identity, refs=refs, attributes=tuple(one.says.items()))
