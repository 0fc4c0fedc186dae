"""Make a producer that is ready to send: the connection checked, the schemas loaded, the client joined to both."""

from collections.abc import Callable
from typing import Literal

from pipeline.adapters.avro.codec import AvroCodec
from pipeline.adapters.avro.schemas import Schemas
from pipeline.adapters.kafka_preflight import check_broker
from pipeline.domain.errors import ConfigurationError
from pipeline.producer.async_producer import AsyncProducer
from pipeline.producer.backend import Backend
from pipeline.producer.producer import Observer, Producer
from pipeline.settings import KafkaConnection, Settings, load_settings

BackendName = Literal["confluent", "kafka-python"]


def connect(  # noqa: PLR0913 (every option has a default and a name)
    bootstrap: str | None = None,
    *,
    settings: Settings | None = None,
    backend: BackendName = "confluent",
    max_pending: int = 10_000,
    delivery_timeout: float = 30.0,
    observer: Observer | None = None,
) -> Producer:
    """Return a producer; use it as a context manager, so that nothing is lost at the end.

    Args:
        bootstrap: Brokers as HOST:PORT; without it the settings decide.
        settings: Instead of those of the environment.
        backend: Which Kafka client carries the events; both give the same messages.
        max_pending: Events that may wait for Kafka before `send` raises BufferFull.
        delivery_timeout: Seconds after which an unconfirmed event counts as failed.
        observer: Gets every send, delivery and failure, for metrics.

    Raises:
        UnavailableError: nothing answers at the address; told within seconds.
        ConfigurationError: a setting or the name of the backend is wrong.
        PipelineError: the cluster refuses the user.
    """
    if backend not in _BACKENDS:
        raise ConfigurationError(f"there is no backend {backend!r}; choose {' or '.join(_BACKENDS)}.")
    chosen = settings or load_settings()
    connection = chosen.connection(bootstrap)
    check_broker(connection)
    return Producer(
        _BACKENDS[backend](connection, max_pending, delivery_timeout),
        AvroCodec(Schemas.load(chosen.schemas)),
        max_pending=max_pending,
        observer=observer,
    )


def connect_async(  # noqa: PLR0913 (same)
    bootstrap: str | None = None,
    *,
    settings: Settings | None = None,
    backend: BackendName = "confluent",
    max_pending: int = 10_000,
    delivery_timeout: float = 30.0,
    observer: Observer | None = None,
) -> AsyncProducer:
    """Return a producer for asyncio; arguments and errors are those of `connect`."""
    producer = connect(
        bootstrap,
        settings=settings,
        backend=backend,
        max_pending=max_pending,
        delivery_timeout=delivery_timeout,
        observer=observer,
    )
    return AsyncProducer(producer, max_pending=max_pending)


def _confluent(connection: KafkaConnection, max_pending: int, delivery_timeout: float) -> Backend:
    from pipeline.producer.confluent_backend import ConfluentBackend  # noqa: PLC0415 (only the chosen client is loaded)

    return ConfluentBackend(connection.confluent(), max_pending, delivery_timeout)


def _kafka_python(connection: KafkaConnection, max_pending: int, delivery_timeout: float) -> Backend:  # noqa: ARG001 (one signature for both)
    from pipeline.producer.kafka_python_backend import KafkaPythonBackend  # noqa: PLC0415 (same)

    return KafkaPythonBackend(connection.kafka_python(), delivery_timeout)


_BACKENDS: dict[BackendName, Callable[[KafkaConnection, int, float], Backend]] = {
    "confluent": _confluent,
    "kafka-python": _kafka_python,
}
