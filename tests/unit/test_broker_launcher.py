"""The launcher's choices and sentences, without starting anything."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.domain.errors import ConfigurationError, UnavailableError
from pipeline.testing import broker, broker_docker, broker_installation
from pipeline.testing.broker import start_broker
from pipeline.testing.broker_contract import KAFKA_VERSION, BrokerOptions, broker_file, default_settings
from pipeline.testing.broker_given import GivenBroker
from pipeline.testing.broker_ports import FIRST_PORT, LAST_PORT, free_ports, is_free
from pipeline.testing.broker_process import BrokerProcess, Lifeline


class StubbornBroker:
    """Stands in for a kind that cannot be had."""

    def __init__(self, _options: BrokerOptions) -> None:
        raise UnavailableError("Not on this machine.")


class WillingBroker:
    """Stands in for a kind that can be had."""

    kind, version, bootstrap = "willing", "", "127.0.0.1:1"

    def __init__(self, options: BrokerOptions) -> None:
        self.options = options
        self.stops = 0

    def running(self) -> bool:
        return not self.stops

    def kill(self) -> None:
        self.stops += 1

    def restart(self) -> None:
        self.stops = 0

    def stop(self) -> None:
        self.stops += 1


@pytest.fixture
def listening_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_jvm_is_taken_where_docker_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "_STARTERS", {"docker": StubbornBroker, "jvm": WillingBroker})
    told: list[str] = []

    with start_broker(tell=told.append) as found:
        assert found.kind == "willing"

    assert not found.running()
    assert told == ["docker: Not on this machine."]


def test_docker_is_taken_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "_STARTERS", {"docker": WillingBroker, "jvm": StubbornBroker})

    with start_broker() as found:
        assert found.kind == "willing"


def test_a_folder_to_keep_asks_for_a_jvm(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(broker, "_STARTERS", {"docker": StubbornBroker, "jvm": WillingBroker})
    told: list[str] = []

    with start_broker(data=tmp_path, tell=told.append) as found:
        assert found.kind == "willing"

    assert told == []


def test_where_none_can_be_had_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "_STARTERS", {"docker": StubbornBroker, "jvm": StubbornBroker})

    with (
        pytest.raises(UnavailableError, match=r"No real Kafka can be had\..*Java 17 and Maven.*PIPELINE_KAFKA"),
        start_broker(),
    ):
        pass


def test_a_broker_is_stopped_when_its_user_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "_STARTERS", {"jvm": WillingBroker})

    with pytest.raises(ZeroDivisionError), start_broker("jvm") as found:
        _ = 1 / 0

    assert not found.running()


@pytest.mark.parametrize("kind", ["podman", "", "localhost:kafka", ":9092"])
def test_an_unknown_kind_is_refused(kind: str) -> None:
    with pytest.raises(ConfigurationError, match="HOST:PORT"), start_broker(kind):
        pass


def test_an_address_where_nobody_answers_is_refused() -> None:
    [port] = free_ports(1)

    with pytest.raises(UnavailableError, match=f"127.0.0.1:{port}"), start_broker(f"127.0.0.1:{port}"):
        pass


def test_a_given_broker_is_used_and_left_alone(listening_port: int) -> None:
    with start_broker(f"127.0.0.1:{listening_port}") as given:
        assert (given.kind, given.bootstrap) == ("given", f"127.0.0.1:{listening_port}")
        with pytest.raises(ConfigurationError, match="left alone"):
            given.kill()
        with pytest.raises(ConfigurationError, match="left alone"):
            given.restart()

    assert given.running()


def test_one_of_several_addresses_is_enough(listening_port: int) -> None:
    [silent] = free_ports(1)

    assert GivenBroker(f"127.0.0.1:{silent},127.0.0.1:{listening_port}").running()


def test_ports_stay_below_those_of_outgoing_connections() -> None:
    ports = free_ports(50)

    assert len(set(ports)) == 50
    assert all(FIRST_PORT <= port < LAST_PORT <= 32768 for port in ports)


def test_a_port_in_use_is_not_free(listening_port: int) -> None:
    assert not is_free(listening_port)


def test_without_java_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UnavailableError, match=r"no `java` on the PATH\. Install Java 17"):
        broker_installation.install(BrokerOptions(cache=tmp_path))


def test_an_old_java_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _program(tmp_path / "java", """echo 'openjdk version "11.0.2"' >&2""")
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UnavailableError, match="older than 17"):
        broker_installation.install(BrokerOptions(cache=tmp_path / "cache"))


def test_without_maven_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _program(tmp_path / "java", """echo 'openjdk version "17.0.1"' >&2""")
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UnavailableError, match="no `mvn` on the PATH"):
        broker_installation.install(BrokerOptions(cache=tmp_path / "cache"))


def test_what_maven_complains_of_is_quoted_and_nothing_half_made_stays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _program(tmp_path / "java", """echo 'openjdk version "17.0.1"' >&2""")
    _program(tmp_path / "mvn", "echo '[ERROR] unknown host'; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    with pytest.raises(UnavailableError, match="unknown host"):
        broker_installation.install(BrokerOptions(cache=tmp_path / "cache"))

    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["lock"]


def test_a_cache_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _program(tmp_path / "java", """echo 'openjdk version "17.0.1"' >&2""")
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "file").touch()

    with pytest.raises(UnavailableError, match="make it writable"):
        broker_installation.install(BrokerOptions(cache=tmp_path / "file" / "cache"))


def test_two_launchers_at_the_same_time_build_once(tmp_path: Path) -> None:
    """The second waits for the lock and finds what the first has built."""
    builds: list[Path] = []

    def install() -> None:
        with broker_installation._locked(tmp_path):
            broker_installation._build(tmp_path / "place", builds.append)

    threads = [threading.Thread(target=install) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(builds) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "place"]


def test_what_a_killed_launcher_left_is_removed_and_built_anew(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path; from pipeline.testing import broker_installation as it\n"
        f"cache = Path({str(tmp_path)!r})\n"
        "with it._locked(cache): it._build(cache / 'place', lambda _folder: os.kill(os.getpid(), signal.SIGKILL))"
    )
    subprocess.run([sys.executable, "-c", program], check=False, timeout=60)
    assert [path.name[:8] for path in tmp_path.iterdir() if path.is_dir()] == ["partial-"]

    with broker_installation._locked(tmp_path):
        broker_installation._build(tmp_path / "place", lambda folder: (folder / "x").touch())

    assert sorted(path.name for path in tmp_path.rglob("*")) == ["lock", "place", "x"]


def test_a_broker_that_ends_at_its_start_is_quoted(tmp_path: Path) -> None:
    process = BrokerProcess(["sh", "-c", "echo 'ConfigException: Invalid value'; echo shut down"], tmp_path / "log")

    with pytest.raises(UnavailableError, match="ConfigException: Invalid value"):
        process.wait_until_started()

    assert not process.running()


def test_a_broker_that_does_not_end_in_time_is_killed(tmp_path: Path) -> None:
    process = BrokerProcess(["sh", "-c", "trap '' TERM; echo 'Kafka Server started'; exec sleep 600"], tmp_path / "log")
    process.wait_until_started()

    process.terminate(timeout=0.2)

    assert not process.running()


def test_a_lifeline_acts_when_its_process_is_killed(tmp_path: Path) -> None:
    """A test run that is killed by -9 leaves no broker behind."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    program = (
        "import os, signal; from pipeline.testing.broker_process import Lifeline\n"
        f"line = Lifeline('sh', '-c', 'echo acted >{pipe}'); os.kill(os.getpid(), signal.SIGKILL)"
    )

    subprocess.run([sys.executable, "-c", program], check=False, timeout=60)

    assert pipe.read_text() == "acted\n"  # waits until somebody writes


def test_a_lifeline_that_was_cut_does_nothing(tmp_path: Path) -> None:
    line = Lifeline("touch", str(tmp_path / "acted"))

    line.cut()

    assert line._shell.poll() is not None
    assert not (tmp_path / "acted").exists()


def test_one_version_everywhere() -> None:
    root = Path(__file__).parents[2]

    assert f"<kafka.version>{KAFKA_VERSION}</kafka.version>" in broker_file("pom.xml")
    assert f"image: apache/kafka:{KAFKA_VERSION}" in (root / "docker-compose.yml").read_text()


def test_no_file_names_a_repository() -> None:
    """Maven's settings decide where jars come from."""
    assert "://" not in broker_file("pom.xml").replace("http://maven.apache.org/POM/4.0.0", "")


def test_compose_gives_its_broker_the_settings_of_ours() -> None:
    """The image drops all its defaults as soon as it gets one setting."""
    compose = (Path(__file__).parents[2] / "docker-compose.yml").read_text()

    for name, value in default_settings().items():
        if not name.startswith(("listener", "inter")):
            variable = broker_docker._variable(name)
            assert f'{variable}: "{value}"' in compose or f"{variable}: {value}" in compose


def test_settings_become_variables_of_the_image() -> None:
    variables = broker_docker.environment({"a.b_c-d": "1", "node.id": "7"}, "127.0.0.1:20001")

    assert variables["KAFKA_A_B__C___D"] == "1"
    assert variables["KAFKA_NODE_ID"] == "7"
    assert "PLAINTEXT://127.0.0.1:20001," in variables["KAFKA_ADVERTISED_LISTENERS"]


def test_a_container_refuses_a_folder_to_keep(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="kind jvm"), start_broker("docker", data=tmp_path):
        pass


def test_without_an_engine_docker_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")

    with pytest.raises(UnavailableError, match="No Docker engine answers"), start_broker("docker"):
        pass


def _program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
