"""What concerns many keys at once: survey frames, anonymous answers, recall lists, counts."""

from typing import Any

import pytest

from pipeline.bootstrap.simulation import Simulation
from pipeline.domain.vocabulary import Outcome
from tests.topology.case_words import PERSON, event
from tests.topology.many_keys_cases import MANY_KEYS_CASES, control
from tests.topology.stories import Open, instant, values

FRAME = "allcall.survey-frame.v1"
RECALL = "tek-zence.recall-list.v1"


def _references(pipeline: Simulation, controller: str) -> dict[str, str]:
    """Return the reference of each subject whose purchase was tagged, by key."""
    tagged = (one for one in pipeline.emitted if one.topic == f"{controller}.tagged.purchase.v1")
    return {str(one.key): str(one.value["data_subject"]) for one in tagged}


def _listed(pipeline: Simulation, topic: str) -> set[str]:
    """Return the keys of those who are listed, over all parts."""
    keys = {reference: key for key, reference in _references(pipeline, topic.partition(".")[0]).items()}
    return {keys[one["data_subject"]] for part in values(pipeline, topic) for one in part["subjects"]}


def _bought(name: str, time: str = "2025-05-10T10:00:00Z", **data: Any) -> dict[str, Any]:
    said = {"context": "web", "initiated_by": "company", "name": "Test Person", **data}
    return event(f"p-{name}-{time}", "purchase.completed", time, "allcall", name, **said)


def _draw(identity: str = "draw", time: str = "2025-06-02T08:00:00Z", **data: Any) -> dict[str, Any]:
    asked = {"month": "2025-05", "quota": 10, **data}
    return control(identity, "survey.draw.requested", time, "allcall", **asked)


def _tek(name: str, *products: str, time: str = "2024-03-01T10:00:00Z") -> dict[str, Any]:
    data = {"order_id": f"o-{name}", "products": list(products), **PERSON}
    return event(f"t-{name}-{time}", "purchase.completed", time, "tek-zence", name, **data)


def _recall(identity: str = "recall", time: str = "2024-06-01T10:00:00Z", *products: str) -> dict[str, Any]:
    return control(identity, "recall.issued", time, "tek-zence", products=list(products) or ["washer"])


def test_a_frame_holds_who_was_active_in_the_month_and_did_not_opt_out(pipeline: Simulation) -> None:
    """H12, ALLCALL-4D.5 and 4D.6, R-ALL-12: by local days, and per mailing kind."""
    for one in MANY_KEYS_CASES["H12"].events[:9]:
        pipeline.pipe(one)

    assert _listed(pipeline, FRAME) == {"s-12a-first-instant", "s-12b-last-instant", "s-12f-no-newsletters"}
    [part] = values(pipeline, FRAME)
    assert (part["month"], part["quota"], part["last"], part["rule"]) == ("2025-05", 10, True, "lists.survey-frame")


def test_an_answer_is_written_without_whose_it_is(pipeline: Simulation) -> None:
    """H12, R-ALL-8, X9: no key, id, instant or field of the answer as sent, nor anything to join it by."""
    for one in MANY_KEYS_CASES["H12"].events:
        pipeline.pipe(one)
    opened, answer = [one for one in pipeline.emitted if one.topic == "allcall.tagged.contact.v1"]

    written: Any = answer.value
    assert {tag["purpose"] for tag in written["tags"]} == {"survey-answers"}
    assert {name: one for name, one in written["event"].items() if one not in (None, {}, "")} == {
        "event_id": answer.key, "type": "survey.responded", "occurred_at": instant("2025-05-31T22:00:00Z"),
        "controller": "allcall", "survey_comment": "good", "survey_review": "5",
    }  # fmt: skip
    assert written["data_subject"] == ""
    for marker in ("s-12a", "h12-answer", "192.0.2.1", PERSON["email"], str(opened.value["data_subject"])):
        assert marker.encode() not in answer.raw_value + (answer.raw_key or b"")
    assert not any("survey-answers" in str(one.value) for one in pipeline.emitted if ".obligation." in one.topic)
    assert opened.key == "s-12a-first-instant"


def test_somebody_who_only_answered_leaves_no_trace_in_the_state(pipeline: Simulation) -> None:
    answered = event("a", "survey.responded", "2025-06-03T10:05:00Z", "allcall", "s-1", survey_comment="good")

    assert pipeline.pipe(answered) is Outcome.ACCEPTED
    assert [one.topic for one in pipeline.emitted] == ["allcall.tagged.contact.v1"]


def test_a_draw_takes_no_more_than_its_quota_and_the_same_whatever_the_order(open_pipeline: Open) -> None:
    names = [f"s-{number}" for number in range(40)]
    frames = []
    for order in (names, names[::-1]):
        pipeline = open_pipeline()
        for name in names:  # the same salts
            pipeline.pipe(event(f"r-{name}", "customer.registered", "2025-05-01T10:00:00Z", "allcall", name, name="T"))
        for name in order:
            pipeline.pipe(_bought(name))
        pipeline.pipe(_draw(quota=7))
        frames.append(_listed(pipeline, FRAME))

    assert len(frames[0]) == 7
    assert frames[0] == frames[1]


def test_over_several_partitions_the_lowest_lots_are_those_that_one_partition_draws(open_pipeline: Open) -> None:
    """Each partition lists its own; together at least the quota, and the lots tell who is drawn."""
    drawn = []
    for partitions in (1, 3):
        pipeline = open_pipeline(partitions)
        for number in range(30):
            pipeline.pipe(_bought(f"s-{number}"))
        pipeline.pipe(_draw(quota=5))
        parts = values(pipeline, FRAME)
        assert sorted(part["partition"] for part in parts if part["last"]) == list(range(partitions))
        lots = sorted(one["lot"] for part in parts for one in part["subjects"])
        drawn.append((lots[:5], all(len(part["subjects"]) <= 5 for part in parts)))

    assert drawn[0] == drawn[1]
    assert drawn[0][1]


@pytest.mark.parametrize(
    ("month", "listed"),
    [("2025-05", {"may"}), ("2025-06", {"may"}), ("2025-04", {"april"}), ("2025-12", {"may"}), (None, {"may"})],
)
def test_a_month_that_is_not_over_stands_for_the_one_before_the_draw(
    pipeline: Simulation, month: str | None, listed: set[str]
) -> None:
    """The survey of June is drawn from the customers of May (H12)."""
    for name, time in (
        ("april", "2025-04-10T10:00:00Z"),
        ("may", "2025-05-10T10:00:00Z"),
        ("june", "2025-06-01T10:00:00Z"),
    ):
        pipeline.pipe(_bought(name, time))
    policy = pipeline.parts.book.versions["allcall"][-1]
    asked = _draw(month=month) if month else _draw()

    pipeline.pipe(asked)

    assert _listed(pipeline, FRAME) == listed
    assert policy.lists["survey-frame"].sample


@pytest.mark.parametrize(
    ("wrong", "field"), [({"month": "May 2025"}, "month"), ({"month": "2025-13"}, "month"), ({"quota": -1}, "quota")]
)
def test_a_draw_that_cannot_be_read_is_refused(pipeline: Simulation, wrong: dict[str, Any], field: str) -> None:
    assert pipeline.pipe(_draw(**wrong)) is Outcome.REFUSED
    [violation] = values(pipeline, "allcall.violation.v1")
    assert (violation["code"], violation["fields"]) == ("malformed_attribute", [field])
    assert not values(pipeline, FRAME)


def test_a_list_is_asked_for_on_the_control_topic_only(pipeline: Simulation) -> None:
    assert pipeline.pipe({**_draw(), "partitionkey": "s-1"}) is Outcome.REFUSED
    assert values(pipeline, "allcall.violation.v1")[0]["code"] == "wrong_topic"


def test_nobody_is_drawn_who_was_erased_unless_they_bought_again(pipeline: Simulation) -> None:
    """ALLCALL-6.2: what the books keep of them is for the books."""
    for name in ("gone", "back"):
        pipeline.pipe(_bought(name))
        pipeline.pipe(event(f"e-{name}", "erasure.requested", "2025-05-12T10:00:00Z", "allcall", name))
    pipeline.pipe(_bought("back", "2025-05-20T10:00:00Z"))

    pipeline.pipe(_draw())

    assert _listed(pipeline, FRAME) == {"back"}


def test_an_empty_frame_says_that_it_is_complete(pipeline: Simulation) -> None:
    pipeline.pipe(_bought("s-1"))
    pipeline.pipe(_draw(quota=0))

    [part] = values(pipeline, FRAME)
    assert (part["subjects"], part["last"]) == ([], True)


def test_the_same_draw_sent_twice_draws_once(pipeline: Simulation) -> None:
    pipeline.pipe(_bought("s-1"))
    for _ in range(2):
        pipeline.pipe(_draw())

    assert len(values(pipeline, FRAME)) == 1


def test_a_recall_lists_who_bought_the_product_and_still_has_a_profile(pipeline: Simulation) -> None:
    """TEK-1.2, R-TEK-7, X8, H24: objectors included, the erased left out, whatever else they bought."""
    pipeline.pipe(_tek("has-it", "washer", "hose"))
    pipeline.pipe(_tek("has-another", "oven"))
    pipeline.pipe(_tek("objects", "washer"))
    pipeline.pipe(event("ob", "objection.raised", "2024-04-01T10:00:00Z", "tek-zence", "objects"))
    pipeline.pipe(_tek("erased", "washer"))
    pipeline.pipe(event("er", "erasure.requested", "2024-04-01T10:00:00Z", "tek-zence", "erased"))
    pipeline.pipe(_tek("lapsed", "washer", time="2019-01-01T10:00:00Z"))
    pipeline.pipe(_tek("later", "washer", time="2024-06-01T09:00:00Z"))

    pipeline.pipe(_recall())

    assert _listed(pipeline, RECALL) == {"has-it", "objects", "later"}
    [part] = values(pipeline, RECALL)
    assert (part["purpose"], part["month"], part["quota"]) == ("recall", None, None)
    assert {one["lot"] for one in part["subjects"]} == {None}


def test_a_recall_is_as_of_its_instant(pipeline: Simulation) -> None:
    """Bought after the recall's instant is not listed, though it arrived before."""
    pipeline.pipe(_tek("before", "washer"))
    pipeline.pipe(_tek("after", "washer", time="2024-06-01T11:00:00Z"))

    pipeline.pipe({**_recall(), "ingesttime": "2024-06-02T00:00:00Z"})

    assert _listed(pipeline, RECALL) == {"before"}


def test_what_an_erased_customer_bought_does_not_come_back_with_a_new_purchase(pipeline: Simulation) -> None:
    """TEK-2.4: nothing joins the customer of today to the orders of before the erasure."""
    pipeline.pipe(_tek("s-1", "washer"))
    pipeline.pipe(event("er", "erasure.requested", "2024-04-01T10:00:00Z", "tek-zence", "s-1"))
    pipeline.pipe(_tek("s-1", "oven", time="2024-05-01T10:00:00Z"))
    pipeline.pipe(_recall())
    pipeline.pipe(_recall("second", "2024-06-02T10:00:00Z", "oven"))

    washers, ovens = values(pipeline, RECALL)
    assert (washers["subjects"], len(ovens["subjects"])) == ([], 1)


def test_what_is_counted_is_of_a_month_and_of_nobody(pipeline: Simulation) -> None:
    """ART-1.2, R-ART-7: after an objection not even that (ART-6.1)."""
    contact = {"message": "m", "name": "Test Person"}
    for number, time in enumerate(("2024-01-31T23:59:59Z", "2024-02-01T00:00:00Z", "2024-02-10T10:00:00Z")):
        pipeline.pipe(event(f"c-{number}", "contact.chat", time, "artgraphics", f"s-{number}", **contact))
    pipeline.pipe(event("ob", "objection.raised", "2024-02-11T10:00:00Z", "artgraphics", "s-1"))
    pipeline.pipe(event("c-9", "contact.chat", "2024-02-12T10:00:00Z", "artgraphics", "s-1", **contact))
    pipeline.advance_to(instant("2024-03-01T00:00:00Z"))
    late = event("c-3", "contact.chat", "2024-02-20T10:00:00Z", "artgraphics", "s-3", **contact)
    pipeline.pipe({**late, "ingesttime": "2024-03-02T00:00:00Z"})

    counted = [one for one in pipeline.emitted if one.topic == "artgraphics.aggregate.v1"]
    assert [(one.at.isoformat(), one.value["month"], one.value["count"]) for one in counted] == [
        ("2024-02-01T00:00:00+00:00", "2024-01", 1),
        ("2024-03-01T00:00:00+00:00", "2024-02", 2),
        ("2024-03-02T00:00:00+00:00", "2024-02", 1),
    ]
    assert set(counted[0].value) == {
        "controller", "month", "event_type", "purpose", "rule", "clauses", "partition", "count", "policy_version",
    }  # fmt: skip
