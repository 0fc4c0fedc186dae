"""The producer: bounded, honest about every event, and silent about values."""

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.domain.errors import InvalidEvent, PipelineError
from pipeline.producer import AsyncProducer, BufferFull, DeliveryFailed, EventRejected, Observation, Producer, Receipt
from pipeline.producer.wire import message_of
from tests.unit.producer.producer_fakes import HeldBackend, JsonEncoder, a_purchase, confirm, refuse

RECEIPT = Receipt(topic="tek-zence.source.purchase.v1", partition=0, offset=7, event_id="order-1")


class PickyEncoder:
    """Refuses everything, as a codec does with a value that does not fit."""

    def encode(self, schema: str, value: Mapping[str, object]) -> bytes:
        raise InvalidEvent("bad-value", f"{schema}: {len(value)} fields", field="address")


def test_a_message_is_a_cloudevent_in_binary_mode_without_personal_data_outside_its_value() -> None:
    message = message_of(a_purchase(phone="+46 70 123 45 67"), JsonEncoder())

    assert message.topic == "tek-zence.source.purchase.v1"
    assert message.key == b"s-81f0"
    assert message.headers == (
        ("ce_specversion", b"1.0"),
        ("ce_id", b"order-1"),
        ("ce_source", b"web-shop"),
        ("ce_type", b"purchase.completed"),
        ("ce_time", b"2024-02-29T12:00:00.000000Z"),
        ("content-type", b"application/avro"),
    )
    assert json.loads(message.value)["name"] == "Jane Doe"
    assert "Jane" not in repr(message)


def test_a_value_that_the_encoder_refuses_is_rejected_before_anything_is_sent() -> None:
    backend = HeldBackend()

    with Producer(backend, PickyEncoder()) as producer, pytest.raises(EventRejected) as caught:
        producer.send(a_purchase())

    assert (caught.value.field, caught.value.rule) == ("address", "bad-value")
    assert backend.sent == []


def test_a_delivery_gives_the_receipt_when_kafka_has_the_event() -> None:
    backend = HeldBackend(on_flush=confirm)
    with Producer(backend, JsonEncoder()) as producer:
        delivery = producer.send(a_purchase())
        assert not delivery.done()
        with pytest.raises(TimeoutError, match="order-1 is not confirmed yet"):
            delivery.result(0)

        backend.answer(confirm)

        assert delivery.result(0) == RECEIPT
        assert producer.pending == 0


def test_a_full_buffer_refuses_and_takes_again_when_there_is_room() -> None:
    backend = HeldBackend(on_flush=confirm)
    with Producer(backend, JsonEncoder(), max_pending=2) as producer:
        producer.send(a_purchase(1))
        producer.send(a_purchase(2))
        with pytest.raises(BufferFull) as caught:
            producer.send(a_purchase(3))
        assert (caught.value.limit, caught.value.retriable) == (2, True)

        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(producer.send, a_purchase(3), wait=10)
            backend.answer(confirm)
            assert waiting.result(10).event_id == "order-3"

    assert [message.event_id for message in backend.sent] == ["order-1", "order-2", "order-3"]


def test_a_failure_is_raised_where_it_is_asked_for_and_not_again() -> None:
    backend = HeldBackend()
    with Producer(backend, JsonEncoder()) as producer:
        delivery = producer.send(a_purchase())
        backend.answer(refuse)

        with pytest.raises(
            DeliveryFailed, match="event order-1 was not delivered: Kafka says MSG_SIZE_TOO_LARGE"
        ) as caught:
            delivery.result(0)

    assert (caught.value.event_id, caught.value.code, caught.value.retriable) == (
        "order-1",
        "MSG_SIZE_TOO_LARGE",
        False,
    )


def test_a_failure_that_nobody_asked_for_is_raised_by_flush() -> None:
    backend = HeldBackend(on_flush=refuse)
    with Producer(backend, JsonEncoder()) as producer:
        producer.send(a_purchase())
        with pytest.raises(DeliveryFailed, match="order-1"):
            producer.flush(1)
        producer.flush(1)  # once is enough

        producer.send(a_purchase(1))
        producer.send(a_purchase(2))
        with pytest.raises(DeliveryFailed, match="2 events were not delivered; the first: event order-1"):
            producer.flush(1)


def test_flush_says_how_many_events_are_still_on_their_way() -> None:
    backend = HeldBackend()
    producer = Producer(backend, JsonEncoder())
    delivery = producer.send(a_purchase())

    with pytest.raises(DeliveryFailed, match="1 events are not confirmed after 0 s") as caught:
        producer.flush(0)

    assert caught.value.retriable
    backend.answer(confirm)
    assert delivery.result(0) == RECEIPT
    producer.close()


def test_closing_drops_nothing_in_silence() -> None:
    backend = HeldBackend()
    producer = Producer(backend, JsonEncoder())
    delivery = producer.send(a_purchase())

    with pytest.raises(DeliveryFailed, match="closed before Kafka confirmed it"):
        producer.close(0)

    assert backend.closed
    error = delivery.error()
    assert error is not None
    assert (error.code, error.retriable) == ("closed", True)
    backend.answer(confirm)  # too late, and harmless
    producer.close()


def test_a_closed_producer_takes_nothing() -> None:
    producer = Producer(HeldBackend(), JsonEncoder())
    producer.close()

    with pytest.raises(PipelineError, match="this producer is closed"):
        producer.send(a_purchase())


def test_an_error_inside_the_block_is_kept_and_told_of_lost_events() -> None:
    with pytest.raises(ZeroDivisionError) as caught, Producer(HeldBackend(), JsonEncoder()) as producer:  # noqa: PT012 (the block is the subject)
        producer.send(a_purchase())
        _ = 1 // 0

    assert "order-1" in caught.value.__notes__[0]


def test_metrics_see_every_step() -> None:
    seen: list[Observation] = []
    backend = HeldBackend()
    producer = Producer(backend, JsonEncoder(), max_pending=1, observer=seen.append)
    producer.send(a_purchase())
    with pytest.raises(BufferFull):
        producer.send(a_purchase())
    backend.answer(confirm)
    producer.send(a_purchase())
    backend.answer(refuse)
    with pytest.raises(DeliveryFailed):
        producer.close()

    assert [(one.kind, one.code, one.pending) for one in seen] == [
        ("sent", "", 1), ("buffer-full", "", 1), ("delivered", "", 0), ("sent", "", 1), ("failed", "MSG_SIZE_TOO_LARGE", 0),
    ]  # fmt: skip


def test_a_forgotten_producer_tells_at_exit_what_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    producer = Producer(HeldBackend(), JsonEncoder())
    producer.send(a_purchase())

    producer._last_words()

    assert "order-1 was not delivered" in caplog.text
    assert "Jane" not in caplog.text


@pytest.mark.parametrize("blocks", [False, True])
def test_asyncio_awaits_the_receipt(blocks: bool) -> None:  # noqa: FBT001 (a parameter of the test)
    backend = HeldBackend(blocks=blocks, on_flush=confirm)

    async def main() -> list[Receipt]:
        async with AsyncProducer(Producer(backend, JsonEncoder())) as producer:
            sending = asyncio.gather(*(producer.send(a_purchase(number)) for number in range(3)))
            await backend.until_held(3)
            await producer.flush()
            return list(await sending)

    assert [receipt.event_id for receipt in asyncio.run(main())] == ["order-0", "order-1", "order-2"]


def test_asyncio_feels_a_full_buffer_too() -> None:
    backend = HeldBackend(on_flush=confirm)

    async def main() -> Receipt:
        async with AsyncProducer(Producer(backend, JsonEncoder()), max_pending=1) as producer:
            first = asyncio.create_task(producer.send(a_purchase(1)))
            await backend.until_held()
            with pytest.raises(BufferFull):
                await producer.send(a_purchase(2), wait=0)
            backend.answer(confirm)
            return await first

    assert asyncio.run(main()) == RECEIPT


def test_asyncio_raises_what_failed_and_frees_its_place() -> None:
    backend = HeldBackend()

    async def main() -> None:
        async with AsyncProducer(Producer(backend, JsonEncoder()), max_pending=1) as producer:
            for _ in range(2):
                sending = asyncio.create_task(producer.send(a_purchase()))
                await backend.until_held()
                backend.answer(refuse)
                with pytest.raises(DeliveryFailed):
                    await sending

    asyncio.run(main())


def test_asyncio_frees_its_place_when_an_event_is_rejected() -> None:
    async def main() -> None:
        async with AsyncProducer(Producer(HeldBackend(), PickyEncoder()), max_pending=1) as producer:
            for _ in range(2):
                with pytest.raises(EventRejected):
                    await producer.send(a_purchase(), wait=0)

    asyncio.run(main())


def test_a_cancelled_send_still_frees_its_place_and_its_failure_is_raised_at_the_end() -> None:
    backend = HeldBackend()

    async def main() -> None:
        async with AsyncProducer(Producer(backend, JsonEncoder()), max_pending=1) as producer:
            sending = asyncio.create_task(producer.send(a_purchase()))
            await backend.until_held()
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            backend.answer(refuse)
            with pytest.raises(DeliveryFailed):
                await producer.flush()

    asyncio.run(main())


def test_an_async_block_that_fails_keeps_its_error() -> None:
    async def main() -> None:
        async with AsyncProducer(Producer(HeldBackend(), JsonEncoder())) as producer:
            task = asyncio.create_task(producer.send(a_purchase()))
            await asyncio.sleep(0)
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            _ = 1 // 0

    with pytest.raises(ZeroDivisionError):
        asyncio.run(main())
