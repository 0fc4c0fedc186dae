"""Which clause is implemented by what, and tested where: the promise beside the machine, told honestly."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipeline.policy.document import ClauseShape, PolicyShape
from pipeline.policy.source_file import SourceFile, Where

_CLAUSE_ID = re.compile(r"(?<![\w-])[A-Z][A-Z0-9]*-[0-9][0-9A-Z]*(?:\.[0-9A-Z]+)?(?!\w)")
_SECTIONS = ("categories", "contexts", "sources", "purposes", "conditions", "retention", "inboxes", "rules", "profiles",
             "recipients", "triggers", "rights", "lists")  # fmt: skip
_SINGULAR = {
    "categories": "category", "contexts": "context", "sources": "source", "purposes": "purpose",
    "conditions": "condition", "retention": "retention", "inboxes": "inbox", "rules": "rule", "profiles": "profile",
    "recipients": "recipient", "triggers": "trigger",
    "rights": "right", "lists": "list",
}  # fmt: skip


class Status(StrEnum):
    """How far a clause is kept."""

    TESTED = "implemented and tested"
    IMPLEMENTED = "implemented"
    NOTICE_ONLY = "notice only"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """A part of a policy that cites clauses, such as `rule purchase`, with its line."""

    kind: str
    id: str
    clauses: tuple[str, ...]
    at: str
    path: Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """One clause: what implements it, what tests it, and how it stands."""

    controller: str
    version: str
    clause: str
    says: str
    status: Status
    elements: tuple[Element, ...]
    tests: tuple[str, ...]
    reason: str | None = None


def cited(shape: PolicyShape, source: SourceFile) -> Iterator[Element]:
    """Yield every element of a policy that cites clauses, in document order."""
    header = shape.policy
    yield _element("policy", header.controller, header.clauses, ("policy",), source)
    if header.authority:
        yield _element("authority", header.authority.name, header.authority.clauses, ("policy", "authority"), source)
    for section in _SECTIONS:
        for name, item in getattr(shape, section).items():
            yield _element(_SINGULAR[section], str(name), item.clauses, (section, str(name)), source)
    for name, rule in shape.rules.items():
        for index, end in enumerate(rule.ends):
            if end.clauses:
                yield _element("end", f"{name} {end.action}", end.clauses, ("rules", name, "ends", index), source)


def _element(kind: str, name: str, clauses: tuple[str, ...], path: Where, source: SourceFile) -> Element:
    return Element(kind=kind, id=name, clauses=clauses, at=source.at(path), path=path)


def coverage(policies: Iterable[tuple[SourceFile, PolicyShape]], tests: Mapping[str, str]) -> tuple[Covered, ...]:
    """Return how each clause of some policies stands.

    Args:
        policies: The documents with the files they were read from.
        tests: Text of each test or test case by name; a test proves the clauses whose ids stand in it.
    """
    proven = {name: clause_ids(text) for name, text in tests.items()}
    return tuple(row for source, shape in policies for row in _rows(source, shape, proven))


def counts_of(rows: Sequence[Covered]) -> dict[str, int]:
    """Return how many clauses there are, and how many stand in each way."""
    return {"clauses": len(rows), **{str(status): sum(row.status is status for row in rows) for status in Status}}


def clause_ids(text: str) -> frozenset[str]:
    """Return the clause ids that a text mentions, such as `ALLCALL-5.2`."""
    return frozenset(_CLAUSE_ID.findall(text))


def _rows(source: SourceFile, shape: PolicyShape, proven: Mapping[str, frozenset[str]]) -> Iterator[Covered]:
    elements = [*cited(shape, source)]
    for clause, meaning in shape.clauses.items():
        citing = tuple(element for element in elements if clause in element.clauses)
        testing = tuple(sorted(name for name, ids in proven.items() if clause in ids))
        reason = meaning.notice_only if isinstance(meaning, ClauseShape) else None
        yield Covered(
            controller=shape.policy.controller,
            version=shape.policy.version,
            clause=clause,
            says=meaning.says if isinstance(meaning, ClauseShape) else meaning,
            status=_status(citing, testing, reason),
            elements=citing,
            tests=testing,
            reason=reason,
        )


def _status(citing: tuple[Element, ...], testing: tuple[str, ...], reason: str | None) -> Status:
    if citing:
        return Status.TESTED if testing else Status.IMPLEMENTED
    return Status.NOTICE_ONLY if reason else Status.MISSING
