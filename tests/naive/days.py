"""Calendar arithmetic by walking: one day, one quarter of an hour at a time. Slow and plain on purpose."""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


def local_day(instant: datetime, zone: str) -> date:
    """Return the day that a wall calendar in a zone shows at an instant (C1)."""
    return instant.astimezone(ZoneInfo(zone)).date()


@cache
def last_day_of_period(start: date, period: str) -> date:
    """Return the last day of a period such as P1Y6M: walk over as many firsts of a month as it has months (C2)."""
    parts = {unit: int(number) for number, unit in re.findall(r"(\d+)([YMWD])", period)}
    day, firsts = start, 12 * parts.get("Y", 0) + parts.get("M", 0)
    if firsts:
        while firsts:
            day += DAY
            firsts -= day.day == 1
        while day.day < start.day and not _ends_a_month(day):
            day += DAY
    for _one in range(7 * parts.get("W", 0) + parts.get("D", 0)):
        day += DAY
    return day


@cache
def last_day_of_year_end(start: date, years: int, counted_from: str, ends_in: int) -> date:
    """Return the last day of a year-end rule: walk to the fiscal year's close, then over the following closes (C6)."""
    day = start
    while not (day.month == ends_in and _ends_a_month(day)):
        day += DAY
    month = 12 if counted_from == "calendar-year" else ends_in
    while not (day.month == month and _ends_a_month(day)):
        day += DAY
    for _year in range(years):
        day += DAY
        while not (day.month == month and _ends_a_month(day)):
            day += DAY
    return day


@cache
def first_instant_after(day: date, zone: str) -> datetime:
    """Return the first instant at which the wall calendar shows a later day (C3), a quarter of an hour at a time."""
    instant = datetime.combine(day, time(9), UTC)  # no zone is further ahead than fourteen hours
    while local_day(instant, zone) <= day:
        instant += timedelta(minutes=15)
    return instant


def _ends_a_month(day: date) -> bool:
    return (day + DAY).day == 1
