"""Retention expressions as a policy file writes them, turned into the algebra's nodes. Names resolve, cycles do not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pipeline.domain.calendar import Period, YearMode
from pipeline.domain.vocabulary import Bound, RefKind
from pipeline.policy.operator import UNUSABLE
from pipeline.policy.retention import (
    After,
    Anchor,
    AtOnce,
    ByClass,
    EarliestOf,
    FactPattern,
    Indefinite,
    LongestOf,
    Retention,
    State,
    Suspended,
    Switch,
    Undetermined,
    Until,
    While,
    Window,
    YearEnd,
)
from pipeline.policy.source_file import Problems, SourceFile, Where

Mapped = Mapping[str, object]


@dataclass(slots=True)
class Expressions:
    """Reads expressions of one policy; everything wrong is noted, and stands as an immediate end until mended.

    Attributes:
        source: The policy file.
        problems: Where mistakes go.
        named: Named expressions as written, with the way to each.
        states: Named states.
        operator: Operator values; a key that is declared but has no value is None.
        used: Names of named expressions that were resolved since the last `reset`.
    """

    source: SourceFile
    problems: Problems
    named: Mapping[str, object]
    states: Mapping[str, State]
    operator: Mapping[str, object]
    used: list[str] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)

    def read(self, written: object, where: Where) -> Retention:
        """Return the retention that an expression stands for."""
        if isinstance(written, str):
            return self._reference(written, where)
        if not isinstance(written, Mapping):
            return self._wrong(where, "a retention is a name or one of " + ", ".join(FORMS))
        form = next((name for name in FORMS if name in written), None)
        if form is None:
            return self._wrong(where, f"a retention needs one of {', '.join(FORMS)}")
        allowed, build = FORMS[form]
        for stranger in [key for key in written if key not in allowed and key != form]:
            self.problems.add(
                self.source, (*where, stranger), f"{stranger} does not go with {form}; {_goes_with(form, allowed)}"
            )
        return build(self, written, where)

    def _reference(self, name: str, where: Where) -> Retention:
        if name == "at-once":
            return AtOnce()
        if name not in self.named:
            known = ", ".join(["at-once", *sorted(self.named)])
            return self._wrong(where, f"there is no retention {name}; there are {known}")
        if name in self._open:
            return self._wrong(where, f"the retention {name} refers to itself")
        self.used.append(name)
        self._open.append(name)
        try:
            return self.read(self.named[name], ("retention", name, "keep"))
        finally:
            self._open.pop()

    def _wrong(self, where: Where, says: str) -> Retention:
        self.problems.add(self.source, where, says)
        return AtOnce()

    # -- the forms ---------------------------------------------------------------------------------------------------

    def after(self, written: Mapped, where: Where) -> Retention:
        """Return a period from the record or from another anchor."""
        period = self._period(written["period"], (*where, "period"))
        if period is None:
            if self.value(written["period"], where) is None:
                self._wrong((*where, "period"), "the period has no value; set it in an overlay or write it here")
            return AtOnce()
        bound = self._word(written, where, "bound", tuple(Bound)) or Bound.MIN
        anchor = self._anchor(written["from"], (*where, "from")) if "from" in written else None
        return After(period=period, anchor=anchor, bound=Bound(bound))

    def year_end(self, written: Mapped, where: Where) -> Retention:
        """Return a statutory period counted from the end of a year."""
        given = written["year_end"]
        inside = (*where, "year_end")
        wanted = {"years", "counted_from", "ends_in"}
        if not isinstance(given, Mapping) or set(given) != wanted:
            return self._wrong(inside, "year_end needs years, counted_from and ends_in, and nothing else")
        mode = self._word(given, inside, "counted_from", tuple(YearMode))
        years = self._number(given["years"], (*inside, "years"), 1, 100)
        month = self._number(given["ends_in"], (*inside, "ends_in"), 1, 12)
        if not (mode and years and month):
            return AtOnce()
        return YearEnd(years=years, mode=YearMode(mode), end_month=month)

    def until(self, written: Mapped, where: Where) -> Retention:
        """Return until a fact."""
        pattern = self.pattern(written["until"], written, where, "until")
        undone = written.get("unless_followed_by")
        back = self.pattern(undone, {"of": written.get("of")}, where, "unless_followed_by") if undone else None
        return Until(event=pattern, unless_followed_by=back)

    def lasting(self, written: Mapped, where: Where) -> While:
        """Return while a state lasts."""
        name = written.get("while")
        if name not in self.states:
            known = ", ".join(sorted(self.states)) or "none"
            self.problems.add(self.source, (*where, "while"), f"there is no state {name}; there are {known}")
            return While(state=State(name="unknown"))
        return While(
            state=self.states[str(name)],
            of=self._kind(written, where),
            opened_by_record=self._yes(written, where, "opened_by_record"),
            and_unnamed=self._yes(written, where, "and_unnamed"),
        )

    def window(self, written: Mapped, where: Where) -> Retention:
        """Return at least so long, at most so long."""
        given, inside = written["window"], (*where, "window")
        if not isinstance(given, Mapping) or not {"least", "most"} <= set(given) <= {"least", "most", "prolonged_by"}:
            return self._wrong(inside, "window needs least and most, and may have prolonged_by")
        least = self.read(given["least"], (*inside, "least"))
        most = self.read(given["most"], (*inside, "most"))
        if isinstance(least, After) and isinstance(most, After) and _longer(least.period, most.period):
            self.problems.add(self.source, inside, "the least is longer than the most; correct one of them")
        prolonged = given.get("prolonged_by")
        by = self._while(prolonged, (*inside, "prolonged_by")) if prolonged is not None else None
        return Window(least=least, most=most, prolonged_by=by)

    def longest(self, written: Mapped, where: Where) -> Retention:
        """Return the longest of several."""
        return LongestOf(parts=self._parts(written["longest_of"], (*where, "longest_of")))

    def earliest(self, written: Mapped, where: Where) -> Retention:
        """Return the earliest of several."""
        return EarliestOf(parts=self._parts(written["earliest_of"], (*where, "earliest_of")))

    def indefinite(self, written: Mapped, where: Where) -> Retention:
        """Return no end, with reviews."""
        given = self._options(written["indefinite"], (*where, "indefinite"), {"review"})
        return Indefinite(review=self._period(given.get("review"), (*where, "indefinite", "review")))

    def undetermined(self, written: Mapped, where: Where) -> Retention:
        """Return an end that the operator's cap may set."""
        inside = (*where, "undetermined")
        given = self._options(written["undetermined"], inside, {"cap", "review"})
        cap = self._period(given.get("cap"), (*inside, "cap"))
        return Undetermined(cap=cap, review=self._period(given.get("review"), (*inside, "review")))

    def switch(self, written: Mapped, where: Where) -> Retention:
        """Return one retention before a fact, another after it."""
        if not {"before", "after"} <= set(written):
            return self._wrong(where, "switch_at needs before and after")
        return Switch(
            event=self.pattern(written["switch_at"], written, where, "switch_at"),
            before=self.read(written["before"], (*where, "before")),
            after=self.read(written["after"], (*where, "after")),
        )

    def by_matter(self, written: Mapped, where: Where) -> Retention:
        """Return a retention per matter class."""
        given, inside = written["by_matter"], (*where, "by_matter")
        if not isinstance(given, Mapping) or "otherwise" not in given:
            return self._wrong(inside, "by_matter needs a retention per matter class, and otherwise")
        classes = {name: self.read(kept, (*inside, name)) for name, kept in given.items()}
        default = classes.pop("otherwise")
        return ByClass(classes=tuple(classes.items()), default=default)

    def suspended(self, written: Mapped, where: Where) -> Retention:
        """Return a retention that a state suspends."""
        if "keep" not in written:
            return self._wrong(where, "suspended_while needs keep, the retention it suspends")
        by = self.lasting({**written, "while": written["suspended_while"]}, where)
        return Suspended(rest=self.read(written["keep"], (*where, "keep")), by=by)

    # -- their parts -------------------------------------------------------------------------------------------------

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
        return FactPattern(types=tuple(names), where=values, of=self._kind(beside, where))

    def _anchor(self, written: object, where: Where) -> Anchor | None:
        given = self._options(written, where, {"last", "of", "where", "unless_followed_by", "if_none"})
        if not given:
            return None
        undone = given.get("unless_followed_by")
        back = self.pattern(undone, {"of": given.get("of")}, where, "unless_followed_by") if undone else None
        ended = self._word(given, where, "if_none", ("open", "ended")) == "ended"
        last = self.pattern(given.get("last"), given, where, "last")
        return Anchor(last=last, unless_followed_by=back, open_without=not ended)

    def _while(self, written: object, where: Where) -> While:
        return self.lasting(self._options(written, where, {"while", "of"}), where)

    def _parts(self, written: object, where: Where) -> tuple[Retention, ...]:
        if not isinstance(written, list) or len(written) < 2:
            return (self._wrong(where, "needs at least two retentions"),)
        return tuple(self.read(part, (*where, index)) for index, part in enumerate(written))

    def _options(self, written: object, where: Where, known: set[str]) -> Mapped:
        if not isinstance(written, Mapping):
            self.problems.add(self.source, where, f"needs {', '.join(sorted(known))}")
            return {}
        for stranger in sorted(set(written) - known):
            self.problems.add(
                self.source, (*where, stranger), f"{stranger} is not known here; known are {', '.join(sorted(known))}"
            )
        return written

    def _kind(self, written: Mapped, where: Where) -> RefKind:
        kind = written.get("of")
        if kind not in tuple(RefKind):
            self.problems.add(self.source, where, f"say whose facts these are: of: one of {', '.join(RefKind)}")
            return RefKind.SUBJECT
        return RefKind(str(kind))

    def _word(self, written: Mapped, where: Where, key: str, known: tuple[str, ...]) -> str | None:
        value = written.get(key)
        if value is not None and value not in known:
            self.problems.add(self.source, (*where, key), f"{key} is one of {', '.join(known)}")
            return None
        return None if value is None else str(value)

    def _yes(self, written: Mapped, where: Where, key: str) -> bool:
        value = written.get(key, False)
        if not isinstance(value, bool):
            self.problems.add(self.source, (*where, key), f"{key} is true or false")
        return value is True

    def _number(self, written: object, where: Where, least: int, most: int) -> int | None:
        value = self.value(written, where)
        if value is UNUSABLE:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.problems.add(self.source, where, f"needs a number from {least} to {most}, or a $value of the operator")
            return None
        return value

    def _period(self, written: object, where: Where) -> Period | None:
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


Build = Callable[[Expressions, Mapped, Where], Retention]

FORMS: Mapping[str, tuple[frozenset[str], Build]] = {
    "period": (frozenset({"bound", "from"}), Expressions.after),
    "year_end": (frozenset(), Expressions.year_end),
    "until": (frozenset({"of", "where", "unless_followed_by"}), Expressions.until),
    "while": (frozenset({"of", "opened_by_record", "and_unnamed"}), Expressions.lasting),
    "window": (frozenset(), Expressions.window),
    "longest_of": (frozenset(), Expressions.longest),
    "earliest_of": (frozenset(), Expressions.earliest),
    "indefinite": (frozenset(), Expressions.indefinite),
    "undetermined": (frozenset(), Expressions.undetermined),
    "switch_at": (frozenset({"of", "where", "before", "after"}), Expressions.switch),
    "by_matter": (frozenset(), Expressions.by_matter),
    "suspended_while": (frozenset({"of", "and_unnamed", "keep"}), Expressions.suspended),
}
"""The form of each expression by its leading key, with the keys that may stand beside it."""


def _words(value: object) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, (list, tuple)) else (str(value),)


def _goes_with(form: str, allowed: frozenset[str]) -> str:
    return f"beside {form} there may be {', '.join(sorted(allowed))}" if allowed else f"{form} stands alone"


def _longer(least: Period, most: Period) -> bool:
    return (least.months, least.days) > (most.months, most.days)
