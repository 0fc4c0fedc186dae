"""Start Apache Kafka in a Docker container, by testcontainers. Knows nothing of JVMs."""

import time
from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from pipeline.domain.errors import ConfigurationError, UnavailableError
from pipeline.testing.broker_contract import KAFKA_VERSION, START_TIMEOUT, STARTED, BrokerOptions, default_settings
from pipeline.testing.broker_ports import LOOPBACK, answers, free_ports, is_free, is_own_address, listens
from pipeline.testing.broker_process import Lifeline

IMAGE = f"apache/kafka:{KAFKA_VERSION}"
CLIENT_PORT, INNER_PORT, CONTROLLER_PORT = 9092, 9095, 9093
DEFAULT_ENGINE = "unix:///var/run/docker.sock"
ENGINE_TIMEOUT = 5
PULL_TIMEOUT = 300
POLL_SECONDS = 0.05


class DockerBroker:
    """A broker in a container; see `Broker` for what it promises. Data live in the container, until `stop`."""

    kind = "docker"
    version = KAFKA_VERSION

    def __init__(self, options: BrokerOptions) -> None:
        _refuse_what_needs_a_jvm(options)
        ensure_image(options)
        if options.port and not is_free(options.port):
            raise ConfigurationError(
                f"Port {options.port} is in use: end the program that listens there, or choose another port."
            )
        # A fixed port: one chosen by the engine would change with each restart.
        port = options.port or free_ports(1)[0]
        self._container, host = _container(options.settings, port)
        self._bootstrap = f"{host}:{port}"
        self._starts = 1
        self._lifeline: Lifeline | None = None
        self._first_start()

    @property
    def bootstrap(self) -> str:
        """Return the address for clients."""
        return self._bootstrap

    def running(self) -> bool:
        """Return whether the container runs."""
        wrapped = self._container.get_wrapped_container()
        wrapped.reload()
        return bool(wrapped.status == "running")

    def kill(self) -> None:
        """End the broker by SIGKILL."""
        wrapped = self._container.get_wrapped_container()
        wrapped.kill(signal="SIGKILL")
        wrapped.wait()

    def restart(self) -> None:
        """Start the container again, with its port and data.

        Raises:
            UnavailableError: it does not start.
        """
        wrapped = self._container.get_wrapped_container()
        if self.running():
            wrapped.stop()
        wrapped.start()
        self._starts += 1
        self._wait_until_started()

    def stop(self) -> None:
        """Remove the container and its data."""
        if self._lifeline is not None:
            self._container.stop()
            self._lifeline.cut()
            self._lifeline = None

    def _first_start(self) -> None:
        import docker.errors  # type: ignore[import-untyped]  # noqa: PLC0415 - an optional dependency
        from testcontainers.core.config import testcontainers_config  # noqa: PLC0415 - same

        # Our lifeline removes the container when this process dies; Ryuk would need a second image.
        before, testcontainers_config.ryuk_disabled = testcontainers_config.ryuk_disabled, True
        try:
            self._container.start()
        except docker.errors.DockerException as error:
            self._container.stop()
            raise UnavailableError(f"The container of {IMAGE} cannot be started: {error}") from None
        finally:
            testcontainers_config.ryuk_disabled = before
        self._lifeline = Lifeline("docker", "rm", "--force", "--volumes", self._container.get_container_id())
        try:
            self._wait_until_started()
        except BaseException:
            self.stop()
            raise

    def _wait_until_started(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        wrapped = self._container.get_wrapped_container()
        while (log := wrapped.logs().decode(errors="replace")).count(STARTED) < self._starts:
            if not self.running():
                raise UnavailableError(f"The broker's container ended at its start: {(log.splitlines() or [''])[-1]}")
            if time.monotonic() > deadline:
                raise UnavailableError(f"The broker's container did not start within {START_TIMEOUT:.0f} s.")
            time.sleep(POLL_SECONDS)


def ensure_image(options: BrokerOptions) -> None:
    """Return if an engine answers and has the broker's image, or can pull it.

    Raises:
        UnavailableError: one of these is not so; the message says which.
    """
    try:
        import docker.errors  # noqa: PLC0415 - an optional dependency
        from testcontainers.core.docker_client import DockerClient  # noqa: PLC0415 - same
    except ImportError:
        raise UnavailableError("Docker needs: pip install 'privacy-pipeline[testing]'.") from None
    _require_engine()
    try:
        client = DockerClient(timeout=PULL_TIMEOUT).client
    except docker.errors.DockerException as error:
        raise UnavailableError(f"The Docker engine does not answer as it should: {error}") from None
    try:
        client.images.get(IMAGE)
    except docker.errors.ImageNotFound:
        options.tell(f"pulling {IMAGE}")
        _pull(client)
    finally:
        client.close()


def _require_engine() -> None:
    """Look whether anybody listens: the client would leave a socket open on an engine that is not there."""
    from testcontainers.core.docker_client import get_docker_host  # noqa: PLC0415 - an optional dependency

    address = urlsplit(get_docker_host() or DEFAULT_ENGINE)
    if address.scheme == "unix" and not listens(address.path):
        raise UnavailableError("No Docker engine answers: start one.")
    if address.scheme == "tcp" and not answers(address.hostname or LOOPBACK, address.port or 2375, ENGINE_TIMEOUT):
        raise UnavailableError(f"No Docker engine answers at {address.netloc}: start it, or correct DOCKER_HOST.")


def _pull(client: Any) -> None:
    import docker.errors  # noqa: PLC0415 - an optional dependency
    import requests.exceptions  # noqa: PLC0415 - comes with it

    try:
        client.images.pull(IMAGE)
    except (docker.errors.DockerException, requests.exceptions.RequestException):
        raise UnavailableError(
            f"The image {IMAGE} is not there and cannot be pulled; build it: deploy/docker/images.sh kafka"
        ) from None


def _refuse_what_needs_a_jvm(options: BrokerOptions) -> None:
    if options.data is not None or options.format_arguments:
        raise ConfigurationError("A data folder or format arguments need the broker of kind jvm; choose that, or auto.")


def _container(settings: Mapping[str, str], port: int) -> tuple[Any, str]:
    """Return a container of the broker, not started, and the host under which its port will be found."""
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - an optional dependency

    container: Any = DockerContainer(IMAGE)
    host = _host(container.get_docker_client())
    # On this machine: on the loopback interface and no other.
    container.ports[f"{CLIENT_PORT}/tcp"] = (LOOPBACK, port) if host == LOOPBACK else port
    return container.with_envs(**environment(settings, f"{host}:{port}")), host


def _host(engine: Any) -> str:
    """Return where ports that the engine publishes are found."""
    from testcontainers.core.config import ConnectionMode  # noqa: PLC0415 - an optional dependency

    if engine.get_connection_mode() is ConnectionMode.docker_host:
        return LOOPBACK if engine.host() == "localhost" else str(engine.host())
    # This machine is itself a container. If the bridge's own address is one of ours, the engine runs beside us in it.
    bridge = engine.client.networks.get("bridge").attrs["IPAM"]["Config"][0]
    gateway = bridge.get("Gateway") or str(ip_network(bridge["Subnet"])[1])  # old engines leave the default out
    return LOOPBACK if is_own_address(gateway) else gateway


def environment(settings: Mapping[str, str], address: str) -> dict[str, str]:
    """Return the variables from which the image apache/kafka makes its server settings.

    >>> environment({"log.retention.hours": "1"}, "127.0.0.1:20001")["KAFKA_LOG_RETENTION_HOURS"]
    '1'
    """
    networking = {
        "listeners": f"PLAINTEXT://:{CLIENT_PORT},BROKER://:{INNER_PORT},CONTROLLER://localhost:{CONTROLLER_PORT}",
        "advertised.listeners": f"PLAINTEXT://{address},BROKER://localhost:{INNER_PORT}",
        "inter.broker.listener.name": "BROKER",
        "controller.quorum.voters": f"1@localhost:{CONTROLLER_PORT}",
    }
    return {_variable(name): value for name, value in (default_settings() | networking | dict(settings)).items()}


def _variable(setting: str) -> str:
    return "KAFKA_" + setting.replace("_", "__").replace("-", "___").replace(".", "_").upper()
