"""Ends of single expressions that no notice shipped today shows; every form is compared in tests/properties."""

from datetime import date

from pipeline.domain.calendar import Period, YearMode, zone
from pipeline.domain.facts import FactLog
from pipeline.domain.vocabulary import Bound
from pipeline.policy.ends import Circumstances, End, end_of
from pipeline.policy.retention import After, Anchor, AtOnce, ByClass, FactPattern, Window, YearEnd
from tests.unit.policy.policy_stories import at, fact

BEGAN = at("2024-06-03T10:00:00Z")


def test_a_statutory_minimum_that_outlasts_the_stated_maximum_goes_before_it() -> None:
    """X4 and the order of conflicts: a minimum is never undercut, whatever years the operator's law demands."""
    twelve_years = YearEnd(years=12, mode=YearMode.CALENDAR_YEAR, end_month=12)
    ten_years = After(period=Period(months=120), bound=Bound.MAX)

    found = end_of(Window(least=twelve_years, most=ten_years), Circumstances(occurred_at=BEGAN, tz=zone("Etc/UTC")))

    assert found.kept_until == date(2036, 12, 31)
    assert found.not_after == End(due_at=at("2037-01-01T00:00:00Z"), kept_until=date(2036, 12, 31))


def test_a_period_that_was_over_before_the_record_began_ends_where_the_record_begins() -> None:
    """C7: nothing is due before it happened, such as a call about a case that closed two years ago."""
    closed = FactLog([fact("case.closed", "2022-01-31T10:00:00Z")])
    year = After(period=Period(months=12), anchor=Anchor(last=FactPattern(types=("case.closed",))))

    found = end_of(year, Circumstances(occurred_at=BEGAN, tz=zone("Etc/UTC"), facts=lambda _kind: closed))

    assert found == End(due_at=BEGAN)


def test_an_opening_that_names_no_class_leaves_a_case_in_the_class_it_has() -> None:
    """R-ALL-4: the class belongs to the case; only what names another one changes it."""
    case = FactLog([
        fact("case.reclassified", "2024-01-31T10:00:00Z", matter="complaint"), fact("case.opened", "2024-02-01T10:00:00Z"),
    ])  # fmt: skip
    by_class = ByClass(classes=(("complaint", After(period=Period(months=36))),), default=AtOnce())

    found = end_of(
        by_class, Circumstances(occurred_at=BEGAN, tz=zone("Etc/UTC"), matter="other", facts=lambda _kind: case)
    )

    assert found.kept_until == date(2027, 6, 3)
