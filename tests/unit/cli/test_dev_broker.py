"""What `dev-broker` tells to do next works as it stands, in that order."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.cli.dev_broker import _how_to_use
from pipeline.testing.development_keys import KEY_FILE, OFFICER_PUBLIC, make_keys


@dataclass(frozen=True)
class Running:
    """A broker to tell of."""

    bootstrap: str = "localhost:9092"
    version: str = "4"
    kind: str = "jvm"

    def running(self) -> bool:
        return True

    def kill(self) -> None: ...

    def restart(self) -> None: ...

    def stop(self) -> None: ...


def test_keys_and_topics_for_one_node_come_before_the_worker(tmp_path: Path) -> None:
    told = _how_to_use(Running())
    steps = ["topics apply --replicas 1", "development_keys keys", "export PIPELINE_KEY_FILE", "pipeline worker"]

    assert [told.index(step) for step in steps] == sorted(told.index(step) for step in steps)
    make_keys(tmp_path / "keys")
    for name in (KEY_FILE, OFFICER_PUBLIC):
        assert f"=keys/{name}" in told
        assert (tmp_path / "keys" / name).exists()
