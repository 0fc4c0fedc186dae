"""Find ports that a broker can keep over restarts."""

import secrets
import socket
from collections.abc import Iterator

from pipeline.domain.errors import UnavailableError

LOOPBACK = "127.0.0.1"

FIRST_PORT, LAST_PORT = 20_000, 32_000
"""Below 32768, where Linux begins to give ports to outgoing connections, which could take one between two starts."""


def free_ports(count: int) -> tuple[int, ...]:
    """Return ports on which nobody listens now. Another program may still take one: retry with others then.

    Raises:
        UnavailableError: fewer than that are free.
    """
    found: list[int] = []
    for port in _candidates():
        if is_free(port):
            found.append(port)
        if len(found) == count:
            return tuple(found)
    raise UnavailableError(
        f"No {count} free ports between {FIRST_PORT} and {LAST_PORT}: end programs that listen there."
    )


def is_free(port: int) -> bool:
    """Return whether a program could listen on a port of the loopback interface now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the JVM does: connections of a former broker that linger in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def is_own_address(host: str) -> bool:
    """Return whether an address belongs to an interface of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((host, 0))
        except OSError:
            return False
    return True


def answers(host: str, port: int, timeout: float) -> bool:
    """Return whether somebody accepts connections there within some seconds."""
    try:
        with socket.create_connection((host, port), timeout=timeout):
            return True
    except OSError:
        return False


def listens(path: str) -> bool:
    """Return whether somebody accepts connections at a Unix socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def _candidates() -> Iterator[int]:
    size = LAST_PORT - FIRST_PORT
    start = secrets.randbelow(size)  # two launchers at the same time should not try the same ports
    return (FIRST_PORT + (start + step) % size for step in range(size))
