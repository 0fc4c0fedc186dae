"""Topics for one test alone, and a way to run commands against a broker."""

import secrets
from pathlib import Path

from click.testing import CliRunner, Result

from pipeline.cli.main import cli
from pipeline.testing.broker import Broker

ENTRY = """\
  "{{controller}}.{name}.v1":
    role: source
    description: Something that a test needs.
    holds: personal
    key: {key}
    cleanup_policy: delete
    retention: {{max: {retention}, from: operations, because: only for as long as the test runs}}
    segment: PT6H
"""


def fresh_controller() -> str:
    """Return a controller name that no other test has."""
    return f"t{secrets.token_hex(4)}"


def topics_file(
    folder: Path,
    controller: str,
    *,
    partitions: int = 2,
    retention: str = "P1D",
    key: str = "data-subject",
    cluster: str = "",
) -> Path:
    """Write a file with two topics."""
    head = f"version: 1\n{cluster}defaults: {{partitions: {partitions}, replicas: 1, min_in_sync: 1}}\n"
    entries = "".join(ENTRY.format(name=name, retention=retention, key=key) for name in ("in", "out"))
    path = folder / "topics.yaml"
    path.write_text(f"{head}controllers: {{{controller}: {{}}}}\ntopics:\n{entries}", encoding="utf-8")
    return path


def pipeline(broker: Broker, *arguments: object) -> Result:
    """Run a command against a broker."""
    return CliRunner().invoke(cli, [*map(str, arguments), "--broker", broker.bootstrap])
