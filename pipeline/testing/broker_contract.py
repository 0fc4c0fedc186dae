"""What a broker can be asked to do, whatever it runs on. Starts nothing itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Protocol

KAFKA_VERSION = "4.3.1"
"""The Apache Kafka that is started; `kafka/pom.xml` and docker-compose.yml name the same."""

START_TIMEOUT = 60.0
"""Seconds a broker may take until it says that it has started."""

STARTED = "Kafka Server started"
"""What a broker logs once it serves clients."""

CACHE = Path("~/.cache/privacy-pipeline/kafka")
"""Where jars, formatted data folder and class archive are kept between runs; safe to delete."""

SMALL_JVM = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""JVM options for tests: the quickest start."""

BENCHMARK_JVM = ("-Xms1g", "-Xmx1g", "-XX:+UseG1GC")
"""JVM options for measurements: the highest throughput."""

HOW_TO_GET_ONE = (
    "Install Java 17 and Maven (Debian: apt-get install openjdk-17-jre-headless maven), or start a Docker engine, "
    "or name a broker that runs: PIPELINE_KAFKA=HOST:PORT."
)


def tell_nobody(_message: str) -> None:
    """Drop a progress message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOptions:
    """How a broker shall run. The defaults suit a test.

    Attributes:
        port: Port for clients on 127.0.0.1; a free one below 32768 if None.
        data: Folder that is kept and used again; a temporary one, removed at the end, if None. JVM only.
        settings: Server settings that win over `kafka/server.properties`, such as listeners or an authorizer.
        format_arguments: Further arguments of `StorageTool format`, such as `--add-scram`. JVM only.
        jvm_options: Heap, collector and compiler. JVM only.
        cache: Where the installation is kept between runs. JVM only.
        tell: Hears one line for each step that may take a while.
    """

    port: int | None = None
    data: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    format_arguments: tuple[str, ...] = ()
    jvm_options: tuple[str, ...] = SMALL_JVM
    cache: Path = CACHE
    tell: Callable[[str], None] = tell_nobody


class Broker(Protocol):
    """One real Kafka broker, single node, its own controller (KRaft)."""

    @property
    def kind(self) -> str:
        """Return `jvm`, `docker` or `given`."""
        ...

    @property
    def version(self) -> str:
        """Return the version of Apache Kafka, or an empty string where it is not known."""
        ...

    @property
    def bootstrap(self) -> str:
        """Return the address for clients; the same over restarts."""
        ...

    def running(self) -> bool:
        """Return whether the broker runs at this moment."""
        ...

    def kill(self) -> None:
        """End the broker at once by SIGKILL, as a crash would."""
        ...

    def restart(self) -> None:
        """Start the broker again on the same address and data, after `kill` or in place of a running one.

        Raises:
            UnavailableError: it does not start.
        """
        ...

    def stop(self) -> None:
        """End the broker cleanly and remove what it kept, a folder that was given excepted. Harmless when repeated."""
        ...


def broker_file(name: str) -> str:
    """Return the text of `pom.xml` or `server.properties` as shipped with the package."""
    return resources.files("pipeline.testing").joinpath("kafka", name).read_text(encoding="utf-8")


def default_settings() -> dict[str, str]:
    """Return the server settings that every broker of ours has, whatever its ports and folders."""
    lines = (line for line in broker_file("server.properties").splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)
