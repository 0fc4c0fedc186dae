"""The largest record that the product takes goes through a real Kafka whole; a larger one stops nothing."""

import json
from copy import deepcopy
from typing import Any

import pytest
from confluent_kafka import Producer

from pipeline.adapters.avro.faults import MAX_BYTES
from pipeline.bootstrap import live
from pipeline.bootstrap.live import open_live
from pipeline.bootstrap.worlds import KafkaWorld
from pipeline.domain.vocabulary import Outcome
from pipeline.settings import KafkaConnection, load_settings
from pipeline.testing.broker import start_broker
from tests.topology.hard_cases import CASES
from tests.topology.stories import values

BATCH_OVERHEAD = 150
"""What a record and its batch take beside the value; the broker's limit counts them."""


class CompressingWorld(KafkaWorld):
    """A world whose producer compresses what is larger than the broker takes: its limit counts compressed bytes."""

    def append(self, topic: str, key: bytes, value: bytes) -> None:
        if len(value) <= MAX_BYTES:
            super().append(topic, key, value)
            return
        producer = Producer({**self._clients.connection.confluent(), "compression.type": "gzip", "log_level": 0})
        producer.produce(topic, value, key)
        assert producer.flush(20) == 0
        producer.close()


def mail(identity: str, size: int) -> dict[str, Any]:
    """Return the e-mail of a hard case, so long that its JSON has exactly that many bytes."""
    event: dict[str, Any] = deepcopy(dict(CASES["H03"].events[0])) | {"id": identity}
    event["data"]["email_message"] = ""
    event["data"]["email_message"] = "x" * (size - len(json.dumps(event).encode()))
    return event


@pytest.mark.kafka
@pytest.mark.slow
def test_a_record_just_below_the_bound_goes_through_and_one_just_above_is_a_dead_letter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "KafkaWorld", CompressingWorld)
    fits, exceeds = mail("fits", MAX_BYTES - BATCH_OVERHEAD), mail("exceeds", MAX_BYTES + 1)

    with (
        start_broker("auto") as broker,
        open_live(KafkaConnection(bootstrap=broker.bootstrap), load_settings()) as pipeline,
    ):
        outcomes = [pipeline.pipe(event) for event in (fits, exceeds, mail("small", 1_000))]

        tagged = [one for one in pipeline.emitted if one.topic == "allcall.tagged.contact.v1"]
        sorted_in = [one for one in pipeline.emitted if one.topic == "allcall.inbox.other.v1"]
        [letter] = values(pipeline, "allcall.dead-letter.v1")

    assert outcomes == [Outcome.ACCEPTED, Outcome.DEAD_LETTER, Outcome.ACCEPTED]
    whole = len(fits["data"]["email_message"])
    assert [b"x" * whole in one.raw_value for one in tagged] == [True, False]
    assert [one.raw_value for one in sorted_in] == [one.raw_value for one in tagged]
    assert (letter["code"], letter["size"]) == ("too_large", MAX_BYTES + 1)
    assert len(letter["sealed"]) < 1 << 17
