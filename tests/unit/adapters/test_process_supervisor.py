import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import sys
from pathlib import Path
from pipeline.adapters.process_supervisor import supervise
folder, child, drain = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
command = lambda n: [sys.executable, "-c", child, str(folder), str(n)]
sys.exit(supervise(2, command, drain_seconds=drain, tell=lambda line: print(line, flush=True)))
"""
NOTE = "import sys, os, signal; from pathlib import Path; n = sys.argv[2]; d = Path(sys.argv[1])\n"
STAYS = NOTE + "(d / f'up-{n}-{os.getpid()}').touch(); signal.sigwait([signal.SIGTERM]); (d / f'drained-{n}').touch()"
DEAF = NOTE + "signal.signal(signal.SIGTERM, signal.SIG_IGN); (d / f'up-{n}-{os.getpid()}').touch(); signal.pause()"
ONE_IS_MISCONFIGURED = (
    "import signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n"
    "if sys.argv[2] == '1': sys.exit(2)\n"
) + STAYS
FAILS = NOTE + "(d / f'up-{n}-{os.getpid()}').touch(); sys.exit(75)"


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        os.sched_yield()


def start(folder: Path, child: str, drain: float = 20) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder), child, str(drain)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def ups(folder: Path, ordinal: int) -> list[int]:
    return [int(file.name.rpartition("-")[2]) for file in folder.glob(f"up-{ordinal}-*")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_every_process_and_leaves_with_nought(tmp_path: Path, number: signal.Signals) -> None:
    with start(
        tmp_path, "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])\n" + STAYS
    ) as parent:
        until(lambda: len(ups(tmp_path, 0)) == len(ups(tmp_path, 1)) == 1)

        parent.send_signal(number)

        assert parent.wait(20) == 0
    assert {file.name for file in tmp_path.glob("drained-*")} == {"drained-0", "drained-1"}


def test_a_process_that_is_killed_is_started_again_with_its_ordinal(tmp_path: Path) -> None:
    with start(tmp_path, STAYS) as parent:
        until(lambda: len(ups(tmp_path, 0)) == len(ups(tmp_path, 1)) == 1)

        os.kill(ups(tmp_path, 1)[0], signal.SIGKILL)

        until(lambda: len(ups(tmp_path, 1)) == 2)
        assert len(ups(tmp_path, 0)) == 1
        parent.terminate()
        out, _ = parent.communicate(timeout=20)
    assert out.splitlines() == ["worker 1 ended with -9: it starts again in 0.2 s"]


def test_one_that_keeps_failing_waits_longer_each_time(tmp_path: Path) -> None:
    with start(tmp_path, FAILS) as parent:
        until(lambda: len(ups(tmp_path, 0)) >= 4 and len(ups(tmp_path, 1)) >= 4)
        parent.terminate()
        out, _ = parent.communicate(timeout=20)
    told = [line for line in out.splitlines() if line.startswith("worker 0")]
    assert [line.rpartition(" in ")[2] for line in told][:3] == ["0.2 s", "0.4 s", "0.8 s"]


def test_one_that_does_not_leave_is_killed_at_the_deadline(tmp_path: Path) -> None:
    with start(tmp_path, DEAF, drain=0.5) as parent:
        until(lambda: len(ups(tmp_path, 0)) == len(ups(tmp_path, 1)) == 1)
        parent.terminate()
        out, _ = parent.communicate(timeout=20)

        assert parent.returncode == 0
    assert len([line for line in out.splitlines() if "is killed" in line]) == 2


def test_a_wrong_configuration_ends_all_of_them_with_its_code(tmp_path: Path) -> None:
    with start(tmp_path, ONE_IS_MISCONFIGURED) as parent:
        out, _ = parent.communicate(timeout=30)

    assert parent.returncode == 2
    assert out.splitlines() == ["worker 1 ended with 2: its configuration is wrong, so that all of them stop"]
    assert (tmp_path / "drained-0").exists()
