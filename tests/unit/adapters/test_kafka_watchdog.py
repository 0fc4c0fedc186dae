from threading import Event

from pipeline.adapters.kafka_lane import Watchdog


def test_a_call_that_does_not_return_is_told_by_name() -> None:
    told: list[str] = []
    hung = Event()

    def on_hang(message: str) -> None:
        told.append(message)
        hung.set()

    dog = Watchdog(0.05, on_hang)

    with dog.watch("commit_transaction"):
        assert hung.wait(10)

    dog.close()
    assert told == ["Kafka's commit_transaction did not return in 0.05 s: this worker starts anew"]


def test_calls_that_return_are_left_alone() -> None:
    hung = Event()
    dog = Watchdog(0.2, lambda _message: hung.set())

    for _ in range(3):
        with dog.watch("flush"):
            pass

    assert not hung.wait(0.5)
    dog.close()


def test_a_call_that_may_take_longer_gets_its_time() -> None:
    hung = Event()
    dog = Watchdog(0.05, lambda _message: hung.set())

    with dog.watch("consume", longer=30):
        assert not hung.wait(0.5)

    dog.close()
