"""A second reading of retention expressions: is a reason to keep data over at an instant, and when was it first?

Written from the words of the policy language alone, straight from the expression as a file writes it. Nothing here
comes from the engine, and the method differs: the engine combines ends, this asks "is it over?" at one instant after
another. A reason that is over stays over, given the same facts; so the first instant at which it is over is its end.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tests.naive.days import first_instant_after, last_day_of_period, last_day_of_year_end, local_day

TAKES_AWAY = (
    "opt_out", "consent.withdrawn", "objection.raised", "erasure.requested", "restriction.requested", "hold.opened",
    "case.closed", "account.closed", "account.locked",
)  # fmt: skip
"""At equal instants these come last, and so prevail (C8)."""


@dataclass(frozen=True, kw_only=True)
class Happened:
    """Something that happened, with what it is about (`subject`, `order`, `case`, ...) and what it says."""

    at: datetime
    type: str
    identity: str
    about: Mapping[str, str] = field(default_factory=dict)
    says: Mapping[str, str] = field(default_factory=dict)

    @property
    def turn(self) -> tuple[datetime, bool, str]:
        return (self.at, self.type in TAKES_AWAY, self.identity)


@dataclass(frozen=True, kw_only=True)
class Record:
    """The record whose end is asked for."""

    at: datetime
    zone: str
    about: Mapping[str, str]
    matter: str | None = None


Ended = tuple[datetime, date | None]
"""When a reason ended, and the last day kept if a date ended it."""


class Promise:
    """One expression about one record, given what happened."""

    def __init__(
        self, record: Record, happened: Sequence[Happened], states: Mapping[str, Mapping[str, Any]], keep: Any
    ) -> None:
        self._record = record
        self._happened = sorted(happened, key=lambda one: one.turn)
        self._states = states
        self._keep = keep

    def end(self) -> Ended | None:
        """Return the first instant at which the promise is over, or None if none is known."""
        return self._end(self._keep)

    def over(self, keep: Any, at: datetime) -> bool:  # noqa: C901, PLR0911  one arm for each form
        """Tell whether a reason is over at an instant."""
        match keep:
            case "at-once":
                return at >= self._record.at
            case {"period": _} | {"year_end": _} | {"undetermined": _}:
                day = self._last_day(keep)
                if day == "ended":
                    return at >= self._record.at
                return isinstance(day, date) and at >= first_instant_after(day, self._record.zone)
            case {"until": types}:
                stands = self._stands(types, keep, since=self._record.at)
                return bool(stands) and at >= stands[0].at
            case {"while": name, "of": kind}:
                shown = keep.get("opened_by_record") and kind in self._record.about
                unnamed = bool(keep.get("and_unnamed"))
                lasted = [
                    *self._lasted(name, kind, unnamed=unnamed),
                    *(self._shown(name, kind, unnamed=unnamed) if shown else ()),
                ]
                return at >= self._record.at and not any(end is None or end > at for _start, end in lasted)
            case {"window": {"least": least, "most": most, **prolonging}}:
                asked = prolonging.get("prolonged_by")
                wanted = asked is None or self.over(asked, at)
                return self.over(least, at) and (wanted or self.over(most, at))
            case {"longest_of": parts}:
                return all(self.over(part, at) for part in parts)
            case {"earliest_of": parts}:
                return any(self.over(part, at) for part in parts)
            case {"indefinite": _}:
                return False
            case {"switch_at": _} | {"by_matter": _}:
                return self.over(self._chosen(keep), at)
            case {"suspended_while": name, "of": kind, "keep": rest}:
                return self.over(rest, at) and self.over(_lasting(name, kind, keep), at)
            case _:
                raise AssertionError(f"the second reading does not know {keep}")

    def _end(self, keep: Any) -> Ended | None:
        for at in sorted({self._record.at, *self._moments(keep)}):
            if at >= self._record.at and self.over(keep, at):
                return at, self._day_that_ended(keep, at)
        return None

    def _moments(self, keep: Any) -> Iterator[datetime]:
        """Yield every instant at which anything may change: what happened, and the days after the last days."""
        yield from (one.at for one in self._happened)
        for day in self._last_days(keep):
            yield first_instant_after(day, self._record.zone)

    def _last_days(self, keep: Any) -> Iterator[date]:
        if isinstance(keep, Mapping):
            day = self._last_day(keep)
            if isinstance(day, date):
                yield day
            for part in keep.values():
                yield from self._last_days(part)
        elif isinstance(keep, (list, tuple)):
            for part in keep:
                yield from self._last_days(part)

    def _day_that_ended(self, keep: Any, at: datetime) -> date | None:
        """Return the last day kept, if a date among the decisive parts made the end."""
        match keep:
            case {"period": _} | {"year_end": _} | {"undetermined": _}:
                day = self._last_day(keep)
                return day if isinstance(day, date) and first_instant_after(day, self._record.zone) == at else None
            case {"longest_of": parts} | {"earliest_of": parts}:
                decisive = parts
            case {"window": {"least": least, "most": most, **prolonging}}:
                decisive = [least, most, *prolonging.values()]
            case {"switch_at": _} | {"by_matter": _}:
                decisive = [self._chosen(keep)]
            case {"suspended_while": name, "of": kind, "keep": rest}:
                decisive = [rest, _lasting(name, kind, keep)]
            case _:
                return None
        ended = [end for part in decisive if (end := self._end(part)) is not None and end[0] == at]
        return next((day for _at, day in ended if day is not None), None)

    def _last_day(self, keep: Mapping[str, Any]) -> date | str | None:
        """Return the last day that a date expression names; "ended" if it contributes nothing, None if open."""
        today = local_day(self._record.at, self._record.zone)
        match keep:
            case {"period": period, "from": rest}:
                stands = self._stands(rest["last"], rest, since=None)
                if stands:
                    return last_day_of_period(local_day(stands[-1].at, self._record.zone), period)
                return "ended" if rest.get("if_none") == "ended" else None
            case {"period": period}:
                return last_day_of_period(today, period)
            case {"year_end": {"years": years, "counted_from": mode, "ends_in": month}}:
                return last_day_of_year_end(today, years, mode, month)
            case {"undetermined": {"cap": str(cap)}}:
                return last_day_of_period(today, cap)
        return None

    def _stands(self, types: Any, beside: Mapping[str, Any], *, since: datetime | None) -> list[Happened]:
        """Return the facts that no later one takes back, in order."""
        told = self._told(beside["of"])
        found = [one for one in told if _is(one, types, beside.get("where", {})) and (since is None or one.at >= since)]
        undone = [one for one in told if _is(one, beside.get("unless_followed_by", ()), {})]
        return [one for one in found if not any(other.turn > one.turn for other in undone)]

    def _told(self, kind: str, *, unnamed: bool = False) -> list[Happened]:
        """Return what happened to the record's subject, order or case; of a record without one, what names none."""
        own, subject = self._record.about.get(kind), self._record.about.get("subject")
        return [
            one
            for one in self._happened
            if (own is not None and one.about.get(kind) == own)
            or ((own is None or unnamed) and one.about.get("subject") == subject and kind not in one.about)
        ]

    def _lasted(self, name: str, kind: str, *, unnamed: bool) -> Iterator[tuple[datetime, datetime | None]]:
        state = self._states[name]
        for part in state.get("any_of", ()):
            yield from self._lasted(part, kind, unnamed=unnamed)
        told, per = self._told(kind, unnamed=unnamed), state.get("per", "subject")
        for opened in told:
            wanted = state.get("where", {}).items()
            if opened.type in state.get("opens", ()) and all(opened.says.get(key) == value for key, value in wanted):
                closes = (
                    one.at
                    for one in told
                    if one.turn > opened.turn and one.type in state["closes"] and _same(one, opened, per)
                )
                yield opened.at, next(closes, None)

    def _shown(self, name: str, kind: str, *, unnamed: bool) -> Iterator[tuple[datetime, datetime | None]]:
        """Yield the span that the record itself shows to have begun, if it names what the state is about."""
        ends = set(self._closing(name))
        closed = (one.at for one in self._told(kind, unnamed=unnamed) if one.type in ends and one.at >= self._record.at)
        yield self._record.at, next(closed, None)

    def _closing(self, name: str) -> Iterator[str]:
        yield from self._states[name].get("closes", ())
        for part in self._states[name].get("any_of", ()):
            yield from self._closing(part)

    def _chosen(self, keep: Mapping[str, Any]) -> Any:
        if "by_matter" in keep:
            said = [
                one.says["matter"] for one in self._told("case") if one.type in _CLASSIFYING and "matter" in one.says
            ]
            matter = said[-1] if said else self._record.matter
            return keep["by_matter"].get(matter, keep["by_matter"]["otherwise"])
        happened = self._stands(keep["switch_at"], keep, since=self._record.at)
        return keep["after"] if happened else keep["before"]


_CLASSIFYING = ("case.opened", "case.reclassified")


def _is(one: Happened, types: Any, where: Mapping[str, Any]) -> bool:
    """Tell whether something is one of these: the first attribute that it gives decides, none given means all."""
    if one.type not in ([types] if isinstance(types, str) else types):
        return False
    for name, wanted in where.items():
        if name in one.says:
            return one.says[name] in ([wanted] if isinstance(wanted, str) else wanted)
    return True


def _same(one: Happened, other: Happened, kind: str) -> bool:
    """Tell whether two facts are about the same case; what names none stands for any."""
    return kind not in one.about or kind not in other.about or one.about[kind] == other.about[kind]


def _lasting(name: str, kind: str, beside: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state that suspends a retention as an expression of its own."""
    return {"while": name, "of": kind, "and_unnamed": beside.get("and_unnamed", False)}
