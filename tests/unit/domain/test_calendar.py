"""Dates by the conventions C1 to C6, against 4,000 rows computed with java.time and again with zoneinfo."""

import csv
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import given
from hypothesis import strategies as st

from pipeline.domain.calendar import (
    Period,
    YearMode,
    add,
    due_instant,
    fiscal_year_end,
    local_date,
    start_of_day,
    year_end_plus,
    zone,
)

ORACLE = Path(__file__).parents[2] / "data" / "calendar-oracle.csv"


def _kept_until(rule: str, day: date) -> date:
    if found := re.fullmatch(r"fy(\d+)\+P(\d+)Y", rule):
        return year_end_plus(day, years=int(found[2]), mode=YearMode.FISCAL_YEAR, end_month=int(found[1]))
    if found := re.fullmatch(r"calendar_year_after_fy(\d+)\+P(\d+)Y", rule):
        return year_end_plus(day, years=int(found[2]), mode=YearMode.CALENDAR_YEAR, end_month=int(found[1]))
    return add(day, Period.parse(rule))


def test_every_row_of_the_oracle_agrees() -> None:
    with ORACLE.open(newline="") as file:
        rows = list(csv.DictReader(file))

    wrong = []
    for row in rows:
        tz = zone(row["zone"])
        kept = _kept_until(row["rule"], local_date(datetime.fromisoformat(row["occurred_at"]), tz))
        due = due_instant(kept, tz)
        if (kept.isoformat(), due) != (row["kept_until"], datetime.fromisoformat(row["due_at"])):
            wrong.append(row)

    assert len(rows) == 4000
    assert wrong == []


@given(
    start=st.dates(date(1900, 1, 1), date(2500, 12, 31)),
    months=st.integers(0, 2400),
    days=st.integers(0, 4000),
)
def test_addition_agrees_with_dateutil(start: date, months: int, days: int) -> None:
    expected = start + relativedelta(months=months) + relativedelta(days=days)

    assert add(start, Period(months=months, days=days)) == expected


@given(st.integers(0, 3000), st.integers(0, 3000))
def test_a_period_survives_its_text(months: int, days: int) -> None:
    if months or days:
        period = Period(months=months, days=days)

        assert Period.parse(str(period)) == period


@pytest.mark.parametrize("text", ["", "P", "P1", "PT5H", "P-1M", "5Y", "P1Y ", "P1D1Y", "P0D", "P1001Y", "P365001D"])
def test_what_is_not_a_calendar_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"period of years|no length|longer than"):
        Period.parse(text)


def test_weeks_are_seven_days() -> None:
    assert Period.parse("P2W") == Period(days=14)


def test_a_period_beyond_the_years_of_dates_is_refused() -> None:
    with pytest.raises(OverflowError, match="leaves the years"):
        add(date(9998, 1, 1), Period.parse("P1Y"))


def test_the_fiscal_year_of_a_day_after_its_end_month_ends_next_year() -> None:
    assert fiscal_year_end(date(2024, 7, 1), 3) == date(2025, 3, 31)
    assert fiscal_year_end(date(2024, 2, 29), 2) == date(2024, 2, 29)


def test_a_day_that_starts_in_a_clock_change_starts_at_its_first_instant() -> None:
    """In Beirut the clocks went forward at midnight: 2022-03-27 began at 01:00."""
    assert start_of_day(date(2022, 3, 27), zone("Asia/Beirut")) == datetime(2022, 3, 26, 22, tzinfo=UTC)
