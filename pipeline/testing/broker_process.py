"""Run one JVM broker as a child process and never leave it behind."""

import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from pipeline.domain.errors import UnavailableError
from pipeline.testing.broker_contract import START_TIMEOUT, STARTED

POLL_SECONDS = 0.02
STOP_TIMEOUT = 30.0
QUIET_LOG = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
)
"""Warnings, and the one line that says the broker has started."""


class Lifeline:
    """Runs a command when this process ends without having cut the line, even by SIGKILL.

    A shell waits for the end of its input, whose other end only this process holds.
    """

    def __init__(self, *command: str) -> None:
        self._shell = subprocess.Popen(  # noqa: S603 - the launcher's own command
            ["sh", "-c", 'read -r _; "$@"', "lifeline", *command],  # noqa: S607 - any POSIX shell will do
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in a terminal is not for it
        )

    def cut(self) -> None:
        """Forget the command. Harmless when repeated."""
        self._shell.kill()
        self._shell.wait()
        if self._shell.stdin:
            self._shell.stdin.close()


class BrokerProcess:
    """A JVM with a broker in it, started by the constructor.

    Args:
        command: The whole command line.
        log: File that gets everything the JVM prints, appended.
    """

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self._log = log
        self._seen = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - the command is built by the launcher
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the launcher, which stops the broker cleanly
            )
        self._lifeline = Lifeline("kill", "-TERM", str(self._process.pid))

    def wait_until_started(self) -> None:
        """Return once the broker serves clients.

        Raises:
            UnavailableError: it ended or takes too long; it does not run any more then.
        """
        deadline = time.monotonic() + START_TIMEOUT
        while STARTED not in self._output():
            if not self.running():
                self.kill()
                raise UnavailableError(f"The Kafka broker ended at its start: {self._complaint()} See {self._log}")
            if time.monotonic() > deadline:
                self.kill()
                raise UnavailableError(
                    f"The Kafka broker did not start within {START_TIMEOUT:.0f} s; is the machine busy? See {self._log}"
                )
            time.sleep(POLL_SECONDS)

    def running(self) -> bool:
        """Return whether the process is there."""
        return self._process.poll() is None

    def port_was_taken(self) -> bool:
        """Return whether the log says that another program listens on one of the ports."""
        return "Address already in use" in self._output()

    def kill(self) -> None:
        """End the process by SIGKILL and wait for its end. Harmless when repeated."""
        self._lifeline.cut()
        self._process.kill()
        self._process.wait()

    def terminate(self, timeout: float = STOP_TIMEOUT) -> None:
        """End the process cleanly, by force after some seconds. Harmless when repeated."""
        self._process.terminate()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
        self._lifeline.cut()

    def _output(self) -> str:
        with self._log.open("rb") as log:
            log.seek(self._seen)
            return log.read().decode(errors="replace")

    def _complaint(self) -> str:
        """Return the exception that the broker names, or its last line."""
        lines = self._output().strip().splitlines() or ["it printed nothing"]
        named = [line for line in lines if re.search(r"(Exception|Error)\b.*:", line)]
        return (named or lines[-1:])[-1].strip()
