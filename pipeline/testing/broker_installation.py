"""Install what a JVM broker starts from, once per machine: jars, a formatted data folder, a class archive.

Everything is built beside its final place under a file lock and renamed into it when complete: launchers at the same
time wait for each other, and one that is killed half-way leaves nothing that a later one would take for whole.
"""

import fcntl
import hashlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.domain.errors import UnavailableError
from pipeline.testing.broker_contract import (
    HOW_TO_GET_ONE,
    KAFKA_VERSION,
    SMALL_JVM,
    BrokerOptions,
    broker_file,
    default_settings,
)
from pipeline.testing.broker_ports import free_ports
from pipeline.testing.broker_process import QUIET_LOG, BrokerProcess

OLDEST_JAVA = 17
MAVEN_TIMEOUT = 600
ARCHIVE_TIMEOUT = 120.0
PLACEHOLDER_CLUSTER = "AAAAAAAAAAAAAAAAAAAAAA"
"""Cluster id of the formatted folder that is copied; each copy gets its own."""

MAVEN = (
    "mvn",
    "--quiet",
    "--batch-mode",
    "dependency:copy-dependencies",
    "-DincludeScope=runtime",
    "-DoutputDirectory=.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What a start needs.

    Attributes:
        java: Path of the JVM.
        jars: Folder with Kafka and what it depends on.
        template: Data folder, formatted for the cluster `PLACEHOLDER_CLUSTER`.
        archive: Classes that a start loads, ready to be mapped (AppCDS, JEP 350): 1 s instead of 2.
    """

    java: str
    jars: Path
    template: Path
    archive: Path

    def command(self, main: str, *arguments: str, options: tuple[str, ...] = ()) -> list[str]:
        """Return the command line that runs a class of Kafka."""
        # Sorted, not `jars/*`: the archive is only used with the very class path that it was made with.
        class_path = ":".join(str(jar) for jar in sorted(self.jars.glob("*.jar")))
        return [self.java, *options, "-cp", class_path, main, *arguments]


def install(options: BrokerOptions) -> Installation:
    """Return the installation in the cache, built first where it is not there yet (about 20 s).

    Raises:
        UnavailableError: no Java of version 17 or later, or no Maven, or Maven cannot fetch the jars.
    """
    java, release = _java()
    cache = options.cache.expanduser()
    jars = cache / f"jars-{KAFKA_VERSION}-{_digest(broker_file('pom.xml'))}"
    # A class archive fits one build of one JVM.
    prepared = (
        cache / f"start-{KAFKA_VERSION}-{_digest(broker_file('pom.xml'), broker_file('server.properties'), release)}"
    )
    found = Installation(java=java, jars=jars, template=prepared / "template", archive=prepared / "classes.jsa")
    if not (jars.exists() and prepared.exists()):
        with _locked(cache):
            _build(jars, lambda folder: _fetch_jars(folder, options))
            _build(prepared, lambda folder: _prepare(folder, found, options))
    return found


def format_data(installation: Installation, config: Path, arguments: tuple[str, ...]) -> None:
    """Format the data folder that a configuration names. What the tool prints, SCRAM keys among it, is dropped.

    Raises:
        UnavailableError: the tool refuses.
    """
    tool = installation.command("kafka.tools.StorageTool", "format", "-c", str(config), *arguments, options=QUIET_LOG)
    done = subprocess.run(tool, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise UnavailableError(f"The broker's data folder cannot be formatted: {reason}")


def write_settings(path: Path, settings: Mapping[str, str]) -> None:
    """Write a properties file; backslashes are kept."""
    lines = (f"{name}={value}".replace("\\", "\\\\") + "\n" for name, value in settings.items())
    path.write_text("".join(lines), encoding="utf-8")


def node_settings(port: int, controller_port: int, data: Path) -> dict[str, str]:
    """Return the settings of a broker on two ports of the loopback interface and one data folder."""
    return {
        **default_settings(),
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "log.dir": str(data),
    }


def _java() -> tuple[str, str]:
    """Return the JVM's path and what it says of its version and build."""
    java = shutil.which("java")
    if java is None:
        raise UnavailableError(f"There is no `java` on the PATH. {HOW_TO_GET_ONE}")
    release = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr  # noqa: S603 - see which
    version = re.search(r'version "(\d+)', release)
    if version is None or int(version[1]) < OLDEST_JAVA:
        raise UnavailableError(f"`java` is older than {OLDEST_JAVA}, which Kafka needs. {HOW_TO_GET_ONE}")
    return java, release


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


@contextmanager
def _locked(cache: Path) -> Iterator[None]:
    """Hold the cache's lock; the system releases it when the process ends, however it ends."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for leftover in cache.glob("partial-*"):  # of a launcher that was killed: whoever builds holds the lock
                shutil.rmtree(leftover, ignore_errors=True)
            yield
    except OSError as error:
        raise UnavailableError(f"The folder {cache} cannot be written ({error.strerror}): make it writable.") from None


def _build(place: Path, fill: Callable[[Path], None]) -> None:
    if place.exists():
        return
    partial = Path(tempfile.mkdtemp(prefix="partial-", dir=place.parent))
    try:
        fill(partial)
        partial.rename(place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _fetch_jars(folder: Path, options: BrokerOptions) -> None:
    if shutil.which("mvn") is None:
        raise UnavailableError(f"There is no `mvn` on the PATH to fetch Kafka with. {HOW_TO_GET_ONE}")
    options.tell(f"fetching Apache Kafka {KAFKA_VERSION} with Maven (43 MB, once per machine)")
    (folder / "pom.xml").write_text(broker_file("pom.xml"), encoding="utf-8")
    try:
        done = subprocess.run(MAVEN, cwd=folder, capture_output=True, text=True, check=False, timeout=MAVEN_TIMEOUT)  # noqa: S603 - a constant
    except subprocess.TimeoutExpired:
        raise UnavailableError(
            f"Maven did not answer for {MAVEN_TIMEOUT} s: check the network, or its mirror."
        ) from None
    if done.returncode or not any(folder.glob("kafka_*.jar")):
        reason = next((line for line in done.stdout.splitlines() if "[ERROR]" in line), "it gave no reason")
        raise UnavailableError(
            f"Maven cannot fetch Apache Kafka {KAFKA_VERSION}; check the network, or the mirror in Maven's settings. "
            f"It says: {reason}"
        )


def _prepare(folder: Path, found: Installation, options: BrokerOptions) -> None:
    """Format a data folder to copy, then run a broker once on a copy to see which classes a start loads."""
    options.tell("preparing a quick start: formatted data folder and class archive (once per machine)")
    port, controller_port = free_ports(2)
    config, template, trial = folder / "server.properties", folder / "template", folder / "trial"
    write_settings(config, node_settings(port, controller_port, template))
    format_data(found, config, ("-t", PLACEHOLDER_CLUSTER))
    shutil.copytree(template, trial)
    write_settings(config, node_settings(port, controller_port, trial))
    archiving = (f"-XX:ArchiveClassesAtExit={folder / found.archive.name}", *SMALL_JVM, *QUIET_LOG)
    broker = BrokerProcess(found.command("kafka.Kafka", str(config), options=archiving), folder.parent / "prepare.log")
    broker.wait_until_started()
    broker.terminate(ARCHIVE_TIMEOUT)
    shutil.rmtree(trial)
