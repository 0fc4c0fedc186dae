"""What is generated says what the code and the policies say today."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

CONTROLLERS = ("ak3d", "allcall", "artgraphics", "tek-zence", "viet-art-view")


@pytest.fixture(scope="module")
def pages() -> dict[Path, str]:
    """Return the pages of the notices as `make docs` would write them now."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    written: Iterator[tuple[Path, str]] = script.notice_pages()
    return dict(written)


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_the_page_of_a_notice_is_not_behind(controller: str, pages: dict[Path, str]) -> None:
    """A clause that loses an element or a test shows here as well."""
    path = ROOT / f"docs/notices/{controller}.md"

    assert path.read_text(encoding="utf-8") == pages[path], f"{path.relative_to(ROOT)} is behind: run make docs"


def test_there_is_a_page_for_each_notice_and_the_index_leads_there(pages: dict[Path, str]) -> None:
    assert sorted(path.stem for path in pages) == list(CONTROLLERS)
    index = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    assert all(f"](notices/{controller}.md)" in index for controller in CONTROLLERS)
