"""`pipeline policy`: what a privacy officer and an operator see."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipeline.cli.main import cli
from tests.topology.version_stories import FIRST, SECOND, write

ROOT = Path(__file__).parents[3]


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["policy", *arguments])
    code = result.exit_code
    return code, result.stdout + result.stderr


def test_the_shipped_policies_are_in_order() -> None:
    code, said = run("check")

    assert code == 0
    assert "5 policies are in order" in said
    assert "the notice is silent on delivery" in " ".join(said.replace("│", " ").split())


def test_the_check_can_be_read_by_a_program() -> None:
    code, said = run("check", "-o", "json")

    found = json.loads(said)
    assert code == 0
    assert found["schema_version"] == 1
    assert {one["controller"]: one["clauses"] for one in found["policies"]} == {
        "ak3d": 16, "allcall": 45, "artgraphics": 17, "tek-zence": 17, "viet-art-view": 14,
    }  # fmt: skip


def test_a_wrong_policy_is_told_line_by_line_and_leaves_with_2(tmp_path: Path) -> None:
    broken = (ROOT / "tests" / "policies" / "acme.yaml").read_text().replace("keep: window\n", "keep: windows\n")
    (tmp_path / "acme.yaml").write_text(broken)
    values = ROOT / "tests" / "policies" / "acme-values.yaml"

    code, said = run("check", "--policies", str(tmp_path), "--overlay", str(values))

    assert code == 2
    assert said.startswith("error: ")
    assert "acme.yaml:121: there is no retention windows" in said


@pytest.mark.parametrize("output", ["table", "json"])
@pytest.mark.parametrize(("controller", "clause"), [("tek-zence", "TEK-2.4"), ("ak3d", "AK3D-4.3")])
def test_a_policy_is_shown_as_a_page(controller: str, clause: str, output: str) -> None:
    code, said = run("show", controller, "-o", output)

    assert code == 0
    assert "purchase" in said
    assert clause in said


def test_a_controller_without_a_policy_is_told() -> None:
    code, said = run("show", "nobody")

    assert code == 2
    assert "there is no policy of 'nobody'; there are ak3d, allcall" in said


def test_coverage_lists_every_clause_with_its_elements_and_tests() -> None:
    code, said = run("coverage", "-o", "json")

    found = json.loads(said)
    rows = found["clauses"]
    assert code == 0
    assert found["schema_version"] == 1
    assert len(rows) == found["counts"]["clauses"] == 109
    for status in ("implemented and tested", "implemented", "notice only", "missing"):
        assert found["counts"][status] == len([row for row in rows if row["status"] == status])
    by_clause = {row["clause"]: row for row in rows}
    assert by_clause["VIET-13"]["status"] == "notice only"
    assert by_clause["VIET-4"]["status"] == "implemented and tested"
    assert {row["version"] for row in rows if row["controller"] == "ak3d"} == {"2024-07-11"}
    assert {"kind", "id", "at"} == set(by_clause["VIET-4"]["elements"][0])


def test_no_clause_loses_its_element_or_its_test() -> None:
    """Each is kept and tested, or only informs and says why."""
    rows = json.loads(run("coverage", "-o", "json")[1])["clauses"]

    told = {row["status"] for row in rows}
    missing = [row["clause"] for row in rows if row["status"] == "missing"]
    untested = [row["clause"] for row in rows if row["status"] == "implemented"]
    assert missing == [], "no rule, period, recipient, trigger or right cites these any more"
    assert untested == [], "no test names these any more"
    assert told == {"implemented and tested", "notice only"}
    assert [row["clause"] for row in rows if row["status"] == "notice only" and row["reason"]] == ["VIET-13"]
    assert all(row["elements"] and row["tests"] for row in rows if row["status"] == "implemented and tested")


def test_coverage_as_a_table_tells_the_tally(tmp_path: Path) -> None:
    code, said = run("coverage", "--tests", str(tmp_path))

    assert code == 0
    assert "109 clauses: " in said
    assert "implemented and tested" not in said


def test_several_versions_are_shown_as_one_document(tmp_path: Path) -> None:
    folder = write(tmp_path / "policies", FIRST, SECOND)

    code, said = run("show", "tek-zence", "--policies", str(folder), "-o", "json")
    shown, table = run("show", "tek-zence", "--policies", str(folder))

    page = json.loads(said)
    assert (code, page["version"], [one["version"] for one in page["earlier"]]) == (0, "2", ["1"])
    assert (shown, table.count("Shop (tek-zence), version")) == (0, 2)
