"""A policy version is published while workers run: every partition switches at its instant, nobody is started anew."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from click.testing import CliRunner, Result
from confluent_kafka import Producer

from pipeline.adapters.avro.cloudevents import CloudEvents
from pipeline.adapters.kafka_policies import publish
from pipeline.adapters.kafka_topics import KafkaTopics
from pipeline.adapters.topics_file import read_topics
from pipeline.bootstrap.live import Deployment, deployment, open_lane
from pipeline.bootstrap.publishing import carry_out, plan
from pipeline.cli.main import cli
from pipeline.domain.errors import ConfigurationError
from pipeline.domain.topic_plan import plan_topics
from pipeline.lanes import Lane
from pipeline.lanes.versions import Pace
from pipeline.settings import load_settings
from pipeline.testing.broker import start_broker
from pipeline.testing.development_keys import KEY_FILE, OFFICER_PUBLIC, make_keys
from tests.soak.verifier import read_committed
from tests.topology.version_stories import FIRST, SECOND, write

PACE = Pace(every=0.1, notice=timedelta(0))
PARTITIONS = 4
PEOPLE = [f"s-{n}" for n in range(12)]
PATIENCE = 60.0


class Company:
    """One controller's workers on a broker of their own: two tag lanes, one expire lane."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        self._folder = folder
        make_keys(folder)
        (folder / "overlay.yaml").write_text("controller: tek-zence\n")
        self.settings = load_settings(self._environment(bootstrap))
        wanted = read_topics(self.settings.topics, controllers=("tek-zence",), replicas=1, co_partitions=PARTITIONS)
        with KafkaTopics(self.settings.connection()) as cluster:
            cluster.apply(plan_topics(wanted.specs, ()), wanted.specs)
        self._producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "log_level": 0})

    def _environment(self, bootstrap: str) -> dict[str, str]:
        return {
            "PIPELINE_KAFKA": bootstrap, "PIPELINE_POLICIES": str(self._folder / "policies"),
            "PIPELINE_OVERLAYS": str(self._folder / "overlay.yaml"), "PIPELINE_STATE_DIR": str(self._folder / "state"),
            "PIPELINE_KEY_FILE": str(self._folder / KEY_FILE), "PIPELINE_OFFICER_KEY": str(self._folder / OFFICER_PUBLIC),
        }  # fmt: skip

    def command(self, *arguments: str) -> Result:
        """Run `pipeline policy`."""
        environment = self._environment(self.settings.kafka)
        return CliRunner().invoke(cli, ["policy", *arguments], env=environment)

    def deployed(self) -> Deployment:
        loaded = deployment(self.settings)
        return Deployment(
            settings=loaded.settings, parts=loaded.parts, controllers=loaded.controllers, pace=PACE,
            client={"session_ms": 6000},
        )  # fmt: skip

    def publish(self) -> None:
        parts = self.deployed().parts
        carry_out(parts, self.settings.connection(), plan(parts, self.settings.connection(), PACE))

    def letters(self, name: str, at: datetime) -> set[str]:
        """Let everybody write a letter at an instant."""
        codec = CloudEvents(self.deployed().parts.schemas)
        for person in PEOPLE:
            event = {
                "specversion": "1.0", "id": f"{name}-{person}", "source": "//tests", "type": "contact.email",
                "time": at.isoformat(), "controller": "tek-zence", "partitionkey": person,
                "data": {"email_message": "hello"},
            }  # fmt: skip
            value = codec.encode(codec.parse(json.dumps(event).encode()))
            self._producer.produce("tek-zence.source.contact.v1", value, person)
        assert self._producer.flush(30) == 0
        return {f"{name}-{person}" for person in PEOPLE}

    def tagged(self) -> list[tuple[str, str, int]]:
        """Return event id, version and partition of everything that was tagged."""
        codec = self.deployed().parts.codec
        found = read_committed(self.settings.kafka, ["tek-zence.tagged.contact.v1"])
        values = [(codec.decode(record.value or b"")[1], record.partition) for record in found]
        return [(str(v["event"]["event_id"]), str(v["policy_version"]), partition) for v, partition in values]  # type: ignore[index] # a record

    def ended(self) -> list[tuple[str, str]]:
        """Return event id and version of everything that fell due."""
        codec = self.deployed().parts.codec
        values = [
            codec.decode(record.value or b"")[1]
            for record in read_committed(self.settings.kafka, ["tek-zence.expiry.v1"])
        ]
        return [(str(item["event_id"]), str(v["policy_version"])) for v in values for item in v["items"]]  # type: ignore[attr-defined] # a list

    @contextmanager
    def at_work(self) -> Iterator[list[Lane]]:
        """Run the lanes in threads; whatever ends one of them is told at the end."""
        halt, failures = Event(), []
        lanes = [open_lane(self.deployed(), lane, ordinal) for lane, ordinal in (("tag", 0), ("tag", 1), ("expire", 0))]

        def run(lane: Lane) -> None:
            try:
                lane.run(halt)
            except Exception as failure:  # noqa: BLE001 - a lane's end is what the test is about
                failures.append(failure)

        threads = [Thread(target=run, args=(lane,)) for lane in lanes]
        with ExitStack() as stack:
            for thread in threads:
                thread.start()
                stack.callback(thread.join, PATIENCE)
            stack.callback(halt.set)
            yield lanes
        assert failures == []


def until(holds: Callable[[], bool]) -> None:
    """Wait for something to become true."""
    waiting = Event()
    for _ in range(int(PATIENCE / 0.2)):
        if holds():
            return
        waiting.wait(0.2)
    pytest.fail("it did not come true in time")


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(280)
def test_a_version_published_while_workers_run_governs_in_every_partition_from_its_instant(tmp_path: Path) -> None:
    """No restart, no event decided by a version that another partition does not know; what is broken changes nothing."""
    with start_broker("jvm") as broker:
        write(tmp_path / "policies", FIRST)
        company = Company(broker.bootstrap, tmp_path)
        published = company.command("publish", "-o", "json")
        assert (published.exit_code, published.stderr) == (0, "")
        assert [(one["version"], one["baseline"]) for one in json.loads(published.stdout)["published"]] == [("1", True)]
        now = datetime.now(UTC).replace(microsecond=0)
        starts = now + timedelta(seconds=60)

        with company.at_work() as lanes:
            before = company.letters("before", now)
            until(lambda: {one[0] for one in company.tagged()} == before)

            publish(company.settings.connection(), [("broken", b"\xc3\x01 no policy")])
            write(tmp_path / "policies", SECOND | {"published": now.isoformat(), "effective": starts.isoformat()})
            hasty = company.command("publish")
            assert (hasty.exit_code, "workers must know it" in hasty.stderr) == (2, True)
            company.publish()
            until(lambda: all(lane.counts["policy-version", "taken"] == 1 for lane in lanes))
            early = company.letters("early", starts - timedelta(microseconds=1))
            after = company.letters("after", starts)
            until(lambda: len(company.tagged()) == 3 * len(PEOPLE))
            until(lambda: lanes[2].counts["obligations", "record"] == 3 * len(PEOPLE))

        said = {event: version for event, version, _partition in company.tagged()}
        assert said == dict.fromkeys(before | early, "1") | dict.fromkeys(after, "2")
        assert {partition for _event, version, partition in company.tagged() if version == "2"} == set(
            range(PARTITIONS)
        )
        assert [lane.counts["policy-version", "unreadable"] for lane in lanes] == [1, 1, 1]

        # A worker that starts later, without the new document on its disk, reads the topic before it begins.
        (tmp_path / "policies" / "shop-2.yaml").unlink()
        with company.at_work():
            later = company.letters("later", starts)
            until(lambda: len(company.tagged()) == 4 * len(PEOPLE))
        assert Counter(version for event, version, _partition in company.tagged() if event in later) == {
            "2": len(PEOPLE)
        }

        # One whose document is another one does not begin.
        write(
            tmp_path / "policies",
            SECOND | {"published": now.isoformat(), "effective": starts.isoformat(), "period": "P9Y"},
        )
        with pytest.raises(ConfigurationError, match="version 2 of tek-zence on the policy topic: it is known already"):
            open_lane(company.deployed(), "tag", 0)


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(280)
def test_an_order_to_retag_moves_every_record_once_while_workers_run(tmp_path: Path) -> None:
    """Counted before, given once or twice, carried out once in each partition; a restart does nothing again."""
    with start_broker("jvm") as broker:
        long, short = FIRST | {"period": "P9Y"}, SECOND | {"letters": FIRST["letters"]}
        write(tmp_path / "policies", long, short)
        company = Company(broker.bootstrap, tmp_path)
        open_lane(company.deployed(), "expire", 0).close()  # nothing has to be published before workers can run
        assert company.command("publish").exit_code == 0

        with company.at_work() as lanes:
            company.letters("before", datetime(2024, 5, 1, tzinfo=UTC))
            until(lambda: lanes[2].counts["obligations", "record"] == len(PEOPLE))
            counted = company.command("retag", "1", "2", "--rule", "letters", "--dry-run", "-o", "json")
            assert counted.exit_code == 0, counted.stderr
            assert [(one["rule"], one["count"], one["at_once"]) for one in json.loads(counted.stdout)["moved"]] == [
                ("letters", len(PEOPLE), len(PEOPLE))
            ]
            assert company.ended() == []

            for _ in range(2):
                given = company.command("retag", "1", "2", "--rule", "letters", "--yes")
                assert given.exit_code == 0, given.stderr
            until(lambda: len(company.ended()) == len(PEOPLE))

        with company.at_work() as lanes:
            company.letters("late", datetime(2024, 5, 2, tzinfo=UTC))
            until(lambda: len(company.ended()) == 2 * len(PEOPLE))
        assert sorted(company.ended()) == sorted(
            (f"{name}-{who}", "2") for name in ("before", "late") for who in PEOPLE
        )

        unknown = company.command("retag", "1", "9", "--yes")
        assert (unknown.exit_code, unknown.stderr.startswith("error: 0 controllers have policy versions")) == (2, True)
