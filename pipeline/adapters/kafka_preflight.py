"""Ask a Kafka cluster, within seconds, whether it can be reached and lets us in; say in a sentence why not."""

import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from pipeline.domain.errors import ConfigurationError, PipelineError, UnavailableError
from pipeline.settings import KafkaConnection

TIMEOUT = 8.0
"""Seconds until a cluster that says nothing at all counts as unreachable."""
_STEP = 0.5

_silent = logging.getLogger("pipeline.preflight.librdkafka")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False  # what librdkafka has to say, `error_cb` gets too


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFacts:
    """What a reachable cluster says of itself."""

    cluster_id: str
    brokers: int


def check_broker(connection: KafkaConnection, timeout: float = TIMEOUT) -> ClusterFacts:
    """Return what the cluster is, or raise within `timeout` seconds.

    Clients of Kafka retry a wrong password or a closed port silently for half a minute; this asks once.

    Raises:
        UnavailableError: nothing answers at the address.
        ConfigurationError: the address cannot be resolved or a security file cannot be used.
        PipelineError: the cluster refuses the user, the password or the certificate.
    """
    errors: list[KafkaError] = []
    options: dict[str, Any] = {**connection.confluent(), "error_cb": errors.append, "log_level": 0}
    try:
        client = AdminClient(options, logger=_silent)
    except KafkaException as error:
        raise ConfigurationError(
            f"Kafka connection settings cannot be used: {error.args[0].str()}; see docs/reference/settings.md."
        ) from None
    deadline = monotonic() + timeout
    while monotonic() < deadline:
        try:
            described = client.describe_cluster(request_timeout=_STEP).result(timeout=_STEP * 2)
        except (KafkaException, TimeoutError):
            client.poll(0)
            for reported in errors:
                _raise(reported, connection)
        else:
            return ClusterFacts(cluster_id=described.cluster_id, brokers=len(described.nodes))
    raise UnavailableError(
        f"Kafka at {connection.bootstrap} does not answer within {timeout:.0f} s; is the address right, and does "
        f"{connection.security} fit its listener?"
    )


def _raise(error: KafkaError, connection: KafkaConnection) -> None:
    """Raise what an error means, if it is one that waiting does not mend."""
    if meaning := _MEANINGS.get(error.code()):
        raise meaning(connection)


def _denied(connection: KafkaConnection) -> PipelineError:
    return PipelineError(
        f"Kafka at {connection.bootstrap} refuses to log in user {connection.user}; check PIPELINE_KAFKA_USER, the "
        "file of PIPELINE_KAFKA_PASSWORD_FILE and PIPELINE_KAFKA_SASL_MECHANISM."
    )


def _no_trust(connection: KafkaConnection) -> PipelineError:
    return PipelineError(
        f"Kafka at {connection.bootstrap} and we do not agree on TLS; check PIPELINE_KAFKA_SECURITY, "
        "PIPELINE_KAFKA_CA_FILE and the certificate files."
    )


def _unresolved(connection: KafkaConnection) -> PipelineError:
    return ConfigurationError(
        f"Kafka address {connection.bootstrap} cannot be resolved; correct PIPELINE_KAFKA or --broker."
    )


def _down(connection: KafkaConnection) -> PipelineError:
    if _listens(connection.bootstrap):
        return PipelineError(
            f"something listens at {connection.bootstrap} but does not speak {connection.security}; check the port and "
            "PIPELINE_KAFKA_SECURITY."
        )
    return UnavailableError(
        f"Kafka at {connection.bootstrap} cannot be reached; start it (`pipeline dev-broker` runs one here) or correct "
        "PIPELINE_KAFKA or --broker."
    )


def _listens(bootstrap: str) -> bool:
    """Tell whether a port is open; librdkafka reports a closed port and a wrong protocol alike."""
    for address in bootstrap.split(","):
        host, _, port = address.rpartition(":")
        with suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return True
    return False


_MEANINGS: dict[int, Callable[[KafkaConnection], PipelineError]] = {
    KafkaError._AUTHENTICATION: _denied,  # noqa: SLF001 (librdkafka's local error codes begin with an underscore)
    KafkaError._SSL: _no_trust,  # noqa: SLF001 (same)
    KafkaError._RESOLVE: _unresolved,  # noqa: SLF001 (same)
    KafkaError._ALL_BROKERS_DOWN: _down,  # noqa: SLF001 (same)
}
