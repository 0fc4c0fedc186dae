"""The values inside retention expressions as a file writes them: each is checked, each mistake told in its place."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.domain.calendar import Period
from pipeline.domain.vocabulary import RefKind
from pipeline.policy.operator import UNUSABLE
from pipeline.policy.retention import Anchor, FactPattern
from pipeline.policy.source_file import Problems, SourceFile, Where

Mapped = Mapping[str, object]


@dataclass(slots=True, kw_only=True)
class Written:
    """Reads the values of one policy; everything wrong is noted, and something harmless stands for it until mended.

    Attributes:
        source: The policy file.
        problems: Where mistakes go.
        operator: Operator values; a key that is declared but has no value is None.
    """

    source: SourceFile
    problems: Problems
    operator: Mapping[str, object]

    def pattern(self, events: object, beside: Mapped, where: Where, key: str) -> FactPattern:
        """Return which facts some event names stand for, with `of` and `where` from beside them."""
        names = [events] if isinstance(events, str) else events
        if not isinstance(names, (list, tuple)) or not names or not all(isinstance(name, str) for name in names):
            self.problems.add(self.source, (*where, key), f"{key} needs one event name or several")
            names = ()
        narrowed = beside.get("where") or {}
        if not isinstance(narrowed, Mapping):
            self.problems.add(self.source, (*where, "where"), "where needs attributes with the value each must have")
            narrowed = {}
        values = tuple((str(name), word) for name, value in narrowed.items() for word in _words(value))
        return FactPattern(types=tuple(names), where=values, of=self.kind(beside, where))

    def anchor(self, written: object, where: Where) -> Anchor | None:
        """Return the anchor that a period is counted from; None if it is not written as one."""
        given = self.options(written, where, {"last", "of", "where", "unless_followed_by", "if_none"})
        if not given:
            return None
        undone = given.get("unless_followed_by")
        back = self.pattern(undone, {"of": given.get("of")}, where, "unless_followed_by") if undone else None
        ended = self.word(given, where, "if_none", ("open", "ended")) == "ended"
        last = self.pattern(given.get("last"), given, where, "last")
        return Anchor(last=last, unless_followed_by=back, open_without=not ended)

    def options(self, written: object, where: Where, known: set[str]) -> Mapped:
        """Return a mapping as written, after noting every key that is not known; an empty one if it is none."""
        if not isinstance(written, Mapping):
            self.problems.add(self.source, where, f"needs {', '.join(sorted(known))}")
            return {}
        for stranger in sorted(set(written) - known):
            self.problems.add(
                self.source, (*where, stranger), f"{stranger} is not known here; known are {', '.join(sorted(known))}"
            )
        return written

    def kind(self, written: Mapped, where: Where) -> RefKind:
        """Return whose facts are meant."""
        kind = written.get("of")
        if kind not in tuple(RefKind):
            self.problems.add(self.source, where, f"say whose facts these are: of: one of {', '.join(RefKind)}")
            return RefKind.SUBJECT
        return RefKind(str(kind))

    def word(self, written: Mapped, where: Where, key: str, known: tuple[str, ...]) -> str | None:
        """Return one of some known words; None if it is not given, or not known."""
        value = written.get(key)
        if value is not None and value not in known:
            self.problems.add(self.source, (*where, key), f"{key} is one of {', '.join(known)}")
            return None
        return None if value is None else str(value)

    def yes(self, written: Mapped, where: Where, key: str) -> bool:
        """Return whether a key is true; one that is not given is false."""
        value = written.get(key, False)
        if not isinstance(value, bool):
            self.problems.add(self.source, (*where, key), f"{key} is true or false")
        return value is True

    def number(self, written: object, where: Where, least: int, most: int) -> int | None:
        """Return a whole number within bounds; None if it is wrong or not decided."""
        value = self.value(written, where)
        if value is UNUSABLE:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.problems.add(self.source, where, f"needs a number from {least} to {most}, or a $value of the operator")
            return None
        return value

    def period(self, written: object, where: Where) -> Period | None:
        """Return a period; None if it is wrong or not decided."""
        value = self.value(written, where)
        if value is None or value is UNUSABLE:
            return None
        try:
            return Period.parse(str(value))
        except ValueError as error:
            self.problems.add(self.source, where, str(error))
            return None

    def value(self, written: object, where: Where) -> object:
        """Return a value as written, or the operator's where it is written as `$name`: None if not decided."""
        if not (isinstance(written, str) and written.startswith("$")):
            return written
        if written[1:] not in self.operator:
            known = ", ".join(f"${name}" for name in sorted(self.operator)) or "none"
            self.problems.add(self.source, where, f"there is no operator value {written}; there are {known}")
            return UNUSABLE
        return self.operator[written[1:]]


def _words(value: object) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, (list, tuple)) else (str(value),)
