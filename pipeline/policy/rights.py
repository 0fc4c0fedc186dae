"""What a notice says of people's rights: until when a request is answered, at what fee, and what it needs to count."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from pipeline.domain import calendar
from pipeline.domain.calendar import Period
from pipeline.domain.facts import Fact, FactLog
from pipeline.domain.vocabulary import Right

REQUESTS: Mapping[str, Right] = MappingProxyType({
    "access.requested": Right.ACCESS,
    "rectification.requested": Right.RECTIFICATION,
    "erasure.requested": Right.ERASURE,
    "restriction.requested": Right.RESTRICTION,
    "portability.requested": Right.PORTABILITY,
    "objection.raised": Right.OBJECTION,
    "consent.withdrawn": Right.CONSENT_WITHDRAWAL,
    "opt_out": Right.OPT_OUT,
})  # fmt: skip
"""The right that each kind of request makes use of."""

ANSWERED: Mapping[str, Right] = MappingProxyType({**REQUESTS, "restriction.lifted": Right.RESTRICTION})
"""What is answered: requests, and the end of a restriction, of which people are told (GDPR Art. 18(3))."""

EVENTS: Mapping[Right, str] = MappingProxyType({right: event for event, right in REQUESTS.items()})
"""The request that makes use of a right."""

LIFTED = "restriction.lifted"
"""What ends a restriction."""

EVERY_SINK = "all"
"""Stands for every system that keeps the data, where the operator has named none."""

FREE, MAY_CHARGE = "free", "may-charge"


@dataclass(frozen=True, slots=True, kw_only=True)
class RightRule:
    """One right as a notice grants it.

    Attributes:
        right: Which.
        answer_within: The time to answer, counted from the local day of receipt; None if the notice states none.
        holidays: Days on which nobody answers; None leaves a deadline where it falls (C9).
        fee: False if the notice says nothing of a fee.
        free_per_year: How many requests of a local calendar year are free; None if all are.
        needs: Attributes that must be true for a request to count.
        until_then: The outcome of a request that does not count yet.
        defers_deletion_for: Reasons of a restriction that postpone deletion until it is lifted.
        clauses: Clauses it implements.
    """

    right: Right
    clauses: tuple[str, ...]
    answer_within: Period | None = None
    holidays: frozenset[date] | None = None
    fee: bool = False
    free_per_year: int | None = None
    needs: tuple[str, ...] = ()
    until_then: str = ""
    defers_deletion_for: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        """Return the rule id that records name."""
        return f"rights.{self.right}"

    def counts(self, request: Fact) -> bool:
        """Tell whether a request has all that the notice asks of one."""
        return all(request.attribute(name) == "true" for name in self.needs)

    def answer_by(self, received: datetime, tz: ZoneInfo) -> date | None:
        """Return the last day to answer, if the notice states a time."""
        if self.answer_within is None:
            return None
        day = calendar.add(calendar.local_date(received, tz), self.answer_within)
        return day if self.holidays is None else calendar.working_day(day, self.holidays)

    def fee_of(self, request: Fact, earlier: FactLog, tz: ZoneInfo) -> str | None:
        """Return what a request costs, given the facts about its subject: `free`, `may-charge`, or None if unsaid.

        Requests that do not count yet, and those of another local calendar year, do not use up what is free.
        """
        if not self.fee or not self.counts(request):
            return None
        if self.free_per_year is None:
            return FREE
        year = calendar.local_date(request.at, tz).year
        used = sum(
            fact.order < request.order and self.counts(fact) and calendar.local_date(fact.at, tz).year == year
            for fact in earlier.of((request.type,))
        )
        return FREE if used < self.free_per_year else MAY_CHARGE
