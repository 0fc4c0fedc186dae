"""The shell around every command: quick to start, errors as sentences, exit codes that mean the same everywhere."""

import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module

import click
import pytest
from click.testing import CliRunner, Result

from pipeline import __version__
from pipeline.cli.main import COMMANDS, Command, cli
from pipeline.domain.errors import ConfigurationError, FencedError, PipelineError, UnavailableError

HEAVY = ("confluent_kafka", "kafka", "faust", "pydantic", "rich", "ruamel", "fastavro", "rocksdict", "cryptography")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], Result]:
    """Run a command that raises."""

    def call(error: BaseException, *arguments: str) -> Result:
        @click.command()
        def boom() -> None:
            raise error

        monkeypatch.setattr(sys.modules[__name__], "boom", boom, raising=False)
        monkeypatch.setitem(COMMANDS, "boom", Command(f"{__name__}:boom", "Fails."))
        return run(*arguments, "boom")

    return call


def test_help_imports_nothing_heavy() -> None:
    code = f"import sys; from pipeline.cli.main import cli; cli(['--help'], standalone_mode=False); sys.exit(','.join(m for m in {HEAVY!r} if m in sys.modules) or 0)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_overview_exists_under_its_name(name: str) -> None:
    module, _, attribute = COMMANDS[name].target.partition(":")
    command: click.Command = getattr(import_module(module), attribute)

    assert command.name == name
    assert command.help


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_reads_well_at_80_columns(name: str) -> None:
    result = run(*([name] if name else []), "--help")

    assert result.exit_code == 0
    assert max(len(line) for line in result.output.splitlines()) <= 80
    assert "..." not in result.output.partition("Options:")[2].replace("[ARGS]...", "").replace(" ...", "")


def test_the_version_is_told() -> None:
    assert run("--version").output == f"pipeline {__version__}\n"


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (PipelineError("It broke.\nTwice."), 1, "error: It broke.\nerror: Twice.\n"),
        (ConfigurationError("Mend it."), 2, "error: Mend it.\n"),
        (UnavailableError("Start it."), 1, "error: Start it.\n"),
        (FencedError("Too late."), 75, "error: Too late.\n"),
        (click.FileError("a.yaml", "is gone"), 1, "error: Could not open file 'a.yaml': is gone\n"),
        (OSError(13, "Permission denied", "a.yaml"), 1, "error: a.yaml: Permission denied.\n"),
        (KeyboardInterrupt(), 130, "\ninterrupted\n"),
    ],
)
def test_an_error_is_a_sentence_and_an_exit_code(
    failing: Callable[..., Result], error: BaseException, code: int, says: str
) -> None:
    result = failing(error)

    assert (result.exit_code, result.stdout, result.stderr) == (code, "", says)


def test_an_unexpected_error_shows_no_value_and_no_traceback(failing: Callable[..., Result]) -> None:
    result = failing(ValueError("jane@example.org"))

    assert result.exit_code == 1
    assert (
        result.stderr
        == "error: unexpected ValueError; run again with `pipeline --debug ...` to see where it comes from.\n"
    )


def test_debug_shows_where_an_error_comes_from(failing: Callable[..., Result]) -> None:
    assert "Traceback" in failing(ValueError("x"), "--debug").stderr


def test_wrong_usage_says_where_help_is() -> None:
    result = run("nonsense")

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: No such command 'nonsense'.\nTry 'pipeline --help' for help.\n".replace(
        "pipeline", "cli"
    )


def test_a_reader_that_leaves_ends_the_command_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)

    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "topics", "export", "strimzi"],
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )

    assert (done.returncode, done.stderr) == (141, b"")


def test_what_a_command_returns_is_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def three() -> int:
        return 3

    monkeypatch.setattr(sys.modules[__name__], "three", three, raising=False)
    monkeypatch.setitem(COMMANDS, "three", Command(f"{__name__}:three", "Returns 3."))

    assert run("three").exit_code == 3


def test_a_reader_that_leaves_a_table_ends_the_command_quietly() -> None:
    reader, writer = os.pipe()
    os.close(reader)

    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "policy", "check"], stdout=writer, stderr=subprocess.PIPE, check=False
    )

    assert (done.returncode, done.stderr) == (141, b"")


def test_without_a_command_the_help_is_shown_and_no_error() -> None:
    result = run()

    assert result.exit_code == 2
    assert result.stderr.startswith("Usage: ")
    assert "error:" not in result.stderr


def test_ctrl_c_while_modules_are_loaded_is_no_traceback() -> None:
    code = (
        "import sys\n"
        "class Impatient:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'click': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Impatient())\n"
        "from pipeline.__main__ import main; main()"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (130, "", "\ninterrupted\n")
