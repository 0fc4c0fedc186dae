"""The page and the picture of conflicts tell of the same steps and the same collisions."""

import re

from tests.docs.pages import ROOT

PAGE = (ROOT / "docs/explanation/conflicts.md").read_text(encoding="utf-8")
PICTURE = (ROOT / "docs/images/conflicts.svg").read_text(encoding="utf-8")


def test_the_picture_shows_each_collision_at_the_step_that_the_page_names() -> None:
    told = {name: [int(step) for step in steps.split(", ") if step]
            for name, steps in re.findall(r"^\| (X\d+) \|.*\| ?([\d, ]*?) ?\|$", PAGE, re.MULTILINE)}  # fmt: skip
    shown = re.findall(r'<text class="t" x="716" y="\d+">(.*)</text>', PICTURE)

    assert list(told) == [f"X{number}" for number in range(1, 16)]
    assert len(shown) == 6
    for step, names in enumerate(shown, start=1):
        assert names.split(" · ") == [name for name, steps in told.items() if step in steps]
    [rest] = re.findall(r">(X\d.*) are not about dates", PICTURE)
    assert re.findall(r"X\d+", rest) == [name for name, steps in told.items() if not steps]


def test_the_page_tells_the_six_steps_in_the_order_of_the_picture() -> None:
    on_page = re.findall(r"^\d\. \*\*(.*?)\*\*", PAGE, re.MULTILINE)
    in_picture = re.findall(r'font-size="17">(.*)</text>', PICTURE)

    assert len(on_page) == len(in_picture) == 6
    assert all(set(re.findall(r"\w{6,}", one.lower())) & set(re.findall(r"\w{6,}", other.lower()))
               for one, other in zip(on_page, in_picture, strict=True) if "hold" not in one.lower())  # fmt: skip
