"""Policy files are read as plain data with lines; nothing in them can do anything to us."""

from pathlib import Path

import pytest

from pipeline.adapters.yaml_files import MAX_BYTES, load_policies, parse_yaml, policy_files, read_files, read_policies
from pipeline.domain.errors import PolicyError

ROOT = Path(__file__).parents[3]


def refused(text: str) -> tuple[str, ...]:
    with pytest.raises(PolicyError) as raised:
        parse_yaml("f.yaml", text)
    return raised.value.problems


def test_values_come_with_their_lines() -> None:
    read = parse_yaml("f.yaml", "a:\n  - 1\n  - {b: yes}\nc: {d: 2.5,\n  e: null}\n")

    assert read.data == {"a": [1, {"b": "yes"}], "c": {"d": 2.5, "e": None}}
    assert read.at(("a", 1, "b")) == "f.yaml:3"
    assert read.at(("c", "e")) == "f.yaml:5"
    assert read.at(("c", "e", "deeper")) == "f.yaml:5"
    assert read.at() == "f.yaml:1"


@pytest.mark.parametrize(
    ("written", "value"),
    [("on", "on"), ("no", "no"), ("true", True), ("false", False), ("~", None), ("'12'", "12"), ("-3", -3),
     ("1e3", 1000.0), ("2024-07-11", "2024-07-11"), ("0x10", "0x10"), ("P5Y", "P5Y")],
)  # fmt: skip
def test_words_mean_what_yaml_1_2_says(written: str, value: object) -> None:
    assert parse_yaml("f.yaml", f"key: {written}\n").data == {"key": value}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\na: 2\n", "f.yaml:2: a is named twice; keep one"),
        ("a: &x 1\n", "f.yaml:1: anchors and aliases are not read; write the value where it is used"),
        ("? {a: 1}\n: 2\n", "f.yaml:1: a key must be a plain word"),
        ("a: !!python/object:os.system x\n",
         "f.yaml:1: the tag tag:yaml.org,2002:python/object:os.system is not allowed; remove it"),
        ("", "f.yaml:1: holds 0 documents; write exactly one"),
        ("a: 1\n---\nb: 2\n", "f.yaml:1: holds 2 documents; write exactly one"),
        ("a: [" * 50 + "]" * 50, "f.yaml:1: is nested deeper than 40; write it plainly"),
    ],
)  # fmt: skip
def test_what_a_policy_file_may_not_do_is_refused(text: str, problem: str) -> None:
    assert refused(text)[0] == problem


def test_an_alias_that_names_nothing_is_refused() -> None:
    assert "anchors and aliases" in refused("a: *x\n")[0]


@pytest.mark.parametrize("text", ["a: [1\n", "a: 'x\n", "\ta: 1\n"])
def test_what_is_not_yaml_is_told_with_its_line(text: str) -> None:
    assert refused(text)[0].startswith(("f.yaml:1: is not valid YAML", "f.yaml:2: is not valid YAML"))


def test_a_character_that_yaml_forbids_is_told() -> None:
    assert "is not valid YAML" in refused("a: \x00\n")[0]


def test_all_files_that_cannot_be_read_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\xfa")
    (tmp_path / "b.yaml").write_bytes(b"#" * (MAX_BYTES + 1))

    with pytest.raises(PolicyError) as raised:
        read_files([tmp_path / "a.yaml", tmp_path / "b.yaml", tmp_path / "c.yaml"])

    assert [problem.rsplit(": ", 1)[1] for problem in raised.value.problems] == [
        "is not UTF-8 text; save it as UTF-8",
        "has more than 1000000 bytes; split it",
        "cannot be read (No such file or directory); correct the path or the rights",
    ]


def test_a_folder_without_policies_is_told(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="there is no policy file"):
        policy_files(tmp_path)


def test_overlays_in_a_folder_wait_for_their_controller_and_a_named_file_must_have_one(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("controller: somebody\n")
    (tmp_path / "y.yaml").write_text("- a list\n")
    policies = ROOT / "policies" / "tek-zence.yaml"

    _documents, found = read_policies(policies, [tmp_path, ROOT / "overlays"])

    assert [Path(file.name).name for file in found] == ["tek-zence.yaml"]
    with pytest.raises(PolicyError, match="there is no policy of somebody; there are tek-zence"):
        load_policies(policies, [ROOT / "overlays", tmp_path / "x.yaml"])


def test_a_carrier_is_granted_by_an_overlay_where_the_notice_is_silent(tmp_path: Path) -> None:
    """H32, ALLCALL-4T.1 says nothing of carriers; AK3D-1.1 mentions delivery."""
    for controller in ("allcall", "ak3d"):
        grant = tmp_path / f"{controller}.yaml"
        grant.write_text(
            f"controller: {controller}\n"
            "recipients: {delivery: {grant: [name, address, phone], because: we deliver by carrier}}\n"
        )
        policies = ROOT / "policies" / f"{controller}.yaml"

        silent = load_policies(policies, [ROOT / "overlays"]).versions[controller][0]
        granted = load_policies(policies, [ROOT / "overlays", grant]).versions[controller][0]

        assert not silent.recipients["delivery"].granted
        assert granted.recipients["delivery"].granted
        assert granted.recipients["delivery"].fields == ("name", "address", "phone")
        assert granted.digest != silent.digest


def test_a_carrier_that_the_notice_forbids_is_refused_at_load(tmp_path: Path) -> None:
    """H32, ART-3.5."""
    grant = tmp_path / "grant.yaml"
    grant.write_text("controller: artgraphics\nrecipients: {delivery: {grant: [name], because: we want it}}\n")

    with pytest.raises(PolicyError, match=r"grant.yaml:2: the notice forbids sharing with delivery \(ART-3.5\)"):
        load_policies(ROOT / "policies" / "artgraphics.yaml", [ROOT / "overlays", grant])


def test_an_overlay_replaces_shipped_values_key_by_key(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("controller: tek-zence\noperator: {bookkeeping_years: 10}\n")

    policy = load_policies(ROOT / "policies" / "tek-zence.yaml", [ROOT / "overlays", mine]).versions["tek-zence"][0]

    told = " ".join(policy.notes)
    assert "bookkeeping_years = 10" in told
    assert "fiscal_year_end_month = 12" in told


def test_a_year_has_twelve_months(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("controller: tek-zence\noperator: {fiscal_year_end_month: 13}\n")

    with pytest.raises(PolicyError, match="fiscal_year_end_month must be a month, 1 to 12"):
        load_policies(ROOT / "policies" / "tek-zence.yaml", [ROOT / "overlays", mine])


def test_the_operator_may_name_a_legal_basis_where_the_notice_names_none(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("controller: viet-art-view\nlegal_basis: {abuse: legitimate-interest}\n")

    policy = load_policies(ROOT / "policies" / "viet-art-view.yaml", [ROOT / "overlays", mine]).versions[
        "viet-art-view"
    ][0]

    assert [str(basis) for basis in policy.purposes["abuse"].legal_basis] == ["legitimate-interest"]
