"""Calendar arithmetic on local dates: clamped months, fiscal years, last day kept, due instant.

Conventions C1 to C6: an instant becomes a local date in the policy's zone; years and months are added in one step to
the original date and clamped to the month's last day, days last; the period runs to the end of its last day K; the
due instant is the start of local day K+1, converted to UTC once, at the end (EU Reg. 1182/71 Art. 3).
"""

import re
from calendar import monthrange
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

_ISO = re.compile(r"P(?:(?P<years>\d{1,4})Y)?(?:(?P<months>\d{1,5})M)?(?:(?P<weeks>\d{1,5})W)?(?:(?P<days>\d{1,6})D)?")


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar period: months (years are twelve of them) and days, as ISO 8601 writes it.

    >>> Period.parse("P1Y6M"), str(Period.parse("P9M"))
    (Period(months=18, days=0), 'P9M')
    """

    months: int = 0
    days: int = 0

    @classmethod
    def parse(cls, text: str) -> "Period":
        """Return the period that an ISO 8601 duration of years, months, weeks and days names.

        Raises:
            ValueError: not such a duration, one of no length, or one of more than a thousand years.
        """
        found = _ISO.fullmatch(text)
        if not found:
            raise ValueError(f"{text!r} is not an ISO 8601 period of years, months, weeks and days, such as P5Y or P9M")
        part = {name: int(value or 0) for name, value in found.groupdict().items()}
        period = cls(months=12 * part["years"] + part["months"], days=7 * part["weeks"] + part["days"])
        if period == cls():
            raise ValueError(f"{text!r} has no length; say at-once for an immediate end")
        if period.months > _MOST.months or period.days > _MOST.days:
            raise ValueError(f"{text!r} is longer than {_MOST}; say indefinite for what has no end")
        return period

    def __str__(self) -> str:
        years, months = divmod(self.months, 12)
        parts = ((years, "Y"), (months, "M"), (self.days, "D"))
        return "P" + "".join(f"{number}{unit}" for number, unit in parts if number)


_MOST = Period(months=12_000, days=365_000)
"""Longer periods could leave the years that dates can name."""


class YearMode(StrEnum):
    """What the years of a year-end rule are added to (C6)."""

    CALENDAR_YEAR = "calendar-year"
    """31 December of the calendar year in which the fiscal year closed, plus n years (Bokföringslagen 7:2)."""
    FISCAL_YEAR = "fiscal-year"
    """The end of the fiscal year, plus n years (bokføringsloven § 13)."""


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name.

    Raises:
        KeyError: no such zone (zoneinfo.ZoneInfoNotFoundError).
    """
    return ZoneInfo(name)


def local_date(instant: datetime, tz: ZoneInfo) -> date:
    """Return the calendar date of an aware instant in a zone (C1)."""
    return instant.astimezone(tz).date()


def add(start: date, period: Period) -> date:
    """Return start plus a period: months in one clamped step, then days (C2).

    >>> add(date(2024, 5, 31), Period.parse("P9M")), add(date(2024, 1, 31), Period.parse("P2M"))
    (datetime.date(2025, 2, 28), datetime.date(2024, 3, 31))

    Raises:
        OverflowError: the result lies outside the years 1 to 9999.
    """
    year, month0 = divmod(start.year * 12 + start.month - 1 + period.months, 12)
    if not 1 <= year <= 9998:  # K + 1 day and its UTC instant must exist as well
        raise OverflowError(f"a period of {period} leaves the years that dates can name")
    day = min(start.day, monthrange(year, month0 + 1)[1])
    return date(year, month0 + 1, day) + timedelta(days=period.days)


def fiscal_year_end(day: date, end_month: int) -> date:
    """Return the last day of the fiscal year that a date lies in; the year ends with the last day of a month."""
    year = day.year if day.month <= end_month else day.year + 1
    return date(year, end_month, monthrange(year, end_month)[1])


def year_end_plus(day: date, *, years: int, mode: YearMode, end_month: int) -> date:
    """Return the last day kept under a year-end rule (C6)."""
    closed = fiscal_year_end(day, end_month)
    year = closed.year + years
    if mode is YearMode.CALENDAR_YEAR:
        return date(year, 12, 31)
    return date(year, end_month, monthrange(year, end_month)[1])


def due_instant(kept_until: date, tz: ZoneInfo) -> datetime:
    """Return the start of the local day after the last day kept, in UTC (C3).

    Where midnight does not exist (a clock change at midnight), the day starts at the first instant that does.
    """
    midnight = datetime.combine(kept_until + timedelta(days=1), time(), tzinfo=tz)
    # In a gap, fold=0 reads the missing time with the offset before the change, which lands on the instant after it.
    return midnight.astimezone(UTC)


def start_of_day(day: date, tz: ZoneInfo) -> datetime:
    """Return the first instant of a local day, in UTC."""
    return due_instant(day - timedelta(days=1), tz)


_SATURDAY = 5


def working_day(day: date, holidays: Collection[date]) -> date:
    """Return a day, or the next one that is neither Saturday, Sunday nor a holiday (C9, for deadlines to answer only).

    >>> working_day(date(2024, 12, 25), {date(2024, 12, 25), date(2024, 12, 26)})
    datetime.date(2024, 12, 27)
    """
    while day.weekday() >= _SATURDAY or day in holidays:
        day += timedelta(days=1)
    return day
