"""The few forms of Markdown that our papers use."""

from collections.abc import Iterable, Sequence


def page(*parts: str) -> str:
    """Return a page of parts with an empty line between them; empty parts are left out."""
    return "\n\n".join(part for part in parts if part) + "\n"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""Return a table; a bar in a cell does not end it.

    >>> table(("a",), [("1|2",)]).splitlines()
    ['| a |', '|---|', '| 1\\|2 |']
    """
    lines = (columns, *rows)
    shown = ["| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines]
    return "\n".join((shown[0], "|" + "---|" * len(columns), *shown[1:]))


def bullets(lines: Iterable[str]) -> str:
    """Return a list, one item for each line."""
    return "\n".join(f"- {line}" for line in lines)


def listed(names: Iterable[object]) -> str:
    """Return names with commas between them."""
    return ", ".join(map(str, names))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
