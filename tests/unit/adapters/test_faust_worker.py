import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.testing.broker_ports import free_ports

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import json, sys, threading, time
from pathlib import Path
from pipeline.adapters.faust_worker import leave_with, run_worker
from pipeline.domain.errors import ConfigurationError, FencedError
from tests.unit.lanes.lane_fakes import World

plan = json.loads(sys.argv[1])
folder = {"data_dir": Path(plan["data_dir"])} if "data_dir" in plan else {}

def at(point):
    if point != plan.get("fails_at"):
        return
    if plan["how"] == "fenced":
        raise FencedError("another worker\\ntook over")
    if plan["how"] == "foreign":
        raise RuntimeError("jane@example.org")
    threading.Event().wait()

def build():
    if plan.get("fails_at") == "build":
        raise ConfigurationError("the topic is missing: create it")
    world = World()
    world.send()
    return world.lane(on_point=at, elapsed=time.monotonic)

leave_with(run_worker({"tag": build}, web_port=plan["port"], debug=plan.get("debug", False), live_seconds=0.5, **folder))
"""


@pytest.fixture
def port() -> int:
    [port] = free_ports(1)
    return port


@contextmanager
def start(port: int, **plan: object) -> Iterator[subprocess.Popen[str]]:
    """Run a worker, and leave none behind."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, json.dumps({"port": port, **plan})],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as worker:
        try:
            yield worker
        finally:
            worker.kill()


def ask(port: int, page: str) -> tuple[int, dict[str, dict[str, object]]]:
    """Return status and body of a page; 0 while nobody listens."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
    except urllib.error.URLError:
        return 0, {}


def until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert process.poll() is None
        assert time.monotonic() < deadline


def test_a_worker_is_ready_and_live_and_leaves_with_nought_when_asked(port: int) -> None:
    with start(port) as worker:
        until(lambda: ask(port, "ready")[0] == 200, worker)

        assert ask(port, "ready")[1] == {"tag": {"ready": True, "partitions": 1, "clock_distrusted": False}}
        assert ask(port, "live")[0] == 200
        worker.send_signal(signal.SIGTERM)

        out, err = worker.communicate(timeout=30)
    assert (worker.returncode, out, err) == (0, "", "")


def test_a_lane_that_stands_still_is_not_live(port: int) -> None:
    with start(port, fails_at="handled", how="hang") as worker:
        until(lambda: ask(port, "live")[0] == 503, worker)

        worker.kill()


def test_a_lane_that_is_fenced_ends_its_process_with_75_and_one_line(port: int) -> None:
    with start(port, fails_at="handled", how="fenced") as worker:
        out, err = worker.communicate(timeout=30)

    assert worker.returncode == 75
    assert (out, err) == ("", "the tag lane failed: another worker took over\n")


def test_a_lane_that_cannot_be_built_ends_its_process_with_its_own_code(port: int) -> None:
    with start(port, fails_at="build") as worker:
        _, err = worker.communicate(timeout=30)

    assert worker.returncode == 2
    assert err == "the tag lane failed: the topic is missing: create it\n"


def test_the_text_of_a_foreign_error_is_not_told(port: int) -> None:
    """It may quote what it choked on."""
    with start(port, fails_at="handled", how="foreign") as worker:
        _, err = worker.communicate(timeout=30)

    assert worker.returncode == 1
    assert err == "the tag lane failed: RuntimeError (run with --debug for its traceback)\n"


def test_debug_adds_the_traceback(port: int) -> None:
    with start(port, fails_at="handled", how="fenced", debug=True) as worker:
        _, err = worker.communicate(timeout=30)

    assert worker.returncode == 75
    assert "Traceback" in err


def test_nothing_is_written_into_the_folder_it_was_started_in(port: int, tmp_path: Path) -> None:
    before = sorted(path.name for path in ROOT.glob("*-data"))

    with start(port, data_dir=str(tmp_path / "state" / "faust-0")) as worker:
        until(lambda: ask(port, "ready")[0] == 200, worker)
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=30)

    assert worker.returncode == 0
    assert (tmp_path / "state" / "faust-0").is_dir()
    assert sorted(path.name for path in ROOT.glob("*-data")) == before
