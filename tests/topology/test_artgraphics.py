"""What ARTGRAPHICS promises those who write to its customer service, told as stories."""

from pipeline.bootstrap.simulation import Simulation
from pipeline.domain.vocabulary import Outcome
from tests.topology.artgraphics_cases import ARTGRAPHICS_CASES
from tests.topology.stories import due, instant, values


def test_an_obligation_holds_the_case_beyond_its_year_and_no_recording_without_consent(pipeline: Simulation) -> None:
    """H26, ART-4.2, ART-5.2, X5: nothing is due when the year is over, all is at the settlement."""
    outcomes = [pipeline.pipe(event) for event in ARTGRAPHICS_CASES["H26"].events[:-1]]
    pipeline.advance_to(instant("2025-02-02T00:00:00Z"))

    assert {category for category, *_rest in due(pipeline, "artgraphics")} == {"recording"}
    assert [outcomes[2], outcomes[6]] == [Outcome.DROPPED, Outcome.REFUSED]
    recorded = [v for v in values(pipeline, "artgraphics.tagged.contact.v1") if "call_audio" in str(v["tags"])]
    assert [value["event"]["event_id"] for value in recorded] == ["h26-recorded"]
