"""`pipeline policy`: check the policy files, show one as a page, and say which clause is kept by what."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline.cli.books import documents_in, load_book, texts_in, versions_of
from pipeline.cli.options import EXISTING_FOLDER, output_option, policy_options, print_json, print_table
from pipeline.cli.papers import PAPERS
from pipeline.cli.policy_versions import VERSIONS
from pipeline.domain.vocabulary import Form

if TYPE_CHECKING:
    from pipeline.policy.compiled import CompiledPolicy
    from pipeline.policy.coverage import Covered

SCHEMA_VERSION = 1
F = TypeVar("F", bound=Callable[..., Any])


def _files_options(function: F) -> F:
    """Add `--policies`, `--overlay` and `--output`."""
    return policy_options(output_option(function))


@click.group(short_help="Check and show the privacy policies.")
def policy() -> None:
    """Check and show the privacy policies.

    A policy file says as code what a privacy notice promises, clause by clause.
    """


for _paper in (*PAPERS, *VERSIONS):
    policy.add_command(_paper)


@policy.command(short_help="Find everything wrong; list what the operator decides.")
@_files_options
def check(*, policies: Path | None, overlays: tuple[Path, ...], output: str) -> None:
    """Check all policy files and overlays.

    Names every mistake with file and line, and exits with 2 if there is one.
    Otherwise lists what the notices leave to the operator: values that an
    overlay sets, and questions that are still open.
    """
    found = [one for versions in load_book(policies, overlays).versions.values() for one in versions]
    if output == "json":
        print_json({"schema_version": SCHEMA_VERSION, "policies": [_summary(one) for one in found]})
        return
    print_table(
        f"{len(found)} policies are in order",
        ("controller", "version", "rules", "recipients", "clauses", "in force from", "digest"),
        [_summary_row(one) for one in found],
    )
    notes = [(one.controller, *note.split(": ", 1)) for one in found for note in one.notes]
    print_table(f"{len(notes)} things that the operator decides", ("controller", "where", "what"), notes)


@policy.command(short_help="Show one policy as a page to read.")
@click.argument("controller")
@_files_options
def show(*, controller: str, policies: Path | None, overlays: tuple[Path, ...], output: str) -> None:
    """Show what the policy of CONTROLLER says: rules, periods, recipients.

    Of several versions all are shown; as JSON the newest, the others in it under
    `earlier`.
    """
    versions = list(versions_of(load_book(policies, overlays), controller))
    if output == "json":
        *earlier, newest = versions
        print_json({**_page(newest), "earlier": [_page(one) for one in earlier]})
        return
    for one in versions:
        click.echo(
            f"{one.name} ({one.controller}), version {one.version}, notice {one.notice}, dates in {one.tz.key}\n"
        )
        for title, columns, rows in _tables(one):
            print_table(title, columns, rows)


@policy.command(short_help="Say which clause is implemented and tested by what.")
@click.option("--tests", type=EXISTING_FOLDER, help="Folder of tests that name clauses; default: ours.")
@_files_options
def coverage(*, policies: Path | None, overlays: tuple[Path, ...], output: str, tests: Path | None) -> None:
    """List every clause of the notices: what implements it, what tests it.

    A clause is `missing` as long as no rule, period, recipient or trigger
    implements it, and `notice only` where it asks nothing of the pipeline.
    """
    from pipeline.policy.coverage import counts_of
    from pipeline.policy.coverage import coverage as cover

    load_book(policies, overlays)  # a broken policy covers nothing
    rows = cover(documents_in(policies), texts_in(tests))
    if output == "json":
        print_json({
            "schema_version": SCHEMA_VERSION, "counts": counts_of(rows), "clauses": [_covered(row) for row in rows],
        })  # fmt: skip
        return
    print_table(
        f"{len(rows)} clauses: {_tally(rows)}",
        ("clause", "status", "implemented by", "tested by"),
        [(row.clause, row.status, _elements(row), _tests(row)) for row in rows],
    )


def _summary(one: "CompiledPolicy") -> dict[str, object]:
    return {
        "controller": one.controller,
        "version": one.version,
        "digest": one.digest,
        "effective_from": one.effective_from.isoformat(),
        "rules": len(one.rules),
        "recipients": len(one.recipients),
        "clauses": len(one.clauses),
        "notes": list(one.notes),
    }


def _summary_row(one: "CompiledPolicy") -> tuple[str, ...]:
    counts = (str(len(table)) for table in (one.rules, one.recipients, one.clauses))
    return (one.controller, one.version, *counts, one.effective_from.date().isoformat(), one.digest[:12])


def _tables(one: "CompiledPolicy") -> list[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
    page = _page(one)
    titles = {
        "rules": "What is kept, for what, and how long",
        "recipients": "Who gets what",
        "profiles": "What is kept across events",
        "clauses": "What the notice promises",
    }
    tables = []
    for key, title in titles.items():
        rows = page[key]
        if isinstance(rows, list) and rows:
            tables.append((title, tuple(rows[0]), [tuple(_cell(value) for value in row.values()) for row in rows]))
    return tables


def _cell(value: object) -> str:
    return ", ".join(str(part) for part in value) if isinstance(value, (list, tuple)) else str(value)


def _page(one: "CompiledPolicy") -> dict[str, object]:
    return {
        "schema_version": SCHEMA_VERSION,
        **_summary(one),
        "name": one.name,
        "notice": one.notice,
        "zone": one.tz.key,
        "rules": _rule_rows(one),
        "recipients": [
            {
                "recipient": name,
                "gets": list(recipient.fields) if recipient.granted else [],
                "on": list(recipient.events),
                "stance": str(recipient.stance) if recipient.granted else f"{recipient.stance}: nothing is shared",
                "erases": _erases(one, name),
                "clauses": list(recipient.clauses),
            }
            for name, recipient in one.recipients.items()
        ],
        "profiles": [
            {"profile": name, "per": str(item.per), "holds": list(item.categories), "clauses": list(item.clauses)}
            for name, item in one.profiles.items()
        ],
        "clauses": [{"clause": clause.id, "says": clause.says} for clause in one.clauses.values()],
    }


_FORMS = {
    Form.ANONYMOUS: "kept without whose it is, so nothing has to end it",
    Form.AGGREGATE: "never stored, counted by month",
}


def _rule_rows(one: "CompiledPolicy") -> list[Mapping[str, object]]:
    from pipeline.policy.describe import endings_in_words

    rows: list[Mapping[str, object]] = []
    for name, rule in one.rules.items():
        by_end: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
        for (category, purpose), endings in rule.tags.items():
            words = _FORMS.get(one.purposes[purpose].form) or endings_in_words(endings)
            categories, purposes = by_end.setdefault(words, ({}, {}))
            categories[category] = purposes[purpose] = None
        for words, (categories, purposes) in (by_end or {"nothing is stored": ({}, {})}).items():
            rows.append({
                "rule": name, "on": list(rule.events), "keeps": [*categories], "for": [*purposes], "until": words,
                "clauses": list(rule.clauses),
            })  # fmt: skip
    return rows


def _erases(one: "CompiledPolicy", name: str) -> str:
    from pipeline.policy.describe import in_words

    erase_after = one.recipients[name].erase_after
    return in_words(erase_after) if erase_after else "no instruction is sent"


def _covered(row: "Covered") -> dict[str, object]:
    return {
        "controller": row.controller,
        "version": row.version,
        "clause": row.clause,
        "says": row.says,
        "status": str(row.status),
        "reason": row.reason,
        "elements": [
            {"kind": element.kind, "id": element.id, "at": element.at} for element in row.elements
        ],
        "tests": list(row.tests),
    }  # fmt: skip


def _elements(row: "Covered") -> str:
    named = [f"{element.kind} {element.id}" for element in row.elements]
    return row.reason or ", ".join(named)


def _tests(row: "Covered") -> str:
    more = f" and {len(row.tests) - 2} more" if len(row.tests) > 2 else ""
    return ", ".join(row.tests[:2]) + more


def _tally(rows: "Sequence[Covered]") -> str:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.status] = counts.get(row.status, 0) + 1
    return ", ".join(f"{number} {status}" for status, number in counts.items())
