"""The topics file: strict, every error at once with its line, patterns unfolded."""

from pathlib import Path

import pytest

from pipeline.adapters.topics_export import export_jikkou, export_strimzi
from pipeline.adapters.topics_file import read_topics
from pipeline.domain.errors import ConfigurationError
from pipeline.domain.topics import POLICY_TOPIC, STATUS_TOPIC, Topics
from pipeline.domain.vocabulary import Family

SHIPPED = Path(__file__).parents[3] / "topics.yaml"
CONTROLLERS = ("allcall", "tek-zence", "viet-art-view", "artgraphics", "ak3d")

SMALL = """\
version: 1
defaults: {partitions: 3, co_partitions: 6, replicas: 3, min_in_sync: 2}
controllers:
  shop: {carriers: [delivery], shares: [google]}
topics:
  "{controller}.source.{family}.v1":
    role: source
    description: Events as producer services send them.
    holds: personal
    schema: source-{family}
    key: data-subject
    co_partitioned: true
    cleanup_policy: delete
    retention: {max: P7D, from: operations, because: a week to mend a stopped lane}
    segment: PT6H
    compatibility: BACKWARD_TRANSITIVE
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "topics.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read_topics(written(folder, text))
    return [line.removeprefix(f"{folder}/") for line in str(caught.value).splitlines()]


def test_the_shipped_file_declares_every_topic_that_the_code_names() -> None:
    names = {spec.name for spec in read_topics(SHIPPED).specs}

    for controller in CONTROLLERS:
        topics = Topics(controller)
        wanted = {topics.source(family) for family in Family} | {topics.tagged(family) for family in Family}
        wanted |= {
            topics.control, topics.obligation, topics.violation, topics.rights, topics.share_ledger, topics.dead_letter,
            topics.expiry, topics.review, topics.receipt, topics.tag_state, topics.schedule,
        }  # fmt: skip
        assert wanted <= names
    assert {STATUS_TOPIC, POLICY_TOPIC} <= names


def test_recipients_are_those_that_each_notice_names() -> None:
    names = {spec.name for spec in read_topics(SHIPPED).specs}
    recipients = {name for name in names if ".carrier." in name or ".share." in name}

    assert recipients == {
        "allcall.carrier.delivery.v1", "allcall.share.google.v1", "allcall.share.credit-agency.v1",
        "allcall.share.third-party.v1", "tek-zence.carrier.delivery.v1", "tek-zence.carrier.installation.v1",
        "viet-art-view.carrier.delivery.v1", "viet-art-view.share.authority.v1", "viet-art-view.share.special-case.v1",
        "artgraphics.share.call-centre.v1", "artgraphics.share.contact-provider.v1",
        "artgraphics.share.social-platform.v1", "ak3d.carrier.delivery.v1",
    }  # fmt: skip
    for name in recipients:
        controller, _, recipient, _ = name.split(".")
        assert Topics(controller).erase_instruction(recipient) in names


def test_every_shipped_topic_but_obligations_has_an_end() -> None:
    for spec in read_topics(SHIPPED).specs:
        endless = spec.config["cleanup.policy"] == "delete" and spec.config["retention.ms"] == "-1"
        assert endless == (spec.role == "obligation")
        assert "segment.ms" in spec.config
        assert not endless or spec.holds == "pseudonymous"


def test_co_partitioned_topics_of_a_controller_share_one_count() -> None:
    aligned = {"source", "tagged", "obligation", "expiry", "receipt"}
    specs = [spec for spec in read_topics(SHIPPED, co_partitions=4).specs if spec.name.startswith("allcall.")]

    assert {spec.partitions for spec in specs if spec.role in aligned or spec.role == "changelog"} == {4}
    assert [spec.partitions for spec in specs if spec.role == "control"] == [1]


def test_source_topics_use_the_append_time_of_the_log() -> None:
    """Else retention would delete a back-dated event at once."""
    for spec in read_topics(SHIPPED).specs:
        if spec.role in {"source", "control"}:
            assert spec.config["message.timestamp.type"] == "LogAppendTime"


def test_what_the_lanes_write_about_the_largest_event_fits_their_topics() -> None:
    """Else one record would stop its lane for ever."""
    for spec in read_topics(SHIPPED).specs:
        taken_in = spec.role in {"source", "control"}
        assert spec.config["max.message.bytes"] == ("900000" if taken_in else "2097152"), spec.name


def test_a_topic_may_say_how_large_its_messages_are(tmp_path: Path) -> None:
    largest = "    max_message_bytes: 50000\n    segment: PT6H"
    topics = read_topics(written(tmp_path, SMALL.replace("    segment: PT6H", largest)))

    assert topics.specs[0].config["max.message.bytes"] == "50000"


def test_one_controller_can_be_asked_for() -> None:
    topics = read_topics(SHIPPED, controllers=["ak3d"])

    assert topics.controllers == ("ak3d",)
    assert {spec.name.split(".")[0] for spec in topics.specs} == {"ak3d", "pipeline"}


def test_an_unknown_controller_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"no controller acme; it knows allcall, tek-zence"):
        read_topics(SHIPPED, controllers=["acme"])


def test_fewer_replicas_than_must_be_in_sync_lower_that_number_too() -> None:
    assert {spec.config["min.insync.replicas"] for spec in read_topics(SHIPPED, replicas=1).specs} == {"1"}


def test_a_pattern_unfolds_into_one_topic_each(tmp_path: Path) -> None:
    topics = read_topics(written(tmp_path, SMALL))

    assert [spec.name for spec in topics.specs] == [f"shop.source.{family}.v1" for family in Family]
    assert topics.specs[0].value_schema == "source-purchase"
    assert topics.specs[0].config == {
        "cleanup.policy": "delete", "retention.ms": "604800000", "segment.ms": "21600000",
        "file.delete.delay.ms": "60000", "min.insync.replicas": "2", "max.message.bytes": "2097152",
    }  # fmt: skip


def test_all_errors_come_at_once_with_their_lines(tmp_path: Path) -> None:
    text = SMALL.replace("role: source", "rol: source").replace("PT6H", "P1M").replace("holds: personal", "holds: much")

    assert refused(tmp_path, text) == [
        "topics.yaml:6: topics.{controller}.source.{family}.v1.role: this key is missing.",
        "topics.yaml:9: topics.{controller}.source.{family}.v1.holds: Input should be 'personal', 'pseudonymous', 'sealed' or 'none'.",
        "topics.yaml:15: topics.{controller}.source.{family}.v1.segment: write an ISO 8601 duration in weeks, days, hours or minutes, such as P7D or PT6H.",
        "topics.yaml:7: topics.{controller}.source.{family}.v1.rol: this key is unknown; remove it or correct its spelling.",
    ]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("max: P7D,", "max: P7D, keep: P8D,", "keep is longer than max"),
        ("max: P7D,", "max: P7D, keep: unlimited,", "keep is longer than max"),
        ("cleanup_policy: delete", "cleanup_policy: compact", "compact must not have it"),
        (
            "    segment: PT6H",
            "    segment: PT6H\n    compaction: {max_lag: P1D, delete_retention: P1D}",
            "compact needs compaction",
        ),
        ("co_partitioned: true", "co_partitioned: true\n    partitions: 3", "remove partitions"),
        ("    compatibility: BACKWARD_TRANSITIVE\n", "", "says its compatibility"),
        ("    segment: PT6H", "    segment: PT6H\n    config: {retention.ms: '1'}", "must not set retention.ms"),
        ("{family}.v1", "{colour}.v1", "{colour} is unknown"),
        (
            "    segment: PT6H",
            "    segment: PT6H\n    config: {max.message.bytes: '1'}",
            "must not set max.message.bytes",
        ),
        ("    segment: PT6H", "    segment: PT6H\n    max_message_bytes: 10", "greater than or equal to"),
        ('"{controller}.source.{family}.v1"', '"source.{family}.v1"', "begins with {controller}"),
        ("source.{family}.v1", "Source.{family}.v1", "in lower case"),
        ("source.{family}.v1", "source.v1", "schema uses {family}"),
        ("version: 1", "version: 2", "Input should be 1"),
        ("max: P7D,", "max: 7,", "write an ISO 8601 duration"),
        ("max: P7D,", "max: -1,", "write an ISO 8601 duration"),
        ("max: P7D,", "max: P0D,", "longer than nothing"),
        ("max: P7D,", "max: P7D, keep: PT0M,", "longer than nothing"),
        ("max: P7D,", "max: P400000D,", "shorter than a thousand years"),
        ("segment: PT6H", "segment: unlimited", "write an ISO 8601 duration"),
        ("segment: PT6H", "segment: P8D", "keeps its oldest record past it"),
        ("role: source", "role: sauce", "no role that ends by deletion"),
    ],
)
def test_what_would_break_a_promise_is_refused_with_its_line(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in SMALL
    line = refused(tmp_path, SMALL.replace(old, new))[0]
    assert line.startswith("topics.yaml:")
    assert problem in line


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ("unlimited", "what is personal must end; write a duration, such as P7D."),
        ("P15D", "a source topic keeps its records for P14D at most; write that or less."),
    ],
)
def test_a_longer_retention_than_the_role_may_have_is_refused_at_its_line(
    tmp_path: Path, asked: str, problem: str
) -> None:
    assert refused(tmp_path, SMALL.replace("max: P7D", f"max: {asked}")) == [
        f"topics.yaml:14: topics.{{controller}}.source.{{family}}.v1.retention.max: {problem}"
    ]
    assert read_topics(written(tmp_path, SMALL.replace("max: P7D", "max: P14D"))).specs


def test_a_lie_about_what_a_topic_holds_does_not_lengthen_its_retention(tmp_path: Path) -> None:
    text = SMALL.replace("holds: personal", "holds: none").replace("max: P7D", "max: unlimited")

    [line] = refused(tmp_path, text)

    assert line.startswith("topics.yaml:14: ")
    assert "a source topic keeps its records for P14D at most" in line


def test_personal_data_are_never_compacted(tmp_path: Path) -> None:
    compacted = "compaction: {max_lag: P1D, delete_retention: P1D}"
    text = "\n".join(
        compacted.rjust(len(compacted) + 4) if "retention:" in line else line for line in SMALL.splitlines()
    )

    [line] = refused(tmp_path, text.replace("cleanup_policy: delete", "cleanup_policy: compact"))

    assert line.startswith("topics.yaml:13: ")
    assert "what is personal must end" in line


def test_a_shorter_keep_is_what_kafka_gets(tmp_path: Path) -> None:
    topics = read_topics(written(tmp_path, SMALL.replace("max: P7D,", "max: P7D, keep: P2D,")))

    assert topics.specs[0].config["retention.ms"] == "172800000"


def test_one_topic_declared_twice_is_refused(tmp_path: Path) -> None:
    entry = SMALL.partition("topics:\n")[2]
    twin = entry.replace("{controller}.source.{family}.v1", "shop.source.purchase.v1").replace("{family}", "purchase")

    [line] = refused(tmp_path, SMALL + twin)

    assert "shop.source.purchase.v1 is declared by {controller}.source.{family}.v1 too" in line


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("topics: [", "this is not YAML"),
        ("version: 1\nversion: 1\n", "this is not YAML: found duplicate key"),
        ("- 1\n", "valid dictionary"),
        ("", "valid dictionary"),
    ],
)
def test_a_file_that_is_no_mapping_is_a_sentence(tmp_path: Path, text: str, problem: str) -> None:
    assert problem in refused(tmp_path, text)[0]


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_topics(tmp_path / "none.yaml")
    (tmp_path / "latin").write_bytes(b"\xe9")
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        read_topics(tmp_path / "latin")


def test_the_cluster_and_a_controllers_own_count_are_read(tmp_path: Path) -> None:
    text = SMALL.replace("version: 1", "version: 1\ncluster: {id: abc}").replace(
        "[google]}", "[google], co_partitions: 12}"
    )

    topics = read_topics(written(tmp_path, text))

    assert topics.cluster_id == "abc"
    assert {spec.partitions for spec in topics.specs} == {12}


def test_exports_name_the_same_topics(tmp_path: Path) -> None:
    specs = read_topics(written(tmp_path, SMALL)).specs[:1]

    assert (
        export_strimzi(specs, "prod")
        == """\
---
apiVersion: kafka.strimzi.io/v1
kind: KafkaTopic
metadata:
  name: shop.source.purchase.v1
  labels:
    strimzi.io/cluster: prod
spec:
  partitions: 6
  replicas: 3
  config:
    cleanup.policy: delete
    segment.ms: '21600000'
    file.delete.delay.ms: '60000'
    min.insync.replicas: '2'
    max.message.bytes: '2097152'
    retention.ms: '604800000'
"""
    )
    assert "apiVersion: kafka.jikkou.io/v1beta2\nkind: KafkaTopic" in export_jikkou(specs)
    assert "  configs:\n    cleanup.policy: delete" in export_jikkou(specs)
