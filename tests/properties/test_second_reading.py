"""The retention algebra and a second, naive reading of the same words agree on random expressions and histories."""

import csv
from datetime import datetime
from pathlib import Path
from typing import get_args

import pytest

from pipeline.policy.expression import FORMS
from pipeline.policy.retention import Retention
from tests.naive import engine
from tests.naive.agreement import compare
from tests.naive.days import first_instant_after, last_day_of_period, last_day_of_year_end, local_day
from tests.naive.pairs import pairs

pytestmark = pytest.mark.slow

SEED = "second reading"


def test_the_engine_and_the_second_reading_agree_on_when_random_retentions_end() -> None:
    ways = compare(SEED, 3000, lives_every=5)

    assert all(ways[way] > 250 for way in ("open", "by an event", "by a date", "lived at once")), ways
    assert ways["lived in order"] > 150, ways


def test_random_retentions_use_every_form_and_every_node_of_the_language() -> None:
    written: set[str] = set()
    nodes: set[type] = set()
    stream = pairs(SEED)
    for _number in range(500):
        keep = next(stream).keep
        written.update(form for form in FORMS if f"'{form}'" in str(keep))
        nodes.add(type(engine.read(keep)))

    assert written == set(FORMS)
    assert nodes == set(get_args(Retention))


def test_walking_day_by_day_finds_the_dates_that_two_libraries_agree_on() -> None:
    with (Path(__file__).parents[1] / "data" / "calendar-oracle.csv").open() as opened:
        rows = list(csv.DictReader(opened))[::10]
    for row in rows:
        start = local_day(datetime.fromisoformat(row["occurred_at"]), row["zone"])
        rule, _plus, period = row["rule"].rpartition("+")
        if rule:
            mode = "calendar-year" if rule.startswith("calendar") else "fiscal-year"
            last = last_day_of_year_end(start, int(period[1:-1]), mode, int(rule.rpartition("fy")[2]))
        else:
            last = last_day_of_period(start, period)
        due = first_instant_after(last, row["zone"])
        assert (last.isoformat(), due) == (row["kept_until"], datetime.fromisoformat(row["due_at"])), row
