"""The code blocks of a Markdown page that can be run, and what they must print.

A block is run if its info string ends in `run`: ```` ```bash run ```` is a script that must succeed, ```` ```console run ````
holds commands after `$ ` with what each prints; `...` stands for anything. A block with `file=NAME` is saved first.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: str
    line: int
    info: str
    body: str

    @property
    def is_run(self) -> bool:
        """Return whether the tests run this block."""
        return self.info.split()[1:] == ["run"]

    @property
    def file(self) -> str | None:
        """Return the name to save the block under, if it has one."""
        return next((word.removeprefix("file=") for word in self.info.split() if word.startswith("file=")), None)

    def commands(self) -> list[tuple[str, str | None]]:
        """Return the commands with what each must print, or None where the page does not say."""
        if self.info.startswith("bash"):
            return [(self.body, None)]
        parts = re.split(r"^\$ ", self.body, flags=re.MULTILINE)[1:]
        return [(command, wanted) for command, _, wanted in (part.partition("\n") for part in parts)]


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    name = str(page.relative_to(ROOT))
    return [
        Block(name, text.count("\n", 0, found.start()) + 1, found["info"].strip(), found["body"])
        for found in FENCE.finditer(text)
    ]


def prepare(folder: Path) -> None:
    """Make a folder look like the repository after `make .venv`, so that a reader's commands work in it."""
    (folder / ".venv").symlink_to(sys.prefix)
    shutil.copytree(ROOT / "examples", folder / "examples")
    for name in ("policies", "overlays", "schemas", "topics.yaml"):
        (folder / name).symlink_to(ROOT / name)


def run(page: Path, folder: Path) -> int:
    """Run the blocks of a page one after the other; return how many commands that were."""
    prepare(folder)
    count = 0
    for block in blocks(page):
        if block.file:
            (folder / block.file).write_text(block.body, encoding="utf-8")
        for command, wanted in block.commands() if block.is_run else ():
            shell = ["bash", "-euo", "pipefail", "-c", command]
            # Some shells export the width of a terminal that is not there; this run's own options are no reader's.
            readers = {**os.environ, "COLUMNS": "120", "PYTEST_ADDOPTS": ""}
            done = subprocess.run(
                shell, cwd=folder, env=readers, capture_output=True, text=True, timeout=120, check=False
            )
            where = f"{block.page}:{block.line}: {command}"
            assert done.returncode in {0, -13, 141}, f"{where}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
            if wanted is not None:
                assert matches(wanted, done.stdout), f"{where}\nwanted:\n{wanted}\nprinted:\n{done.stdout[-4000:]}"
            count += 1
    return count


def matches(wanted: str, printed: str) -> bool:
    r"""Return whether a print is as a page says; a line of `...` stands for any lines, `...` in a line for anything.

    >>> matches("a\\n...\\nz\\n", "a\\nb\\nc\\nz\\n"), matches("a...c\\n", "abc\\n"), matches("a\\n", "b\\n")
    (True, True, False)
    """
    lines = ["(?:.*\n)*?" if line.strip() == "..." else _line(line) + "\n" for line in wanted.splitlines()]
    return (
        re.fullmatch("".join(lines), printed if printed.endswith("\n") or not printed else printed + "\n") is not None
    )


def _line(line: str) -> str:
    return ".*".join(re.escape(part) for part in line.split("..."))
