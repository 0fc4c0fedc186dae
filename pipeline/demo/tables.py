"""The report as tables for people and as one document for programs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

from pipeline.demo.report import Report

SCHEMA_VERSION = 1

K = TypeVar("K", bound=tuple[str, ...])


@dataclass(frozen=True, slots=True)
class Table:
    """A title, the names of the columns, and rows of text."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(report: Report) -> Iterator[Table]:
    """Yield the report's tables in the order in which they are read."""
    yield _outcomes(report)
    yield _counted("Refused or dropped, and why", ("controller", "reason"), report.reports)
    yield _tags(report)
    yield _carriers(report)
    yield _expiries(report)
    yield _counted("Open-ended, so reviewed", ("controller", "category"), report.open_ended)
    for line in report.timelines:
        yield Table(
            f"One person at {line.controller}, known as {line.subject}",
            ("day", "what", "how it ended"),
            tuple((moment.at, moment.what, moment.detail) for moment in line.moments),
        )


def verdict(report: Report) -> tuple[str, ...]:
    """Return the last lines: what was checked, and whether it holds."""
    check = report.leaks
    ended = sum(row.count for row in report.expiries)
    searched = f"{check.values:,} values of the input searched in {check.size:,} bytes of {check.records:,} records"
    lines = [
        f"{report.events:,} events in, {sum(report.topics.values()):,} records out.",
        f"ended: {ended:,} tags, {report.early} of them too early",
        f"leaks found: {sum(check.leaks.values())} ({searched})",
    ]
    lines += [
        f"  leak: {leak.field} in the {leak.part} of {leak.topic}, {times} times" for leak, times in check.leaks.items()
    ]
    return tuple(lines)


def holds(report: Report) -> bool:
    """Return whether nothing leaked and nothing came early."""
    return not report.leaks.leaks and not report.early


def document(report: Report) -> dict[str, object]:
    """Return the report as a JSON document."""
    return {
        "schema_version": SCHEMA_VERSION,
        "events": report.events,
        "event_types": _records(("controller", "type"), report.event_types),
        "outcomes": _records(("controller", "outcome"), report.outcomes),
        "reports": _records(("controller", "code"), report.reports),
        "tags": _records(("controller", "category", "purpose"), report.tags),
        "topics": dict(report.topics),
        "carriers": [{**asdict(row), "share_of_fields": row.share_of_fields} for row in report.carriers],
        "expiries": [asdict(row) for row in report.expiries],
        "early": report.early,
        "reviews": _records(("controller", "category"), report.open_ended),
        "timelines": [asdict(line) for line in report.timelines],
        "leaks": {
            "found": sum(report.leaks.leaks.values()),
            "values_searched_for": report.leaks.values,
            "records_searched": report.leaks.records,
            "bytes_searched": report.leaks.size,
            "where": [{**asdict(leak), "count": times} for leak, times in report.leaks.leaks.items()],
        },
    }


def _outcomes(report: Report) -> Table:
    outcomes = sorted({outcome for _, outcome in report.outcomes})
    controllers = sorted({controller for controller, _ in report.outcomes})
    rows = [
        (one, *(str(report.outcomes.get((one, outcome), 0)) for outcome in outcomes), str(_sum(report.outcomes, one)))
        for one in controllers
    ]
    totals = [str(sum(n for (_, of), n in report.outcomes.items() if of == outcome)) for outcome in outcomes]
    return Table(
        "Events in, and what became of them",
        ("controller", *outcomes, "events"),
        (*rows, ("all", *totals, str(report.events))),
    )


def _sum(counts: Mapping[tuple[str, str], int], controller: str) -> int:
    return sum(n for (one, _), n in counts.items() if one == controller)


def _tags(report: Report) -> Table:
    purposes: dict[tuple[str, str], list[str]] = {}
    for (controller, category, purpose), count in sorted(report.tags.items()):
        purposes.setdefault((controller, category), []).append(f"{purpose} {count}")
    return Table(
        "Tags: why each part of an event may be kept",
        ("controller", "category", "for these purposes, how often"),
        tuple((*named, ", ".join(found)) for named, found in purposes.items()),
    )


def _carriers(report: Report) -> Table:
    rows = tuple(
        (
            *row.topic.split(".")[:3:2],
            str(row.records),
            ", ".join(row.fields),
            str(row.size),
            "" if row.share_of_fields is None else f"{row.share_of_fields:.0%}",
            str(row.told_to_erase),
        )
        for row in report.carriers
    )
    return Table(
        "What each recipient got",
        ("controller", "recipient", "records", "fields", "bytes", "of the event's fields", "told to erase"),
        rows,
    )


def _expiries(report: Report) -> Table:
    merged: dict[tuple[str, str, str], dict[int, int]] = {}
    clauses: dict[tuple[str, str, str], dict[str, None]] = {}
    for row in report.expiries:
        ended = (row.controller, row.category, row.action)
        clauses.setdefault(ended, {}).update(dict.fromkeys(row.clauses))
        found = merged.setdefault(ended, {})
        found[row.year] = found.get(row.year, 0) + row.count
    years = sorted({row.year for row in report.expiries})
    return Table(
        "What ended, when and why",
        ("controller", "category", "action", *(f"{year}" for year in years), "clauses"),
        tuple(
            (*ended, *(str(counts.get(year, "")) for year in years), " ".join(sorted(clauses[ended])))
            for ended, counts in sorted(merged.items())
        ),
    )


def _counted(title: str, columns: tuple[str, ...], counts: Mapping[K, int]) -> Table:
    return Table(title, (*columns, "times"), tuple((*names, str(n)) for names, n in sorted(counts.items())))


def _records(names: Sequence[str], counts: Mapping[K, int]) -> list[dict[str, object]]:
    return [{**dict(zip(names, key, strict=True)), "count": n} for key, n in sorted(counts.items())]
