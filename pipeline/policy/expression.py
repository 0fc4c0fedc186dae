"""Retention expressions as a policy file writes them, turned into the algebra's nodes. Names resolve, cycles do not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pipeline.domain.calendar import Period, YearMode
from pipeline.domain.vocabulary import Bound
from pipeline.policy.retention import (
    After,
    AtOnce,
    ByClass,
    EarliestOf,
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
from pipeline.policy.source_file import Where
from pipeline.policy.written import Mapped, Written


@dataclass(slots=True, kw_only=True)
class Expressions(Written):
    """Reads expressions of one policy; everything wrong is noted, and stands as an immediate end until mended.

    Attributes:
        named: Named expressions as written, with the way to each.
        states: Named states.
        used: Names of named expressions that were resolved since the last `reset`.
    """

    named: Mapping[str, object]
    states: Mapping[str, State]
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
        period = self.period(written["period"], (*where, "period"))
        if period is None:
            if self.value(written["period"], where) is None:
                self._wrong((*where, "period"), "the period has no value; set it in an overlay or write it here")
            return AtOnce()
        bound = self.word(written, where, "bound", tuple(Bound)) or Bound.MIN
        anchor = self.anchor(written["from"], (*where, "from")) if "from" in written else None
        return After(period=period, anchor=anchor, bound=Bound(bound))

    def year_end(self, written: Mapped, where: Where) -> Retention:
        """Return a statutory period counted from the end of a year."""
        given = written["year_end"]
        inside = (*where, "year_end")
        wanted = {"years", "counted_from", "ends_in"}
        if not isinstance(given, Mapping) or set(given) != wanted:
            return self._wrong(inside, "year_end needs years, counted_from and ends_in, and nothing else")
        mode = self.word(given, inside, "counted_from", tuple(YearMode))
        years = self.number(given["years"], (*inside, "years"), 1, 100)
        month = self.number(given["ends_in"], (*inside, "ends_in"), 1, 12)
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
            of=self.kind(written, where),
            opened_by_record=self.yes(written, where, "opened_by_record"),
            and_unnamed=self.yes(written, where, "and_unnamed"),
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
        given = self.options(written["indefinite"], (*where, "indefinite"), {"review"})
        return Indefinite(review=self.period(given.get("review"), (*where, "indefinite", "review")))

    def undetermined(self, written: Mapped, where: Where) -> Retention:
        """Return an end that the operator's cap may set."""
        inside = (*where, "undetermined")
        given = self.options(written["undetermined"], inside, {"cap", "review"})
        cap = self.period(given.get("cap"), (*inside, "cap"))
        return Undetermined(cap=cap, review=self.period(given.get("review"), (*inside, "review")))

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

    def _while(self, written: object, where: Where) -> While:
        return self.lasting(self.options(written, where, {"while", "of"}), where)

    def _parts(self, written: object, where: Where) -> tuple[Retention, ...]:
        if not isinstance(written, list) or len(written) < 2:
            return (self._wrong(where, "needs at least two retentions"),)
        return tuple(self.read(part, (*where, index)) for index, part in enumerate(written))


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


def _goes_with(form: str, allowed: frozenset[str]) -> str:
    return f"beside {form} there may be {', '.join(sorted(allowed))}" if allowed else f"{form} stands alone"


def _longer(least: Period, most: Period) -> bool:
    return (least.months, least.days) > (most.months, most.days)
