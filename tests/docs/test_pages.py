"""What the pages tell a reader to type works, and their links lead somewhere."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, blocks, matches, run

RUNNABLE = (
    "README.md",
    "examples/README.md",
    "docs/tutorial/first-steps.md",
    "docs/tutorial/write-your-own-policy.md",
    "docs/how-to/change-a-policy.md",
    "docs/how-to/hand-out-records-and-notices.md",
)
PAGES = sorted(path for folder in ("docs", "examples") for path in (ROOT / folder).rglob("*.md")) + sorted(
    ROOT.glob("*.md")
)
MAKES = re.compile(r"make (demo|test|\.venv)( +#.*)?")
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]+)?(#[^)\s]*)?\)", re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNNABLE)
def test_every_command_of_the_page_works_and_prints_what_the_page_says(name: str, tmp_path: Path) -> None:
    assert run(ROOT / name, tmp_path) > 0


@pytest.mark.parametrize("name", RUNNABLE)
def test_no_command_of_the_page_escapes_the_tests(name: str) -> None:
    """But for the make targets of the README, which .ci/run and the Makefile's own tests call."""
    unmarked = [
        block for block in blocks(ROOT / name) if block.info.startswith(("bash", "console")) and not block.is_run
    ]

    for block in unmarked:
        lines = [line for line in block.body.splitlines() if line]
        assert all(MAKES.fullmatch(line) for line in lines), f"{block.page}:{block.line} is not marked `run`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    for target, anchor in LINK.findall(text):
        file = (page.parent / target) if target else page
        assert file.exists(), f"{page.relative_to(ROOT)} links to {target}"
        if anchor:
            assert anchor in _anchors(file), f"{page.relative_to(ROOT)} links to {target}{anchor}"


@pytest.mark.parametrize("target", ["demo", "test", "check", "bench", "soak", "docs", "lock", "clean", ".venv"])
def test_make_help_explains_every_target(target: str) -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert re.search(rf"^  make {re.escape(target)} +\w", done.stdout, re.MULTILINE)


def test_make_says_what_to_do_where_python_is_too_old(tmp_path: Path) -> None:
    done = subprocess.run(
        ["make", "-f", str(ROOT / "Makefile"), ".venv", "PYTHON="],
        cwd=_with_lock(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "Python 3.11 or newer is needed" in done.stderr


def test_a_block_says_whether_it_is_run_and_what_it_prints() -> None:
    block = Block("page.md", 1, "console run", "$ echo a\na\n$ echo b > file\n$ cat file\n...\n")

    assert block.is_run
    assert block.commands() == [("echo a", "a\n"), ("echo b > file", ""), ("cat file", "...\n")]
    assert not Block("page.md", 1, "bash", "").is_run
    assert Block("page.md", 1, "json file=a.json", "").file == "a.json"


@pytest.mark.parametrize(
    ("wanted", "printed", "fits"),
    [
        ("a\n", "a\n", True),
        ("a\n", "a", True),
        ("a\n", "a\nb\n", False),
        ("...\nb\n", "a\nb\n", True),
        ("a...d\n", "abcd\n", True),
        ("a...d\n", "ab\ncd\n", False),
        ("", "a\n", False),
        ("(\n", "(\n", True),
    ],
)
def test_three_dots_stand_for_anything(wanted: str, printed: str, fits: bool) -> None:  # noqa: FBT001 - a column
    assert matches(wanted, printed) is fits


def _anchors(page: Path) -> set[str]:
    """Return the anchors that a Markdown renderer gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {"#" + re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def _with_lock(folder: Path) -> Path:
    (folder / "requirements").mkdir()
    (folder / "requirements/dev.txt").touch()
    return folder
