"""The worker's shell: Faust hosts the lanes, its web server tells how they are, its signals drain them.

Lanes run in threads of their own around their own Kafka clients. Faust's client is never started (`enable_kafka` is
off): it acknowledges what failed and would hold up the lanes' start.
"""

import asyncio
import logging
import os
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import faust
from faust.app.base import BootStrategy
from faust.worker import Worker
from mode import Service

from pipeline.domain.errors import FencedError, PipelineError, UnavailableError
from pipeline.lanes import Health, Lane

LIVE_SECONDS = 60.0
"""A lane that completes no step for so long is called dead: longer than any single client call may take."""

DRAIN_SECONDS = 40.0
"""How long a lane may take to finish its batch and leave."""

CRASH_SECONDS = 15.0
"""How long Faust may take to stop once its lanes have ended; then the process ends without it."""

log = logging.getLogger(__name__)


class LaneService(Service):
    """One lane in one thread.

    Args:
        name: Of the lane, such as `tag`.
        build: Makes the lane; called in the lane's thread, for it connects.
    """

    def __init__(self, name: str, build: Callable[[], Lane], **options: Any) -> None:
        super().__init__(**options)
        self.lane_name = name
        self.failure: BaseException | None = None
        self._build = build
        self._lane: Lane | None = None
        self._halt = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"lane-{name}", daemon=True)

    async def on_start(self) -> None:
        """Start the lane's thread."""
        self._home = asyncio.get_running_loop()
        self._thread.start()

    async def on_stop(self) -> None:
        """Let the lane finish its batch and leave."""
        self._halt.set()
        _leave_at_the_latest(DRAIN_SECONDS + CRASH_SECONDS, self)
        await self._home.run_in_executor(None, self._thread.join, DRAIN_SECONDS)
        if self._thread.is_alive() and self.failure is None:
            self.failure = UnavailableError(f"the {self.lane_name} lane did not stop within {DRAIN_SECONDS:g} s")

    def health(self) -> Health:
        """Return how the lane is; not ready while it is being built."""
        if self._lane is None:
            return Health(ready=False, partitions=(), idle_seconds=0.0, steps=0)
        return self._lane.health()

    def counts(self) -> Mapping[tuple[str, ...], int]:
        """Return the lane's counters."""
        return {} if self._lane is None else dict(self._lane.counts)

    def _run(self) -> None:
        try:
            self._lane = self._build()
            self._lane.run(self._halt)
        except BaseException as failure:  # noqa: BLE001 - whatever ends a lane ends the process, with its reason
            self.failure = failure
            self._home.call_soon_threadsafe(self._begin_crash, failure)

    def _begin_crash(self, failure: BaseException) -> None:
        self._crashing = asyncio.ensure_future(self.crash(failure))


def run_worker(  # noqa: PLR0913 - a composition root passes each part by name
    lanes: Mapping[str, Callable[[], Lane]],
    *,
    name: str = "pipeline",
    web_host: str = "127.0.0.1",
    web_port: int = 6066,
    data_dir: Path | None = None,
    debug: bool = False,
    live_seconds: float = LIVE_SECONDS,
) -> int:
    """Run lanes until SIGTERM or SIGINT, or until one of them fails; return the exit code of the process.

    `/ready` answers 200 once every lane has its partitions restored, `/live` as long as every lane progresses. Whether
    a lane waits for a clock that jumped stands in `/ready` too: it is well but emits nothing on time.
    A failure is told in one line on standard error; with `debug` its traceback follows.

    Args:
        lanes: What to run, by name; each is built in its own thread.
        name: Of the Faust application; shows in process lists only.
        web_host: Where health is told.
        web_port: Where health is told; 0 for no web server.
        data_dir: Folder that Faust makes for itself and leaves empty; a temporary one if None.
        debug: Whether to show tracebacks and Faust's own log.
        live_seconds: How long a lane may stand still.
    """
    services: list[LaneService] = []
    with ExitStack() as stack:
        folder = data_dir or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faust-")))
        folder.mkdir(parents=True, exist_ok=True)  # Faust makes the last part only, and dies silently without the rest
        app = _app(name, web_host, web_port, services, folder)
        services += [LaneService(lane, build, beacon=app.beacon) for lane, build in lanes.items()]
        _pages(app, services, live_seconds)
        return _execute(app, services, debug=debug)


def _execute(app: Any, services: Sequence[LaneService], *, debug: bool) -> int:
    """Run the application until it ends; return the exit code."""
    worker = Worker(
        app,
        loglevel=logging.INFO if debug else logging.CRITICAL,
        quiet=True,
        redirect_stdouts=False,
        loop=asyncio.new_event_loop(),
    )
    worker.spinner = None
    if not debug:
        for noisy in ("faust", "mode", "aiokafka"):
            logging.getLogger(noisy).setLevel(logging.CRITICAL + 1)
    try:
        worker.execute_from_commandline()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 1
    except Exception as failure:  # noqa: BLE001 - Faust's own failures end the process as the lanes' do
        return _told("the worker", failure, debug=debug)
    failed = [service for service in services if service.failure is not None]
    for service in failed:
        code = _told(f"the {service.lane_name} lane", service.failure, debug=debug)
    return code


def _leave_at_the_latest(after: float, service: LaneService) -> None:
    """End the process after a while, whatever still runs: a worker recovers or dies, it never hangs."""

    def leave() -> None:
        code = _told(f"the {service.lane_name} lane", service.failure or _STUCK, debug=False)
        leave_with(code)

    timer = threading.Timer(after, leave)
    timer.daemon = True
    timer.start()


_STUCK = FencedError("the worker did not stop in time")


def leave_with(code: int) -> None:
    """End the process without waiting for threads that a client library may have left behind."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _told(who: str, failure: BaseException | None, *, debug: bool) -> int:
    """Tell a failure in one line; return its exit code."""
    known = isinstance(failure, PipelineError)
    # The text of a foreign exception may quote what it choked on, a person's data included: its type is enough.
    said = str(failure) if known else f"{type(failure).__name__} (run with --debug for its traceback)"
    sys.stderr.write(f"{who} failed: {' '.join(said.split())}\n")
    if debug and failure is not None:
        traceback.print_exception(failure)
    return failure.exit_code if isinstance(failure, PipelineError) else 1


def _app(name: str, web_host: str, web_port: int, services: Sequence[LaneService], data_dir: Path) -> Any:
    class _Boot(BootStrategy):
        enable_kafka = False
        enable_web = bool(web_port)

        def server(self) -> Iterable[Any]:
            # Before and apart from anything of Faust's that waits for Kafka.
            return self._chain(self.sensors(), self.web_server(), services)

    class _App(faust.App):
        BootStrategy = _Boot

    return _App(
        name,
        broker="kafka://unused",
        store="memory://",
        datadir=data_dir,  # by default Faust litters the folder in which the worker was started
        topic_disable_leader=True,
        autodiscover=False,
        web_enabled=bool(web_port),
        web_host=web_host,
        web_bind=web_host,
        web_port=web_port or 6066,
    )


def _pages(app: Any, services: Sequence[LaneService], live_seconds: float) -> None:
    @app.page("/ready")  # type: ignore[untyped-decorator] # faust ships no types
    async def ready(web: Any, request: Any) -> Any:  # noqa: ARG001 - the signature that Faust calls
        states = {service.lane_name: service.health() for service in services}
        body = {
            name: {"ready": h.ready, "partitions": len(h.partitions), "clock_distrusted": h.distrusted}
            for name, h in states.items()
        }
        return web.json(body, status=200 if all(h.ready for h in states.values()) else 503)

    @app.page("/live")  # type: ignore[untyped-decorator] # faust ships no types
    async def live(web: Any, request: Any) -> Any:  # noqa: ARG001 - the signature that Faust calls
        states = {service.lane_name: service.health() for service in services}
        alive = all(h.idle_seconds <= live_seconds for h in states.values())
        body = {name: {"idle_seconds": round(h.idle_seconds, 3), "steps": h.steps} for name, h in states.items()}
        return web.json(body, status=200 if alive else 503)
