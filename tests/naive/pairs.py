"""Random retention expressions, and random histories that touch them: edges of days, leap days and ties are common."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from tests.naive.days import first_instant_after
from tests.naive.promise import Happened, Promise, Record

STATES: Mapping[str, Mapping[str, Any]] = {
    "case-open": {"opens": ["case.opened", "case.reopened", "complaint.lodged"], "closes": ["case.closed"], "per": "case"},
    "delivery-open": {"opens": ["delivery.ordered"], "closes": ["delivery.completed", "order.cancelled"], "per": "order"},
    "account-open": {"opens": ["account.opened"], "closes": ["account.closed"], "per": "account"},
    "agreement-open": {"opens": ["service_agreement.opened"], "closes": ["service_agreement.closed"]},
    "obligation-open": {"opens": ["obligation.opened"], "closes": ["obligation.settled"], "per": "case"},
    "follow-up-open": {"opens": ["contact.email"], "closes": ["case.closed"], "per": "case", "where": {"needs_follow_up": "true"}},
    "active": {"any_of": ["case-open", "delivery-open", "agreement-open"]},
    "in-service": {"any_of": ["active", "account-open"]},
}  # fmt: skip

EVENTS: Mapping[str, tuple[str, ...]] = {
    "case.opened": ("case",), "case.reopened": ("case",), "case.closed": ("case",), "case.reclassified": ("case",),
    "complaint.lodged": ("case",), "delivery.ordered": ("order",), "delivery.completed": ("order",),
    "order.cancelled": ("order",), "purchase.completed": ("order",), "account.opened": ("account",),
    "account.closed": ("account",), "service_agreement.opened": (), "service_agreement.closed": (),
    "obligation.opened": ("case",), "obligation.settled": ("case",), "contact.email": ("case",), "opt_out": (),
    "opt_in": (), "erasure.requested": (), "objection.raised": (), "consent.withdrawn": ("record",),
    "social.removed_by_creator": ("record",), "hold.opened": ("hold", "record"), "hold.closed": ("hold",),
}  # fmt: skip
"""Event names with what each is about beside its subject."""

ENDING = (
    ("case.closed", "case"), ("case.closed", "subject"), ("delivery.completed", "order"), ("opt_out", "subject"),
    ("erasure.requested", "subject"), ("objection.raised", "subject"), ("consent.withdrawn", "record"),
    ("social.removed_by_creator", "record"), ("account.closed", "account"), (["delivery.completed", "order.cancelled"], "order"),
)  # fmt: skip
UNDOING = {"case.closed": "case.reopened", "opt_out": "opt_in", "delivery.completed": "delivery.ordered"}
CLASSES = ("contract", "bookkeeping", "complaint", "return", "other")
PERIODS = ("P1M", "P9M", "P1Y", "P3Y", "P5Y", "P10Y", "P2M", "P13M", "P1D", "P30D", "P1Y6M", "P1M1D", "P2W", "P7Y")
ZONES = (
    "Europe/Stockholm", "Europe/Oslo", "Asia/Ho_Chi_Minh", "Europe/London", "Etc/UTC", "America/Sao_Paulo",
    "Asia/Kathmandu", "America/St_Johns", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Australia/Lord_Howe",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Pair:
    """An expression and a history to read it against."""

    keep: Any
    record: Record
    happened: tuple[Happened, ...]


def pairs(seed: str) -> Iterator[Pair]:
    """Yield random pairs without end; the same seed yields the same ones."""
    random = Random(seed)
    while True:
        keep = expression(random, random.choice((0, 1, 1, 2, 2, 3)))
        record = _record(random)
        yield Pair(keep=keep, record=record, happened=_history(random, record, keep))


def expression(random: Random, depth: int) -> Any:
    """Return an expression as a policy file writes it, nested at most so deep."""
    forms = (*_LEAVES, *_BRANCHES, *_BRANCHES) if depth else _LEAVES
    return random.choice(forms)(random, depth - 1)


def _period(random: Random, _depth: int) -> Any:
    written: dict[str, Any] = {"period": random.choice(PERIODS)}
    if random.random() < 0.4:
        types, kind = random.choice(
            (("purchase.completed", "subject"), ("case.closed", "case"), ("purchase.completed", "order"))
        )
        written["from"] = {"last": types, "of": kind}
        if random.random() < 0.5:
            written["from"]["if_none"] = random.choice(("open", "ended"))
        if types in UNDOING and random.random() < 0.6:
            written["from"]["unless_followed_by"] = UNDOING[types]
    if random.random() < 0.3:
        written["bound"] = random.choice(("min", "max"))
    return written


def _year_end(random: Random, _depth: int) -> Any:
    counted = random.choice(("calendar-year", "fiscal-year"))
    return {"year_end": {"years": random.randint(1, 10), "counted_from": counted, "ends_in": random.randint(1, 12)}}


def _until(random: Random, _depth: int) -> Any:
    types, kind = random.choice(ENDING)
    written: dict[str, Any] = {"until": types, "of": kind}
    if isinstance(types, str) and types in UNDOING and random.random() < 0.4:
        written["unless_followed_by"] = UNDOING[types]
    if types == "opt_out" and random.random() < 0.6:
        written["where"] = random.choice(
            (
                {"mailing": "newsletter"},
                {"mailing": "survey", "purpose": "survey"},
                {"purpose": ["marketing", "newsletter"]},
            )
        )
    return written


def _while(random: Random, _depth: int) -> Any:
    return {"while": random.choice(sorted(STATES)), "of": random.choice(("subject", "case", "order", "account"))}


def _lasting(random: Random, depth: int) -> Any:
    flags = [flag for flag in ("opened_by_record", "and_unnamed") if random.random() < 0.3]
    return _while(random, depth) | dict.fromkeys(flags, True)


def _window(random: Random, depth: int) -> Any:
    inside = {"least": expression(random, depth), "most": expression(random, depth)}
    if random.random() < 0.6:
        inside["prolonged_by"] = _while(random, depth)
    return {"window": inside}


def _parts(form: str) -> Any:
    return lambda random, depth: {form: [expression(random, depth) for _one in range(random.choice((2, 2, 3)))]}


def _undetermined(random: Random, _depth: int) -> Any:
    return {"undetermined": {"cap": random.choice((None, *PERIODS)), "review": "P1Y"}}


def _switch(random: Random, depth: int) -> Any:
    written = _until(random, depth)
    written["switch_at"] = written.pop("until")
    written.pop("unless_followed_by", None)
    return {**written, "before": expression(random, depth), "after": expression(random, depth)}


def _by_matter(random: Random, depth: int) -> Any:
    named = random.sample(CLASSES, 2)
    return {
        "by_matter": {**{name: expression(random, depth) for name in named}, "otherwise": expression(random, depth)}
    }


def _suspended(random: Random, depth: int) -> Any:
    lasting = _while(random, depth)
    unnamed = {"and_unnamed": True} if random.random() < 0.3 else {}
    return {"suspended_while": lasting["while"], "of": lasting["of"], **unnamed, "keep": expression(random, depth)}


_LEAVES = (
    _period, _period, _year_end, _until, _until, _lasting, _lasting, _undetermined,
    lambda _random, _depth: "at-once", lambda _random, _depth: {"indefinite": {"review": "P1Y"}},
)  # fmt: skip
_BRANCHES = (_window, _parts("longest_of"), _parts("earliest_of"), _switch, _by_matter, _suspended)


def _record(random: Random) -> Record:
    zone = random.choice(ZONES)
    about = {"subject": "s", "record": "r"} | {
        kind: f"{kind}-1" for kind in ("order", "case", "account") if random.random() < 0.6
    }
    matter = random.choice((None, *CLASSES))
    return Record(at=_some_instant(random, zone), zone=zone, about=about, matter=matter)


def _some_instant(random: Random, zone: str) -> datetime:
    edge = random.random()
    day = date(random.randint(2008, 2030), 1, 1) + timedelta(days=random.randrange(366))
    if edge < 0.15:
        day = date(random.choice((2008, 2012, 2016, 2020, 2024)), 2, random.choice((28, 29)))
    elif edge < 0.3:
        day = date(day.year, random.choice((1, 3, 8, 10, 12)), random.choice((30, 31)))
    if random.random() < 0.25:
        return first_instant_after(day, zone) - timedelta(seconds=random.choice((0, 0, 1)))
    clock = time(random.randrange(24), random.randrange(60), random.randrange(60), tzinfo=ZoneInfo(zone))
    return datetime.combine(day, clock).astimezone(UTC)


def _history(random: Random, record: Record, keep: Any) -> tuple[Happened, ...]:
    """Return what happened, mostly things the expression listens to; some at the very instant of an end, or a tie."""
    heard = [name for name in EVENTS if name in str(keep)] * 3 + ["hold.opened", "hold.closed", *EVENTS]
    for name in _stated(keep):
        heard += 3 * [*STATES[name].get("opens", ()), *STATES[name].get("closes", ())]
    happened: list[Happened] = []
    for number in range(random.choice((0, 1, 2, 3, 4, 6, 9))):
        happened.append(_one(random, random.choice(heard), _when(random, record, happened, keep), number))
    return tuple(happened)


def _stated(keep: Any) -> Iterator[str]:
    for name, state in STATES.items():
        if f"'{name}'" in str(keep):
            yield from state.get("any_of", (name,))


def _when(random: Random, record: Record, happened: list[Happened], keep: Any) -> datetime:
    chance = random.random()
    if chance < 0.1 and happened:
        return random.choice(happened).at
    if chance < 0.15:
        return record.at
    if chance < 0.35:
        end = Promise(record, happened, STATES, keep).end()
        if end is not None:
            return max(record.at, end[0]) + timedelta(seconds=random.choice((-1, 0, 1)))
    if chance < 0.45:
        return record.at - timedelta(seconds=random.randrange(1, 3 * 365 * 86400))
    longest = 86400 * 10 ** random.uniform(0, 3.6)
    return (record.at + timedelta(seconds=random.uniform(0, longest))).replace(microsecond=0)


def _one(random: Random, name: str, at: datetime, number: int) -> Happened:
    about = {"subject": "s"}
    for kind in EVENTS[name]:
        if kind == "record":
            about |= {"record": random.choice(("r", "r", "other"))} if random.random() < 0.8 else {}
        elif kind == "hold" or random.random() < 0.85:
            about[kind] = f"{kind}-{random.choice((1, 1, 2))}"
    says = {}
    if name in ("case.opened", "case.reclassified") and random.random() < 0.8:
        says["matter"] = random.choice(CLASSES)
    if name == "contact.email":
        says["needs_follow_up"] = random.choice(("true", "false"))
    if name in ("opt_out", "opt_in"):
        says |= random.choice(
            ({}, {"mailing": "newsletter"}, {"mailing": "survey"}, {"purpose": "marketing"}, {"purpose": "survey"})
        )
    return Happened(at=at, type=name, identity=f"e-{number}", about=about, says=says)
