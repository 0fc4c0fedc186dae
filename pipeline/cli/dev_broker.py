"""`pipeline dev-broker`: a real Kafka on this machine for as long as the command runs."""

import signal
import sys
import threading
from pathlib import Path
from types import FrameType

import click

from pipeline.domain.errors import UnavailableError
from pipeline.testing.broker import start_broker
from pipeline.testing.broker_contract import Broker

LOOK_SECONDS = 0.5


@click.command("dev-broker")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=9092,
    show_default=True,
    help="Port on 127.0.0.1; 0 takes a free one.",
)
@click.option(
    "--kind",
    type=click.Choice(["auto", "jvm", "docker"]),
    default="auto",
    show_default=True,
    help="Where to run it; auto prefers a Docker engine that has the image.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that keeps the data for the next time (jvm). Without it all is gone at the end.",
)
def dev_broker(*, port: int, kind: str, data: Path | None) -> None:
    """Start a real Kafka for development on this machine.

    Prints the broker's address and runs until Ctrl-C. The first start fetches
    Apache Kafka (43 MB) unless Docker has it; later ones take about a second.
    """
    stop = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with start_broker(kind, port=port or None, data=data, tell=_tell) as broker:
            click.echo(broker.bootstrap)
            sys.stdout.flush()
            _tell(_how_to_use(broker))
            _wait(broker, stop)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait(broker: Broker, stop: threading.Event) -> None:
    while not stop.wait(LOOK_SECONDS):
        if not broker.running():
            raise UnavailableError("The broker ended by itself; start it again, with --data to see its log afterwards.")


def _how_to_use(broker: Broker) -> str:
    return (
        f"Apache Kafka {broker.version} runs ({broker.kind}) until Ctrl-C. In another terminal:\n"
        f"  export PIPELINE_KAFKA={broker.bootstrap}\n"
        "  pipeline topics apply --replicas 1\n"
        f"  {Path(sys.executable).name} -m pipeline.testing.development_keys keys\n"
        "  export PIPELINE_KEY_FILE=keys/pseudonyms.key PIPELINE_OFFICER_KEY=keys/officer.pem\n"
        "  pipeline worker"
    )


def _tell(message: str) -> None:
    click.echo(message, err=True)
