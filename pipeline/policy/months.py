"""Calendar months in a policy's zone: the one before an event, and the one that an event names."""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pipeline.domain import calendar
from pipeline.domain.events import EventHead

_MONTH = re.compile(r"((?:19|2[0-9])[0-9]{2})-(0[1-9]|1[0-2])", re.ASCII)


def previous_month(at: datetime, tz: ZoneInfo) -> tuple[datetime, datetime]:
    """Return beginning and end (exclusive) of the calendar month before the one of an instant."""
    first = calendar.local_date(at, tz).replace(day=1)
    before = (first - timedelta(days=1)).replace(day=1)
    return calendar.start_of_day(before, tz), calendar.start_of_day(first, tz)


def sampled_month(head: EventHead, tz: ZoneInfo) -> tuple[datetime, datetime]:
    """Return beginning and end of the month an event names, but not later than the last full one before it."""
    start, stop = previous_month(head.occurred_at, tz)
    named = named_month(head)
    if named is None or named >= calendar.local_date(start, tz):
        return start, stop
    following = (named + timedelta(days=31)).replace(day=1)
    return calendar.start_of_day(named, tz), calendar.start_of_day(following, tz)


def named_month(head: EventHead) -> date | None:
    """Return the first day of the month that an event names, or None if it names none readably."""
    found = _MONTH.fullmatch(str(head.attributes.get("month", "")))
    return date(int(found[1]), int(found[2]), 1) if found else None


def next_month(at: datetime, tz: ZoneInfo) -> datetime:
    """Return the instant at which the calendar month of an instant is over."""
    first = calendar.local_date(at, tz).replace(day=1)
    return calendar.start_of_day((first + timedelta(days=31)).replace(day=1), tz)
