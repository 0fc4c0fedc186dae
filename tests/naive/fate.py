"""When a record really ends: time passes, things become known as they happen, holds hold."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tests.naive.promise import Ended, Happened, Promise, Record


def fate(
    record: Record, happened: Sequence[Happened], states: Mapping[str, Mapping[str, Any]], keep: Any
) -> Ended | None:
    """Return when a record really ends: facts become known as they happen, and what has ended stays ended (C7, C8)."""

    def known(until: datetime) -> Ended | None:
        so_far = [one for one in happened if one.at <= until]
        return _unless_held(Promise(record, so_far, states, keep).end(), record, so_far)

    due = known(record.at)
    for at in sorted({one.at for one in happened if one.at > record.at}):
        if due is not None and due[0] <= at:
            break
        due = known(at)
        if due is not None and due[0] < at:
            due = (at, None)
    return due


def _unless_held(due: Ended | None, record: Record, happened: Sequence[Happened]) -> Ended | None:
    """Return an end moved to the release of every hold that was opened before it (X5)."""
    ordered = sorted(happened, key=lambda one: one.turn)
    for opened in ordered:
        if due is None or opened.type != "hold.opened" or opened.at >= due[0] or not _holds(opened, record):
            continue
        released = [
            one.at
            for one in ordered
            if one.type == "hold.closed" and one.turn > opened.turn and one.about.get("hold") == opened.about["hold"]
        ]
        if not released:
            return None
        if released[0] > due[0]:
            due = (released[0], None)
    return due


def _holds(opened: Happened, record: Record) -> bool:
    """Tell whether a hold is on a record: on one of the things it names, or on its subject if it names nothing else."""
    specific = {kind: value for kind, value in opened.about.items() if kind not in ("subject", "hold")}
    if specific:
        return any(record.about.get(kind) == value for kind, value in specific.items())
    return opened.about.get("subject") == record.about.get("subject")
