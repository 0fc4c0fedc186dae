"""Retention expressions as DPV durations: types of the vocabulary for those who read it, and our own parts beside them.

Every node keeps its name and its parts, so that what is read back is what was written, node by node.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, get_args

from pipeline.domain.calendar import Period
from pipeline.policy.describe import in_words
from pipeline.policy.retention import (
    After,
    Anchor,
    FactPattern,
    Indefinite,
    Retention,
    State,
    Undetermined,
    Until,
    While,
    YearEnd,
)

_DPV: Mapping[type, str] = {
    After: "dpv:TemporalDuration",
    YearEnd: "dpv:TemporalDuration",
    Until: "dpv:UntilEventDuration",
    While: "dpv:UntilEventDuration",
    Indefinite: "dpv:IndeterminateDuration",
    Undetermined: "dpv:IndeterminateDuration",
}
"""The vocabulary's type of a node; the compound ones are just durations there."""

_NODES: Mapping[str, type] = {node.__name__: node for node in (*get_args(Retention), Anchor, FactPattern, State)}


def duration(node: Retention) -> dict[str, object]:
    """Return a retention as a DPV duration: an ISO 8601 period where it is one, else its meaning in words."""
    value = str(node.period) if isinstance(node, After) and not node.anchor else in_words(node)
    return {**_written(node), "@type": [_DPV.get(type(node), "dpv:Duration"), _name(node)], "rdf:value": value}


def retention(written: Mapping[str, Any]) -> Retention:
    """Return the retention that a duration was made from.

    Raises:
        ValueError: a part is of a type that there is no node for.
    """
    found: Retention = _read(written)
    return found


def _name(node: object) -> str:
    return f"pp:{type(node).__name__}"


def _written(value: Any) -> Any:
    if isinstance(value, Period):
        return {"@type": "xsd:duration", "@value": str(value)}
    if isinstance(value, tuple):
        return {"@list": [_written(part) for part in value]}
    if not is_dataclass(value):
        return value
    parts = {f"pp:{part.name}": getattr(value, part.name) for part in fields(value)}
    return {"@type": [_name(value)], **{name: _written(part) for name, part in parts.items() if part is not None}}


def _read(written: Any) -> Any:
    if not isinstance(written, Mapping):
        return written
    if "@value" in written:
        return Period.parse(written["@value"])
    if "@list" in written:
        return tuple(_read(part) for part in written["@list"])
    node = _NODES.get(written["@type"][-1].removeprefix("pp:"))
    if node is None:
        raise ValueError(f"there is no retention of type {written['@type'][-1]}")
    return node(**{part.name: _read(written.get(f"pp:{part.name}")) for part in fields(node)})
