"""Use a Kafka broker that somebody else runs. Starts and ends nothing."""

from typing import NoReturn

from pipeline.domain.errors import ConfigurationError, UnavailableError
from pipeline.testing.broker_ports import answers

ANSWER_TIMEOUT = 5.0


class GivenBroker:
    """A broker under an address that was given; see `Broker`. It can be used, not killed."""

    kind = "given"
    version = ""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        if not self.running():
            raise UnavailableError(
                f"No Kafka answers at {bootstrap}: start it, or correct the address (PIPELINE_KAFKA)."
            )

    def running(self) -> bool:
        """Return whether one of the addresses accepts connections.

        Raises:
            ConfigurationError: an address is not HOST:PORT.
        """
        return any(answers(*_host_and_port(address), ANSWER_TIMEOUT) for address in self.bootstrap.split(","))

    def kill(self) -> NoReturn:
        """Refuse: it is not ours to end."""
        self._refuse()

    def restart(self) -> NoReturn:
        """Refuse: it is not ours to end."""
        self._refuse()

    def stop(self) -> None:
        """Leave it as it is."""

    def _refuse(self) -> NoReturn:
        raise ConfigurationError(
            f"The broker at {self.bootstrap} was not started here and is left alone; choose the kind jvm or docker."
        )


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigurationError(f"{address!r} is not HOST:PORT, such as localhost:9092.")
    return host, int(port)
