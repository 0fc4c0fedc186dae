"""A wheel is whole: installed without its sources, it finds the schemas, policies, overlays and topics it ships."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[2]
EVENT = {
    "specversion": "1.0", "id": "p-1", "source": "//shop", "type": "purchase.completed", "time": "2024-02-29T14:00:00Z",
    "controller": "tek-zence", "partitionkey": "s-1", "data": {"order_id": "o-1", "name": "T", "order_lines": "one"},
}  # fmt: skip


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with nothing in it but the wheel; what the wheel needs is borrowed from this one."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    building = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(_copied(folder))]
    subprocess.run([*pip, *building], check=True, cwd=folder)
    [wheel] = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "env")], check=True)
    python = folder / "env" / "bin" / "python"
    subprocess.run([*pip, "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)], check=True)
    return python


def _copied(folder: Path) -> Path:
    """Return a copy of the sources, so that building leaves nothing behind in them."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=SOURCES, check=True, capture_output=True).stdout
    for name in filter(None, tracked.decode().split("\0")):
        target = folder / "sources" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((SOURCES / name).read_bytes())
    return folder / "sources"


def _run(python: Path, folder: Path, *command: str) -> str:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": sysconfig.get_path("purelib"), "HOME": str(folder)}
    done = subprocess.run(
        [str(python), "-m", "pipeline", *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_an_installed_wheel_simulates_and_checks_its_policies(installed: Path, tmp_path: Path) -> None:
    where = "import pipeline, pathlib; print(pathlib.Path(pipeline.__file__).parent.parent)"
    environment = {"PYTHONPATH": sysconfig.get_path("purelib")}
    told = subprocess.run([str(installed), "-c", where], env=environment, cwd=tmp_path, capture_output=True, check=True)
    assert Path(told.stdout.decode().strip()) != SOURCES  # else this test would only try the sources

    (tmp_path / "events.jsonl").write_text(json.dumps(EVENT))
    out = _run(installed, tmp_path, "simulate", "events.jsonl", "-o", "json")

    assert "tek-zence.tagged.purchase.v1" in {json.loads(line)["topic"] for line in out.splitlines()}
    assert "artgraphics" in _run(installed, tmp_path, "policy", "check")
