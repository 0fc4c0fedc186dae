"""The page on topics says the bounds that the reader of the file enforces."""

import re
from pathlib import Path

from pipeline.adapters.topics_file import LONGEST_DAYS
from pipeline.domain.topic_plan import FOREVER

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "topics.md").read_text(encoding="utf-8")


def test_the_page_names_the_longest_retention_of_each_role() -> None:
    section = PAGE.split("## How long a topic may keep records", 1)[1].split("\n## ", 1)[0]
    said = {
        role: days
        for roles, days in re.findall(r"^\| (`.*`) \| (.+) \|$", section, re.MULTILINE)
        for role in re.findall(r"`([a-z-]+)`", roles)
    }

    assert said == {
        role: "unlimited" if days == FOREVER else f"{days} days (`P{days}D`)" for role, days in LONGEST_DAYS.items()
    }


def test_the_page_says_that_no_segment_outlives_the_longest_retention() -> None:
    assert "`segment` may not be longer than `retention.max`" in " ".join(PAGE.split())
