"""Start a real Apache Kafka for tests, demos and development, wherever one can be had.

In this order: an address that is given; a container, where a Docker engine answers and has the image or can pull it; a
JVM of this machine, from jars that Maven fetches once. What runs is always Apache Kafka itself, never an imitation.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pipeline.domain.errors import ConfigurationError, UnavailableError
from pipeline.testing.broker_contract import (
    BENCHMARK_JVM,
    CACHE,
    HOW_TO_GET_ONE,
    KAFKA_VERSION,
    SMALL_JVM,
    Broker,
    BrokerOptions,
    tell_nobody,
)
from pipeline.testing.broker_docker import DockerBroker
from pipeline.testing.broker_given import GivenBroker
from pipeline.testing.broker_jvm import JvmBroker
from pipeline.testing.broker_ports import free_ports

__all__ = [
    "BENCHMARK_JVM",
    "HOW_TO_GET_ONE",
    "KAFKA_VERSION",
    "KINDS",
    "SMALL_JVM",
    "Broker",
    "free_ports",
    "start_broker",
]

KINDS = ("auto", "jvm", "docker")
"""What can be asked for beside an address."""


@contextmanager
def start_broker(  # noqa: PLR0913 - each option has a name and a default
    kind: str = "auto",
    *,
    port: int | None = None,
    data: Path | None = None,
    settings: Mapping[str, str] | None = None,
    format_arguments: tuple[str, ...] = (),
    jvm_options: tuple[str, ...] = SMALL_JVM,
    cache: Path = CACHE,
    tell: Callable[[str], None] = tell_nobody,
) -> Iterator[Broker]:
    """Run a real Kafka while the context lasts; up in about a second once it is installed.

    A broker that was started ends with the context, and also if this process dies; one that was given goes on.

    Args:
        kind: `auto`, `jvm`, `docker`, or `HOST:PORT` of a broker that runs.
        port: Port for clients on 127.0.0.1; a free one if None.
        data: Folder to keep and use again; asks for a JVM.
        settings: Server settings that win over ours; whoever changes `listeners` passes `port` too (`free_ports`).
        format_arguments: Further arguments of `StorageTool format`, such as `--add-scram`; asks for a JVM.
        jvm_options: Heap and collector of a JVM broker: `SMALL_JVM` or `BENCHMARK_JVM`.
        cache: Where a JVM broker's jars are kept between runs.
        tell: Hears one line for each step that may take a while.

    Raises:
        UnavailableError: none can be had; the message says what is missing and how to get it.
        ConfigurationError: the kind is unknown, the port is in use, or options contradict each other.
    """
    options = BrokerOptions(
        port=port,
        data=data,
        settings=settings or {},
        format_arguments=format_arguments,
        jvm_options=jvm_options,
        cache=cache,
        tell=tell,
    )
    broker = _start(kind, options)
    try:
        yield broker
    finally:
        broker.stop()


def _start(kind: str, options: BrokerOptions) -> Broker:
    if kind == "auto":
        return _first_of(options)
    if starter := _STARTERS.get(kind):
        return starter(options)
    if ":" in kind:
        return GivenBroker(kind)
    raise ConfigurationError(f"{kind!r} is no broker: choose {', '.join(KINDS)} or HOST:PORT.")


_STARTERS: Mapping[str, Callable[[BrokerOptions], Broker]] = {"docker": DockerBroker, "jvm": JvmBroker}


def _first_of(options: BrokerOptions) -> Broker:
    needs_jvm = options.data is not None or bool(options.format_arguments)
    reasons: list[str] = []
    for kind in ("jvm",) if needs_jvm else ("docker", "jvm"):
        try:
            return _STARTERS[kind](options)
        except UnavailableError as error:
            reasons.append(f"{kind}: {str(error).removesuffix(HOW_TO_GET_ONE).strip()}")
            options.tell(reasons[-1])
    raise UnavailableError(f"No real Kafka can be had. {' '.join(reasons)} {HOW_TO_GET_ONE}")
