"""Comparing topics: every change is named, every dangerous one is refused, every copy's life has a bound."""

from dataclasses import replace

import pytest

from pipeline.domain.topic_plan import Allowances, LiveTopic, TopicPlan, TopicSpec, lifetime, plan_topics

CONFIG = {
    "cleanup.policy": "delete",
    "retention.ms": "604800000",
    "segment.ms": "86400000",
    "file.delete.delay.ms": "60000",
}
SPEC = TopicSpec(name="allcall.source.purchase.v1", role="source", partitions=6, replicas=3, config=CONFIG)
LIVE = LiveTopic(
    name=SPEC.name, partitions=6, replicas=3, config={**CONFIG, "preallocate": "false"}, overridden=frozenset(CONFIG)
)


def plan(live: LiveTopic, allowed: Allowances | None = None, spec: TopicSpec = SPEC) -> TopicPlan:
    return plan_topics([spec], [live], allowed)


def with_setting(name: str, value: str) -> LiveTopic:
    return replace(LIVE, config={**LIVE.config, name: value}, overridden=LIVE.overridden | {name})


def test_a_topic_as_declared_needs_nothing() -> None:
    assert plan(LIVE) == TopicPlan(changes=())
    assert plan(LIVE).in_line


def test_a_missing_topic_is_created() -> None:
    planned = plan_topics([SPEC], [])

    assert [str(change) for change in planned.changes] == ["allcall.source.purchase.v1: create"]
    assert not planned.in_line


def test_a_live_retention_above_the_file_is_lowered() -> None:
    planned = plan(with_setting("retention.ms", "999999999999"))

    assert [str(change) for change in planned.changes] == [
        "allcall.source.purchase.v1: retention.ms 999999999999 -> 604800000"
    ]


def test_a_setting_that_the_broker_does_not_name_is_set() -> None:
    live = replace(LIVE, config={name: value for name, value in CONFIG.items() if name != "segment.ms"})

    assert [str(change) for change in plan(live).changes] == [
        "allcall.source.purchase.v1: segment.ms unset -> 86400000"
    ]


def test_a_setting_made_by_hand_is_named_and_reset() -> None:
    planned = plan(with_setting("retention.bytes", "100"))

    assert [str(change) for change in planned.changes] == [
        "allcall.source.purchase.v1: retention.bytes is 100, set by hand; reset to the broker's default"
    ]


def test_topics_outside_the_file_are_listed_and_left_alone() -> None:
    strangers = [replace(LIVE, name="orders"), replace(LIVE, name="__consumer_offsets"), LIVE]

    planned = plan_topics([SPEC], strangers)

    assert planned.unmanaged == ("orders",)
    assert planned.changes == ()


def test_partitions_are_never_removed() -> None:
    planned = plan(replace(LIVE, partitions=8), Allowances(rekey=True))

    assert planned.changes == ()
    assert "partitions 8 -> 6: refused, Kafka cannot remove partitions" in planned.refusals[0]


def test_a_keyed_topic_grows_only_where_that_is_allowed() -> None:
    live = replace(LIVE, partitions=3)

    assert "keys would move" in plan(live).refusals[0]
    assert [str(change) for change in plan(live, Allowances(rekey=True)).changes] == [
        "allcall.source.purchase.v1: partitions 3 -> 6"
    ]


def test_a_topic_without_keys_may_grow() -> None:
    planned = plan(replace(LIVE, partitions=3), spec=replace(SPEC, keyed=False))

    assert planned.refusals == ()
    assert [change.kind for change in planned.changes] == ["partitions"]


def test_another_number_of_replicas_is_refused() -> None:
    assert "replicas 1 -> 3 is refused" in plan(replace(LIVE, replicas=1)).refusals[0]


def test_cleanup_policy_changes_only_where_that_is_allowed() -> None:
    live = with_setting("cleanup.policy", "compact")

    assert "--allow-cleanup-policy-change" in plan(live).refusals[0]
    assert [change.setting for change in plan(live, Allowances(cleanup_policy=True)).changes] == ["cleanup.policy"]


def test_a_deleted_topic_is_bounded_by_retention_roll_check_and_delay() -> None:
    life = lifetime(CONFIG)

    assert life.milliseconds == 604_800_000 + 86_400_000 + 300_000 + 60_000
    assert list(life.parts) == ["retention", "segment roll", "retention check", "file delete delay"]


def test_a_compacted_topic_is_bounded_by_lag_and_delete_retention() -> None:
    config = {
        "cleanup.policy": "compact",
        "max.compaction.lag.ms": "1000",
        "delete.retention.ms": "500",
        "file.delete.delay.ms": "60",
    }

    assert lifetime(config).milliseconds == 1560


def test_unlimited_retention_has_no_bound() -> None:
    assert lifetime({**CONFIG, "retention.ms": "-1"}).milliseconds is None


@pytest.mark.parametrize("kind", ["compact", "delete"])
def test_parts_add_up_to_the_bound(kind: str) -> None:
    config = {**CONFIG, "cleanup.policy": kind, "max.compaction.lag.ms": "7", "delete.retention.ms": "9"}

    assert sum(lifetime(config).parts.values()) == lifetime(config).milliseconds
