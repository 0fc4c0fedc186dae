"""Calendar months in a policy's zone: the one before an event, and the one that an event names."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pipeline.domain import calendar
from pipeline.domain.events import EventHead


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
    try:
        return date.fromisoformat(f"{head.attributes['month']}-01")
    except (KeyError, ValueError):
        return None


def next_month(at: datetime, tz: ZoneInfo) -> datetime:
    """Return the instant at which the calendar month of an instant is over."""
    first = calendar.local_date(at, tz).replace(day=1)
    return calendar.start_of_day((first + timedelta(days=31)).replace(day=1), tz)
