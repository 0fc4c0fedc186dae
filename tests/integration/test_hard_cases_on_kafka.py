"""Every hard case at once through the lanes on a real Kafka: the outputs are those of the in-memory log.

All cases share one timeline: their events are merged by arrival, and the clock that both lanes ask moves through it,
so that twenty years pass on a broker in one run. What one case gives alone, it gives among the others.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.bootstrap.live import open_live
from pipeline.bootstrap.simulation import Emitted, Simulation, open_simulation
from pipeline.settings import KafkaConnection, load_settings
from pipeline.testing.broker import start_broker
from tests.topology.hard_cases import CASES, h32

GOLDEN = Path(__file__).parents[1] / "topology" / "golden"
STORIES = {**{name: case.events for name, case in CASES.items()}, "H32": h32()}
END = max(datetime.fromisoformat(case.until) for case in CASES.values())

Event = Mapping[str, Any]


def _arrivals(events: Sequence[Event]) -> Iterator[datetime]:
    """Yield when each event of one case arrives: the clock never runs backwards."""
    reached = datetime.min.replace(tzinfo=UTC)
    for event in events:
        reached = max(reached, datetime.fromisoformat(event.get("ingesttime") or event["time"]))
        yield reached


def _timeline() -> list[Event]:
    arrivals = (pair for events in STORIES.values() for pair in zip(_arrivals(events), events, strict=True))
    return [event for _arrival, event in sorted(arrivals, key=lambda pair: pair[0])]


def _lived_through(simulation: Simulation) -> Counter[str]:
    for event in _timeline():
        simulation.pipe(event)
    simulation.advance_to(END)
    return Counter(_line(one) for one in simulation.emitted)


def _line(one: Emitted) -> str:
    return json.dumps([one.at, one.topic, one.key, one.value], default=str, sort_keys=True)


def _without_references(texts: Iterable[str]) -> Counter[str]:
    """Return lines without keyed hashes: a subject's salt depends on how many subjects came before it."""
    return Counter(re.sub(r"\b[0-9a-f]{32}\b", "#", text) for text in texts)


def _golden(name: str) -> Iterator[str]:
    for text in (GOLDEN / f"{name}.jsonl").read_text().splitlines():
        line = json.loads(text)
        yield json.dumps([line["at"], line["topic"], line["key"], line["value"]], sort_keys=True)


def _as_printed(line: str) -> str:
    """Return a line with its instants as `simulate` prints them."""
    return re.sub(r'"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)\+00:00"', r'"\1T\2Z"', line)


def test_no_two_cases_share_a_person_or_a_record() -> None:
    """Else they could not be told apart in one run."""
    keys = Counter(key for events in STORIES.values() for key in {e["partitionkey"] for e in events} - {"control"})
    ids = Counter(identity for events in STORIES.values() for identity in {event["id"] for event in events})

    assert max(keys.values()) == 1
    assert max(ids.values()) == 1


@pytest.fixture(scope="module")
def in_memory() -> Counter[str]:
    return _lived_through(open_simulation())


@pytest.mark.parametrize("name", STORIES)
def test_a_case_gives_the_same_among_the_others(name: str, in_memory: Counter[str]) -> None:
    together = _without_references(map(_as_printed, in_memory))

    assert not _without_references(_golden(name)) - together


@pytest.mark.slow
@pytest.mark.kafka
def test_all_cases_give_the_same_on_a_real_kafka(in_memory: Counter[str]) -> None:
    with (
        start_broker("auto") as broker,
        open_live(KafkaConnection(bootstrap=broker.bootstrap), load_settings()) as live,
    ):
        on_kafka = _lived_through(live)

    assert on_kafka - in_memory == Counter()
    assert in_memory - on_kafka == Counter()
