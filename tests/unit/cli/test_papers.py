"""`pipeline policy ropa`, `notice` and `export`: what an organisation hands out."""

import json

import pytest

from tests.unit.cli.test_policy import run
from tests.unit.policy.policy_stories import CONTROLLERS


@pytest.mark.parametrize("paper", ["ropa", "notice"])
def test_a_paper_of_all_controllers_is_written_for_people(paper: str) -> None:
    code, said = run(paper)

    assert code == 0
    assert [line.count("AllCall International AB") for line in said.splitlines() if line.startswith("# ")].count(1) == 1
    assert len([line for line in said.splitlines() if line.startswith("# ")]) == 5


@pytest.mark.parametrize(("paper", "key"), [("ropa", "records"), ("notice", "notices")])
def test_a_paper_can_be_read_by_a_program(paper: str, key: str) -> None:
    code, said = run(paper, "-o", "json")

    found = json.loads(said)
    assert code == 0
    assert found["schema_version"] == 1
    assert [one["controller"] for one in found[key]] == list(CONTROLLERS)


def test_the_export_is_a_document_of_the_vocabulary() -> None:
    code, said = run("export", "--format", "dpv-jsonld", "--controller", "viet-art-view")

    found = json.loads(said)
    assert code == 0
    assert found["schema_version"] == 1
    assert found["@context"]["dpv"] == "https://w3id.org/dpv#"
    assert [one["dct:identifier"] for one in found["@graph"]] == ["viet-art-view"]


@pytest.mark.parametrize("paper", ["ropa", "notice"])
def test_a_paper_of_one_controller_is_about_nobody_else(paper: str) -> None:
    code, said = run(paper, "--controller", "tek-zence")

    assert code == 0
    assert "TEK-ZENCE AS" in said
    assert "AllCall" not in said


@pytest.mark.parametrize("paper", ["ropa", "notice"])
def test_a_controller_without_a_policy_is_told(paper: str) -> None:
    code, said = run(paper, "--controller", "nobody")

    assert code == 2
    assert "there is no policy of 'nobody'; there are ak3d, allcall" in said


def test_a_notice_is_told_in_its_own_language_or_in_english() -> None:
    _code, own = run("notice", "--controller", "viet-art-view")
    _code, english = run("notice", "--controller", "viet-art-view", "--language", "en")

    assert own.startswith("# Viet Art View làm gì với dữ liệu cá nhân")
    assert english.startswith("# What Viet Art View does with personal data")


def test_a_language_without_words_is_told_with_those_that_there_are() -> None:
    code, said = run("notice", "--controller", "allcall", "--language", "no")

    assert code == 2
    assert "the policy of allcall has no words in 'no'; it can be told in: en, sv." in said
    assert "it can be told in: en." in run("notice", "--controller", "ak3d", "--language", "sv")[1]
