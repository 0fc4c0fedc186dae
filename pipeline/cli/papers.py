"""`pipeline policy ropa|notice|export`: what an organisation hands out, made from the policies the machine runs."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pipeline.cli.books import load_book, versions_of
from pipeline.cli.options import policy_options, print_json
from pipeline.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from pipeline.policy.compiled import CompiledPolicy

SCHEMA_VERSION = 1
F = TypeVar("F", bound=Callable[..., Any])


def _paper_options(function: F) -> F:
    """Add `--controller`, `--policies`, `--overlay` and `-o markdown|json`."""
    output = click.option(
        "-o",
        "--output",
        type=click.Choice(["markdown", "json"]),
        default="markdown",
        show_default=True,
        help="For people or for programs.",
    )
    return _controller_option(policy_options(output(function)))


def _controller_option(function: F) -> F:
    return click.option("--controller", help="Of this controller only.")(function)


@click.command(short_help="Write the record of processing activities (Art. 30).")
@_paper_options
def ropa(*, controller: str | None, policies: Path | None, overlays: tuple[Path, ...], output: str) -> None:
    """Write the record of processing activities, GDPR Art. 30(1).

    Purposes, legal bases, categories of people and data, recipients and
    envisaged time limits come from the policy files; what the operator alone
    knows comes from `record` in an overlay, and is listed as open without it.
    """
    from pipeline.policy.papers.ropa import processing_record, record_markdown

    found = [processing_record(one) for one in versions_of(load_book(policies, overlays), controller)]
    if output == "json":
        print_json({"schema_version": SCHEMA_VERSION, "records": [asdict(one) for one in found]})
        return
    click.echo("\n".join(record_markdown(one) for one in found), nl=False)


@click.command(short_help="Write the statements to data subjects (Art. 13).")
@click.option("--language", metavar="CODE", help="en, or the notice's own (default where the policy has words).")
@_paper_options
def notice(
    *, controller: str | None, policies: Path | None, overlays: tuple[Path, ...], output: str, language: str | None
) -> None:
    """Write what GDPR Art. 13 wants told to people.

    Purposes and legal bases, recipients, storage periods and rights, said from
    what the machine does, in the notice's own language where the policy file
    has words for it, else in English.
    """
    from pipeline.policy.papers.notice import Statements, statements, statements_markdown

    def told(one: "CompiledPolicy") -> Statements:
        try:
            return statements(one, language)
        except KeyError:
            own = f"en, {one.words.language}" if one.words and one.words.language != "en" else "en"
            raise ConfigurationError(
                f"the policy of {one.controller} has no words in {language!r}; it can be told in: {own}."
            ) from None

    found = [told(one) for one in versions_of(load_book(policies, overlays), controller)]
    if output == "json":
        print_json({"schema_version": SCHEMA_VERSION, "notices": [asdict(one) for one in found]})
        return
    click.echo("\n".join(statements_markdown(one) for one in found), nl=False)


@click.command(short_help="Write the policies in terms of a public vocabulary.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["dpv-jsonld"]),
    default="dpv-jsonld",
    show_default=True,
    help="W3C Data Privacy Vocabulary 2.3 as JSON-LD.",
)
@_controller_option
@policy_options
def export(*, form: str, controller: str | None, policies: Path | None, overlays: tuple[Path, ...]) -> None:
    """Write the policies for other privacy tools.

    Purposes, categories of personal data, legal bases, storage durations,
    recipients and measures, with the terms of the W3C Data Privacy Vocabulary.
    """
    from pipeline.policy.papers.dpv import facts_of
    from pipeline.policy.papers.jsonld import document

    _ = form  # there is one so far
    print_json(document(facts_of(one) for one in versions_of(load_book(policies, overlays), controller)))


PAPERS = (ropa, notice, export)
