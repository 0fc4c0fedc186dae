"""A lane follows the policy topic: in order, at its pace, and nothing wrong on it changes anything."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from pipeline.adapters.memory_log import MemoryBroker, MemoryLog
from pipeline.adapters.yaml_files import parse_yaml
from pipeline.domain.errors import ConfigurationError, InvalidEvent, LogTruncatedError, UnavailableError
from pipeline.lanes import RecordOpener
from pipeline.lanes.versions import Pace, PolicyFollower, PolicyTopic, govern
from pipeline.lanes.views import LaneSpec
from pipeline.policy.book import PolicyBook, Retag
from pipeline.policy.compile import compile_policies
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.publication import Publication, publication_of
from pipeline.policy.retags import order
from pipeline.ports import InRecord
from tests.soak.tally import JsonCodec, Tally
from tests.unit.lanes.lane_fakes import START, Governed, VirtualClock, World, settle
from tests.unit.policy.policy_stories import EXAMPLES, acme, acme_file, event_names

PACE = Pace(every=10, stale=timedelta(minutes=4), notice=timedelta(0))


def _second(starts: str = "2026-06-01T00:00:00+02:00", version: str = "2") -> CompiledPolicy:
    head = f'version: "{version}"\n  effective_from: {starts}'
    document = parse_yaml("acme-2.yaml", (EXAMPLES / "acme.yaml").read_text().replace('version: "1"', head))
    return compile_policies([document], [acme_file("acme-values.yaml")], events=event_names()).versions["acme"][0]


class Objects:
    """A codec that writes down a number and keeps the object."""

    def __init__(self) -> None:
        self.kept: dict[bytes, tuple[str, dict[str, object]]] = {}

    def encode(self, schema: str, value: Mapping[str, object]) -> bytes:
        number = str(len(self.kept)).encode()
        self.kept[number] = (schema, dict(value))
        return number

    def decode(self, value: bytes) -> tuple[str, dict[str, object]]:
        if value not in self.kept:
            raise InvalidEvent("malformed", "not a record")
        return self.kept[value]


class Published:
    """A policy topic in memory, which may fail to answer."""

    def __init__(self, *on_disk: CompiledPolicy) -> None:
        self.clock = VirtualClock()
        self.broker = MemoryBroker(self.clock)
        self.broker.create_topic("policies")
        self.broker.create_topic("a")
        self.codec = Objects()
        self.silent = False
        self.readings = 0
        self.log = MemoryLog(self.broker, "g", "0", ("a",))
        book = PolicyBook({"acme": on_disk or (acme(),)})
        self.topic = PolicyTopic(self._read, self.codec, book, event_names(), PACE)
        self.follower = PolicyFollower(self.topic, self.clock.elapsed, PACE)

    def _read(self, offset: int) -> Iterator[InRecord]:
        self.readings += 1
        if self.silent:
            raise UnavailableError("nobody answers")
        return self.log.read_back("policies", 0, offset)

    def write(self, one: Publication | bytes | None, schema: str = "policy") -> None:
        value = self.codec.encode(schema, asdict(one)) if isinstance(one, Publication) else one
        self.broker.append("policies", b"k", value)

    def order(self, one: Retag) -> None:
        self.broker.append("policies", b"k", self.codec.encode("retag", asdict(one)))

    def versions(self) -> list[str]:
        return [policy.version for policy in self.topic.book.versions["acme"]]


def test_what_was_published_before_a_lane_begins_governs_from_its_beginning() -> None:
    world = Published()
    world.write(publication_of(acme(), baseline=True))
    world.write(publication_of(_second()))

    world.follower.begin(("acme",))

    assert world.versions() == ["1", "2"]
    assert world.topic.drain_counts() == {("policy-version", "known"): 1, ("policy-version", "taken"): 1}
    assert not world.topic.drain_counts()


def test_a_version_that_is_published_while_a_lane_runs_is_taken_at_the_next_reading() -> None:
    world = Published()
    world.follower.begin(("acme",))
    world.write(publication_of(_second()))

    world.clock.pass_time(seconds=9)
    assert not world.follower.follow()
    world.clock.pass_time(seconds=1)
    assert world.follower.follow()
    world.clock.pass_time(seconds=10)
    assert not world.follower.follow()

    assert world.versions() == ["1", "2"]


def test_what_is_wrong_changes_nothing_and_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    world = Published()
    world.follower.begin(("acme",))
    second = publication_of(_second())
    for wrong in (
        b"rubbish",
        replace(second, digest="0" * 64),
        publication_of(_second("2025-06-01T00:00:00+02:00")),
        replace(publication_of(acme()), digest=second.digest, document=second.document),
        replace(second, version="3"),
        None,
    ):
        world.write(wrong)
    world.write(second, schema="status")

    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            world.clock.pass_time(seconds=10)
            world.follower.follow()

    assert world.versions() == ["1"]
    assert world.topic.drain_counts() == {
        ("policy-version", "unreadable"): 3, ("policy-version", "too-late"): 1, ("policy-version", "changed"): 1,
        ("policy-version", "invalid"): 1,
    }  # fmt: skip
    assert len(caplog.messages) == 6
    told = [(one.controller, one.version, one.code) for one in world.topic.book.alerts]
    assert told == [
        ("acme", "2", "policy_version_unreadable"), ("acme", "2", "policy_version_too_late"),
        ("acme", "1", "policy_version_changed"), ("acme", "3", "policy_version_invalid"),
    ]  # fmt: skip
    assert caplog.messages[2].startswith(
        "policy topic, offset 2: policy version 2 of acme changes nothing (too-late): it would"
    )


def test_the_first_content_of_a_version_wins_for_ever() -> None:
    """Compaction keeps both, for each has a key of its own; a lane that starts later judges as the others did."""
    world = Published()
    second = publication_of(_second())
    other = publication_of(_second("2026-07-01T00:00:00+02:00"))
    for one in (publication_of(acme(), baseline=True), second, other):
        world.write(one)

    world.follower.begin(("acme",))

    assert world.topic.book.version("acme", "2").digest == second.digest


@pytest.mark.parametrize("on_disk", ["another", "missing", "unpublished"])
def test_a_lane_does_not_begin_where_disk_and_topic_disagree(on_disk: str) -> None:
    known = {
        "another": (acme(), replace(_second(), digest="another")),
        "missing": (acme(),),
        "unpublished": (acme(), _second()),
    }
    world = Published(*known[on_disk])
    world.write(publication_of(acme(), baseline=True))
    if on_disk != "unpublished":
        world.write(publication_of(_second(), baseline=on_disk == "missing"))
    says = {
        "another": "known already with other content",
        "missing": "put its document back",
        "unpublished": "publish it with",
    }

    with pytest.raises(ConfigurationError, match=says[on_disk]):
        world.follower.begin(("acme",))


def test_what_concerns_controllers_that_are_not_served_here_stops_nobody() -> None:
    world = Published()
    world.write(publication_of(_second(), baseline=True))

    world.follower.begin(("other",))

    assert world.versions() == ["1"]


def test_a_topic_that_is_silent_for_a_moment_is_waited_for_and_no_longer() -> None:
    """Who does not know what was published must not decide: see `policy.publication`."""
    world = Published()
    world.follower.begin(("acme",))
    world.silent = True

    world.clock.pass_time(minutes=3)
    assert not world.follower.follow()
    assert not world.follower.follow()
    world.clock.pass_time(minutes=1)
    with pytest.raises(UnavailableError):
        world.follower.follow()

    assert world.readings == 3


def test_a_topic_that_was_made_anew_is_read_from_its_beginning() -> None:
    world = Published()
    world.write(publication_of(acme(), baseline=True))
    world.write(publication_of(_second()))
    world.follower.begin(("acme",))
    truncated = iter([LogTruncatedError("made anew")])
    read = world.topic._read

    def failing(offset: int) -> Iterator[InRecord]:
        for error in truncated:
            raise error
        return read(offset)

    world.topic._read = failing
    assert not world.topic.read_on()
    assert world.versions() == ["1", "2"]


def test_a_lane_gives_its_stages_the_new_book_before_it_decides_anything_more() -> None:
    world, published = World(stage=Governed), Published()
    published.follower.begin(("acme",))
    lane = world.lane(policies=published.follower)
    settle(lane)
    published.write(publication_of(_second()))
    published.clock.pass_time(seconds=10)
    world.send()

    settle(lane)

    assert isinstance(world.stage, Governed)
    assert [policy.version for policy in world.stage.book.versions["acme"]] == ["1", "2"]
    assert lane.counts["policy-version", "taken"] == 1


def test_a_stage_that_no_policy_governs_is_left_alone() -> None:
    spec = LaneSpec(
        controller="acme", stage=Tally("out", "dead"), open=RecordOpener(JsonCodec()), sources=(), changelog="log"
    )

    govern([spec], PolicyBook({}))

    assert not hasattr(spec.stage, "book")


def test_an_order_to_retag_is_taken_once_and_refused_where_it_makes_no_sense() -> None:
    world = Published(acme(), _second("2025-06-01T00:00:00+02:00"))
    right = order("acme", "1", "2", ["letter"], START)
    for one in (right, right, order("acme", "1", "9", [], START), order("acme", "2", "2", [], START)):
        world.order(one)

    assert world.topic.read_on()

    assert world.topic.book.retags == (right,)
    assert world.topic.drain_counts() == {
        ("policy-retag", "taken"): 1, ("policy-retag", "known"): 1, ("policy-retag", "invalid"): 2,
    }  # fmt: skip
