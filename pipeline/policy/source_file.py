"""A file as plain data that knows its lines, and what is wrong in it: all of it at once, each with file and line."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Where = tuple[str | int, ...]
"""The way to a value in a file: keys and positions from the top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file as plain data, with the line on which each value stands.

    Attributes:
        name: How problems name the file.
        data: Mappings, sequences, strings, numbers, booleans and None.
        lines: One-based line by the way to a value.
    """

    name: str
    data: object
    lines: Mapping[Where, int] = field(default_factory=dict)

    def at(self, where: Where = ()) -> str:
        """Return `file:line` of a value, or of the nearest value around it."""
        for length in range(len(where), -1, -1):
            if where[:length] in self.lines:
                return f"{self.name}:{self.lines[where[:length]]}"
        return f"{self.name}:1"


@dataclass(slots=True)
class Problems:
    """Everything found wrong, gathered so that one run tells it all."""

    found: list[str] = field(default_factory=list)

    def add(self, source: SourceFile, where: Where, says: str) -> None:
        """Note a problem at a place; the same sentence at the same place is noted once."""
        sentence = f"{source.at(where)}: {says}"
        if sentence not in self.found:
            self.found.append(sentence)
