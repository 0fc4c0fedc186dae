"""Start Apache Kafka in a JVM of this machine, from jars that Maven fetched. Knows nothing of containers."""

import base64
import re
import secrets
import shutil
import tempfile
from pathlib import Path

from pipeline.domain.errors import ConfigurationError, UnavailableError
from pipeline.testing.broker_contract import KAFKA_VERSION, BrokerOptions
from pipeline.testing.broker_installation import Installation, format_data, install, node_settings, write_settings
from pipeline.testing.broker_ports import LOOPBACK, free_ports, is_free
from pipeline.testing.broker_process import QUIET_LOG, BrokerProcess

ATTEMPTS = 3
"""How often other ports are tried when another program takes one between choice and use."""


class JvmBroker:
    """A broker in a child process; see `Broker` for what it promises."""

    kind = "jvm"
    version = KAFKA_VERSION

    def __init__(self, options: BrokerOptions) -> None:
        self._installation: Installation = install(options)
        if options.port and not is_free(options.port):
            raise ConfigurationError(
                f"Port {options.port} is in use: end the program that listens there, or choose another port."
            )
        self._options = options
        self._home = options.data or Path(tempfile.mkdtemp(prefix="pipeline-kafka-"))
        self._home.mkdir(parents=True, exist_ok=True)
        self._port = 0
        self._process = self._first_start()

    @property
    def bootstrap(self) -> str:
        """Return the address for clients."""
        return f"{LOOPBACK}:{self._port}"

    def running(self) -> bool:
        """Return whether the broker's process is there."""
        return self._process.running()

    def kill(self) -> None:
        """End the broker by SIGKILL."""
        self._process.kill()

    def restart(self) -> None:
        """Start the broker again on the same ports and data.

        Raises:
            UnavailableError: it does not start.
        """
        self._process.terminate()
        self._process = self._launch()
        self._process.wait_until_started()

    def stop(self) -> None:
        """End the broker cleanly and remove its data, unless the folder was given."""
        self._process.terminate()
        if self._options.data is None:
            shutil.rmtree(self._home, ignore_errors=True)

    def _first_start(self) -> BrokerProcess:
        for attempt in range(1, ATTEMPTS + 1):
            self._configure()
            process = self._launch()
            try:
                process.wait_until_started()
            except UnavailableError:
                if self._options.port is None and attempt < ATTEMPTS and process.port_was_taken():
                    continue
                raise
            return process
        raise AssertionError("the last attempt either returns or raises")

    def _configure(self) -> None:
        """Choose ports, write the settings, format the data folder where it is empty."""
        ports = free_ports(2)
        self._port = self._options.port or ports[0]
        data = self._home / "data"
        write_settings(self._config, node_settings(self._port, ports[1], data) | dict(self._options.settings))
        if (data / "meta.properties").exists():
            return
        if self._options.format_arguments:
            format_data(self._installation, self._config, ("-t", _new_cluster_id(), *self._options.format_arguments))
        else:
            _copy_template(self._installation.template, data)

    @property
    def _config(self) -> Path:
        return self._home / "server.properties"

    def _launch(self) -> BrokerProcess:
        archive = (
            (f"-XX:SharedArchiveFile={self._installation.archive}",) if self._installation.archive.exists() else ()
        )
        options = (*archive, *self._options.jvm_options, *QUIET_LOG)
        command = self._installation.command("kafka.Kafka", str(self._config), options=options)
        return BrokerProcess(command, self._home / "broker.log")


def _copy_template(template: Path, data: Path) -> None:
    """Copy the formatted folder and give the copy a cluster id of its own, so that no two clusters look alike."""
    shutil.copytree(template, data, dirs_exist_ok=True)
    meta = data / "meta.properties"
    text = re.sub(r"(?m)^cluster\.id=.*$", f"cluster.id={_new_cluster_id()}", meta.read_text(encoding="utf-8"))
    # Written last and moved into place: a folder with this file counts as formatted.
    draft = data / "meta.properties.new"
    draft.write_text(text, encoding="utf-8")
    draft.replace(meta)


def _new_cluster_id() -> str:
    """Return a random cluster id, never with a leading hyphen, which a command line would take for an option."""
    return base64.urlsafe_b64encode(b"\x01" + secrets.token_bytes(15)).decode().rstrip("=")
