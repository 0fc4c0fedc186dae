"""What single values may look like: JSON text inside Avro strings, instants, names of undeclared fields.

Payload fields without an Avro type of their own carry any JSON value as canonical text: keys sorted, no spaces, UTF-8.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from pipeline.adapters.avro.faults import MAX_DEPTH, MAX_UNDECLARED, fault

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
FIRST_INSTANT = (datetime.min.replace(tzinfo=UTC) - EPOCH) // MICROSECOND
LAST_INSTANT = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MICROSECOND

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_UNFIT = re.compile(r"[\0\ud800-\udfff]")
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(:\d\d)?(?:\.(\d{1,9}))?(Z|z|[+-](?:[01]\d|2[0-3]):[0-5]\d)\Z", re.ASCII
)


def instant(text: object, field: str) -> datetime:
    """Return an RFC 3339 date and time with offset as a datetime in UTC; digits below the microsecond are cut off."""
    match = _TIME.match(text) if isinstance(text, str) else None
    if match is None:
        raise fault("invalid_time", field)
    date, minute, second, fraction, offset = match.groups()
    micros = (fraction or "")[:6].ljust(6, "0")
    try:
        zone = "+00:00" if offset in "Zz" else offset
        return datetime.fromisoformat(f"{date}T{minute}{second or ':00'}.{micros}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise fault("invalid_time", field) from None


def to_micros(instant: datetime) -> int:
    """Return an instant as microseconds since the epoch."""
    return (instant - EPOCH) // MICROSECOND


def from_micros(micros: int, field: str) -> datetime:
    """Return the instant of a timestamp in microseconds since the epoch."""
    if not FIRST_INSTANT <= micros <= LAST_INSTANT:
        raise fault("invalid_time", field)
    return EPOCH + timedelta(0, 0, micros)


def check(value: object, field: str | None = None, depth: int = 0) -> None:
    """Make sure that a value is JSON that every reader can hold.

    Raises:
        InvalidEvent: nested too deeply, NUL or lone surrogates in a text or key, a number that is not finite, no JSON.
    """
    if depth > MAX_DEPTH:
        raise fault("too_deep", field)
    match value:
        case str():
            if _UNFIT.search(value):
                raise fault("invalid_text", field)
        case float() if not math.isfinite(value):
            raise fault("invalid_field", field)
        case Mapping() if all(isinstance(key, str) for key in value):
            for inner in (*value, *value.values()):
                check(inner, field, depth + 1)
        case list() | tuple():
            for inner in value:
                check(inner, field, depth + 1)
        case None | bool() | int() | float():
            pass
        case _:
            raise fault("invalid_field", field)


def json_text(value: object, field: str | None = None) -> str:
    """Return a value as canonical JSON text."""
    check(value, field)
    try:
        return json.dumps(
            value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=dict
        )
    except ValueError:  # an integer of more digits than Python writes
        raise fault("invalid_field", field) from None


def json_value(text: str, field: str | None = None) -> Any:
    """Return the value of a JSON text found inside a record."""
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise fault("invalid_field", field) from None
    check(value, field)
    return value


def document(value: bytes) -> dict[str, Any]:
    """Return a JSON object sent from outside.

    Raises:
        InvalidEvent: `not_json`, `duplicate-key`, `too_deep`, `invalid_text` or `invalid_field`.
    """
    try:
        found = json.loads(str(value, "utf-8"), parse_constant=_no_constant, object_pairs_hook=_unique)
    except RecursionError:
        raise fault("too_deep") from None
    except ValueError:
        raise fault("not_json") from None
    if not isinstance(found, dict):
        raise fault("not_json")
    check(found)
    return found


def _no_constant(_name: str) -> None:
    raise ValueError  # NaN and Infinity are no JSON, RFC 8259 section 6


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise fault("duplicate-key")
    return found


def reported(names: Iterable[str]) -> tuple[str, ...]:
    """Return names of undeclared fields, fit for reports: a name that may hold personal data becomes a digest."""
    found = tuple(dict.fromkeys(_reported(name) for name in names))
    if len(found) > MAX_UNDECLARED:
        raise fault("too-many-fields")
    return found


def _reported(name: str) -> str:
    if _NAME.match(name):
        return name
    return f"invalid-name-{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
