"""`pipeline worker`: the stream worker. One process runs lanes; with several, a parent starts and supervises them."""

import logging
import os
import socket
import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from pipeline.cli.options import broker_option, settings_at
from pipeline.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from pipeline.bootstrap.live import Deployment
    from pipeline.settings import Settings

LAST_PORT = 65535


@click.command(short_help="Run the stream workers: tag, share, expire.")
@click.option("--lane", type=click.Choice(["tag", "expire", "all"]), default="all", show_default=True)
@click.option("--processes", type=click.IntRange(1, 64), default=1, show_default=True, help="One for each core.")
@click.option("--ordinal", type=click.IntRange(0), default=0, show_default=True, help="Number of the first process.")
@broker_option
@click.pass_context
def worker(ctx: click.Context, *, lane: str, processes: int, ordinal: int, broker: str | None) -> None:
    """Run the lanes on Kafka until SIGTERM or Ctrl-C.

    The tag lane reads events, tags them and shares what may be shared; the
    expire lane says what has ended. Each process takes a share of the
    partitions and serves /ready and /live on its own port, counting up from
    $PIPELINE_WEB_PORT. On SIGTERM a worker finishes its batch and leaves with 0.
    A process of the same lane and ordinal must not run twice; on several
    machines give each its own range with --ordinal. With --processes 2 and
    more, one that fails is started anew, unless its configuration is wrong; a
    single one leaves with its code (75: start me again), for compose or
    Kubernetes to act on.

    Settings come from the environment: docs/reference/settings.md.
    """
    from pipeline.adapters.kafka_preflight import check_broker
    from pipeline.bootstrap.live import check_ready, deployment

    settings = settings_at(broker)
    _check_ports(settings, ordinal, processes)
    check_broker(settings.connection())
    deployed = deployment(settings)
    check_ready(deployed)  # in the parent too: starting anew mends no configuration
    debug = ctx.find_root().params.get("debug", False)
    if processes == 1:
        _run(deployed, lane, ordinal, debug=debug)
    _supervise(settings, lane, range(ordinal, ordinal + processes), debug=debug)


def _run(deployed: "Deployment", lane: str, ordinal: int, *, debug: bool) -> None:
    from pipeline.adapters.faust_worker import leave_with, run_worker
    from pipeline.bootstrap.live import LANES, open_lane

    settings = deployed.settings
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    for chatty in () if debug else ("kafka", "mode"):  # their warnings repeat what our own errors say
        logging.getLogger(chatty).setLevel(logging.CRITICAL + 1)
    lanes = LANES if lane == "all" else (lane,)
    port = settings.web_port + ordinal if settings.web_port else 0
    controllers = ", ".join(deployed.controllers)
    click.echo(f"worker {ordinal}: {' and '.join(lanes)} lane for {controllers}, portable engine", err=True)
    code = run_worker(
        {name: partial(open_lane, deployed, name, ordinal) for name in lanes},
        name=f"{settings.group}-{ordinal}",
        web_host=settings.web_host,
        web_port=port,
        data_dir=settings.state_dir / f"faust-{ordinal}",
        debug=debug,
    )
    leave_with(code)


def _supervise(settings: "Settings", lane: str, ordinals: range, *, debug: bool) -> None:
    from pipeline.adapters.process_supervisor import supervise

    def command(index: int) -> list[str]:
        flags = ["--debug"] if debug else []
        number = str(ordinals[index])
        return [
            sys.executable, "-m", "pipeline", *flags, "worker", "--lane", lane, "--ordinal", number,
            "--broker", settings.kafka,
        ]  # fmt: skip

    sys.exit(supervise(len(ordinals), command, tell=partial(click.echo, err=True)))


def _check_ports(settings: "Settings", ordinal: int, processes: int) -> None:
    """Refuse a port in use before anything starts."""
    if not settings.web_port:
        return
    if (last := settings.web_port + ordinal + processes - 1) > LAST_PORT:
        raise ConfigurationError(
            f"health pages would need ports up to {last}, and {LAST_PORT} is the last: set PIPELINE_WEB_PORT to a "
            "lower one, or to 0 for none"
        )
    for port in range(settings.web_port + ordinal, settings.web_port + ordinal + processes):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.web_host, port))
            except OSError as error:
                raise ConfigurationError(
                    f"{settings.web_host}:{port} cannot be used for health pages ({os.strerror(error.errno or 0)}): "
                    "set PIPELINE_WEB_PORT to a free port, or to 0 for none"
                ) from None
