"""The page *Integrate your service* runs as it stands, and prints what it says."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.cli.main import cli
from pipeline.testing.broker import Broker

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "integrate-your-service.md"
ADDRESS = "localhost:9092"


def blocks() -> Iterator[tuple[str, str]]:
    """Yield language and text of each block."""
    yield from re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.kafka
def test_every_block_of_the_page_runs_and_prints_what_it_says(
    kafka_broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, object] = {"__name__": "page"}
    ran = 0
    for language, text in blocks():
        here = text.replace(ADDRESS, kafka_broker.bootstrap)
        match language:
            case "python":
                capsys.readouterr()
                exec(compile(here, str(PAGE), "exec"), names)  # noqa: S102 (running the page is the test)
                ran += 1
            case "text":
                pattern = re.escape(here).replace(re.escape("..."), r"\d+")
                assert re.fullmatch(pattern, capsys.readouterr().out)
            case "sh" if "topics apply" in here:
                arguments = [*here.split()[1:], "--controller", "tek-zence"]
                assert CliRunner().invoke(cli, arguments).exit_code == 0

    assert ran == 5


def test_the_commands_of_the_page_exist() -> None:
    for language, text in blocks():
        if language == "sh":
            program, *arguments = text.split()
            assert program == "pipeline"
            options = [argument for argument in arguments if argument.startswith("--")]
            words = arguments[: arguments.index(options[0])]
            page = CliRunner().invoke(cli, [*words, "--help"]).output
            assert all(option in page for option in options)
