"""What an operator may load, through the command: no hasty version, no grant against a notice (H32, X13)."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline.cli.main import cli
from tests.topology.hard_cases import h32

ROOT = Path(__file__).parents[2]
GRANT = "recipients: {{delivery: {{grant: [{fields}], because: goods are brought by a carrier}}}}\n"


def simulate(tmp_path: Path, *options: str) -> Result:
    events = tmp_path / "events.jsonl"
    events.write_text("\n".join(json.dumps(one) for one in h32()))
    return CliRunner().invoke(cli, ["simulate", str(events), "-o", "json", *options])


def overlay(tmp_path: Path, controller: str, fields: str = "name, address, phone") -> str:
    file = tmp_path / f"{controller}.yaml"
    file.write_text(f"controller: {controller}\n{GRANT.format(fields=fields)}")
    return str(file)


def carried(result: Result) -> dict[str, list[str]]:
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    return {one["topic"]: sorted(one["value"]) for one in lines if ".carrier." in one["topic"]}


@pytest.mark.parametrize(
    ("zone", "effective", "loads"),
    [("+02:00", "2025-05-15T00:00:00+02:00", False), ("+02:00", "2025-06-01T09:59:59+02:00", False),
     ("+02:00", "2025-06-01T10:00:00+02:00", True), ("Z", "2025-06-01T11:59:59+02:00", False)],
)  # fmt: skip
def test_a_version_never_governs_before_it_was_published(
    tmp_path: Path, zone: str, effective: str, *, loads: bool
) -> None:
    """H32, ALLCALL-8.1: refused with file, line and what to do; nothing runs."""
    folder = tmp_path / "policies"
    shutil.copytree(ROOT / "policies", folder)
    policy = folder / "allcall.yaml"
    lines = policy.read_text().splitlines()
    at = next(number for number, line in enumerate(lines) if "published_at:" in line)
    lines[at : at + 1] = [f"  published_at: 2025-06-01T10:00:00{zone}", f"  effective_from: {effective}"]
    policy.write_text("\n".join(lines))

    shipped = [option for file in sorted((ROOT / "overlays").glob("*.yaml")) for option in ("--overlay", str(file))]
    result = simulate(tmp_path, "--policies", str(folder), *shipped)

    assert (result.exit_code == 0) is loads, result.output
    if not loads:
        assert f"allcall.yaml:{at + 2}: a version governs only after it was published" in result.output.replace(
            "\n", ""
        )
        assert not result.stdout


@pytest.mark.parametrize("controller", ["allcall", "ak3d"])
def test_where_a_notice_is_silent_an_overlay_may_grant_the_carrier_three_fields(
    tmp_path: Path, controller: str
) -> None:
    """X13, H32, AK3D-1.1, R-ALL-7: until then nothing is shared."""
    before = carried(simulate(tmp_path))
    after = carried(simulate(tmp_path, "--overlay", overlay(tmp_path, controller)))

    topic = f"{controller}.carrier.delivery.v1"
    assert topic not in before
    assert after == {**before, topic: ["address", "name", "phone"]}


@pytest.mark.parametrize(
    ("controller", "fields", "says"),
    [
        ("artgraphics", "name, address, phone", "ART-3.5"),  # forbidden
        ("tek-zence", "name, address, phone", "already allows"),  # and no overlay widens it
        ("allcall", "name, address, phone, email", "email"),  # more than a carrier may get
    ],
)
def test_no_overlay_grants_what_a_notice_rules_out(tmp_path: Path, controller: str, fields: str, says: str) -> None:
    """X13, H32, ART-3.5: it fails when it is loaded, not when the first parcel is sent."""
    result = simulate(tmp_path, "--overlay", overlay(tmp_path, controller, fields))

    assert result.exit_code != 0
    assert says in result.output
    assert not result.stdout
