"""`pipeline explain`: what the policy decides of one event, and the policy line behind each part of it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import EXISTING_FILE, output_option, policy_options, print_json, print_lists
from pipeline.cli.simulate import as_json, read_events
from pipeline.domain.errors import ConfigurationError, InvalidEvent

if TYPE_CHECKING:
    from pipeline.bootstrap.simulation import Emitted, Simulation
    from pipeline.domain.vocabulary import Outcome
    from pipeline.policy.compiled import CompiledPolicy

SCHEMA_VERSION = 1


@click.command(short_help="Show what the policy decides of one event, and why.")
@click.argument("event", type=EXISTING_FILE)
@click.option("--after", type=EXISTING_FILE, help="Events that happened before, one per line: the state to decide in.")
@policy_options
@output_option
def explain(*, event: Path, after: Path | None, policies: Path | None, overlays: tuple[Path, ...], output: str) -> None:
    """Show what becomes of the CloudEvent in EVENT (structured JSON), and why.

    Tags with purpose, legal basis and dates, what each recipient gets, what is
    dropped or refused; each with the policy line and the clauses behind it.
    """
    from pipeline.bootstrap.simulation import open_simulation

    simulation = open_simulation(policies, overlays)
    for number, earlier in read_events(after) if after else ():
        _pipe(simulation, earlier, f"{after}:{number}")
    seen = len(simulation.emitted)
    document = _one_event(event)
    outcome = _pipe(simulation, document, str(event))
    emitted = simulation.emitted[seen:]
    if output == "json":
        print_json(_json(document, str(outcome), emitted, simulation))
        return
    policy = _governing(document, simulation)
    click.echo(f"{document.get('type')} of {document.get('time')}, {document.get('controller')}: {outcome}")
    for title, columns, rows in _tables(policy, emitted):
        if rows:
            click.echo()
            print_lists(title, columns, rows)


def _pipe(simulation: "Simulation", event: Mapping[str, object], where: str) -> "Outcome":
    try:
        return simulation.pipe(event)
    except ConfigurationError as error:
        raise InvalidEvent("no_policy", f"{where}: {error}") from None


def _governing(event: Mapping[str, object], simulation: "Simulation") -> "CompiledPolicy":
    """Return the version that governs an event; the newest where its time cannot be read, or none governs it."""
    book, controller = simulation.parts.book, str(event["controller"])
    try:
        at = datetime.fromisoformat(str(event.get("time")))
    except ValueError:
        at = None
    governing = book.in_force(controller, at) if at is not None and at.tzinfo else None
    return governing or book.versions[controller][-1]


def _one_event(path: Path) -> Mapping[str, object]:
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise InvalidEvent("not_json", f"{path}: not JSON; write one CloudEvent (structured mode)") from None
    if not isinstance(document, dict):
        raise InvalidEvent("not_json", f"{path}: not a JSON object; write one CloudEvent (structured mode)")
    return document


def _json(
    event: Mapping[str, object], outcome: str, emitted: Sequence["Emitted"], simulation: "Simulation"
) -> dict[str, object]:
    policy = _governing(event, simulation)
    return {
        "schema_version": SCHEMA_VERSION,
        "event_id": event.get("id"),
        "outcome": outcome,
        "policy_version": policy.version,
        "rules": {rule: _line(policy, rule) for rule in sorted(_rules(emitted)) if rule in policy.rules},
        "records": [as_json(one) for one in emitted],
    }


def _without_date(policy: "CompiledPolicy", purpose: str) -> str:
    from pipeline.domain.vocabulary import Form

    if policy.purposes[purpose].form is Form.ANONYMOUS:
        return "no date: nothing tells any more whose it is"
    return "no date: ended by an event, or reviewed"


def _tables(
    policy: "CompiledPolicy", emitted: Sequence["Emitted"]
) -> list[tuple[str, Sequence[str], Sequence[Sequence[str]]]]:
    due = {
        (one.value["category"], one.value["purpose"]): f"{one.value['action']} after {_when(one.value)}"
        for one in emitted
        if one.value.get("type") in {"expiry.scheduled", "expiry.due"}
    }
    tags = [
        (
            tag["category"],
            tag["purpose"],
            ", ".join(tag["legal_basis"]),
            due.get((tag["category"], tag["purpose"]), _without_date(policy, str(tag["purpose"]))),
            ", ".join(tag["fields"]),
            f"{tag['rule']} ({_line(policy, tag['rule'])})",
            " ".join(tag["clauses"]),
        )
        for one in emitted
        if ".tagged." in one.topic
        for tag in _list(one.value["tags"])
    ]
    ledger = [one.value for one in emitted if one.topic.endswith(".share-ledger.v1")]
    shares = [
        (str(v["recipient"]), str(v["recipient_class"]), ", ".join(_list(v["fields"])), " ".join(_list(v["clauses"])))
        for v in ledger
    ]
    reports = [
        (str(v["code"]), ", ".join(_list(v["fields"])), str(v["message"]), " ".join(_list(v["clauses"])))
        for v in (one.value for one in emitted if one.topic.endswith(".violation.v1"))
    ]
    return [
        ("Kept, and why", ("category", "purpose", "legal basis", "until", "fields", "rule", "clauses"), tags),
        ("Shared", ("recipient", "class", "fields", "clauses"), shares),
        ("Dropped or refused", ("code", "fields", "why", "clauses"), reports),
        ("Not readable: a dead letter", ("code", "field", "what to do"), _dead_letters(emitted)),
    ]


def _dead_letters(emitted: Sequence["Emitted"]) -> list[tuple[str, str, str]]:
    letters = [one.value for one in emitted if one.topic.endswith(".dead-letter.v1")]
    return [
        (
            str(letter["code"]),
            str(letter["field"] or ""),
            f"correct {letter['field'] or 'the event'} at its producer and send it again; see docs/reference/events.md",
        )
        for letter in letters
    ]


def _rules(emitted: Sequence["Emitted"]) -> set[str]:
    found = {str(one.value["rule"]) for one in emitted if one.value.get("rule")}
    tags = (_list(one.value["tags"]) for one in emitted if ".tagged." in one.topic)
    return found | {tag["rule"] for some in tags for tag in some}


def _line(policy: "CompiledPolicy", rule: str) -> str:
    """Return where a rule stands: file and line, the file as seen from here if it lies below."""
    if rule not in policy.rules:
        return policy.controller
    where, here = Path(policy.rules[rule].line), Path.cwd()
    return str(where.relative_to(here) if where.is_relative_to(here) else where)


def _when(value: Mapping[str, object]) -> str:
    return str(value["kept_until"] or value["due_at"])


def _list(value: object) -> list:  # type: ignore[type-arg]  # items of decoded Avro: strings or tag records
    return value if isinstance(value, list) else []
