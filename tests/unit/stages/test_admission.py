"""An event is let in under the policies that are known when it comes."""

from pipeline.policy.book import PolicyBook
from tests.unit.stages.tag_stories import Lane


def test_a_book_that_is_exchanged_while_the_lane_runs_governs_the_next_event() -> None:
    lane = Lane("allcall")
    before = lane.stage.book
    lane.stage.book = PolicyBook({"allcall": ()})

    lane.take("opt_in", "2024-06-01T10:00:00+00:00", "a", email="e")
    lane.stage.book = before
    lane.take("opt_in", "2024-06-02T10:00:00+00:00", "a", email="e")

    assert [value["code"] for value in lane.values("violation")] == ["no_policy"]
    assert len(lane.values("tagged.lifecycle")) == 1
