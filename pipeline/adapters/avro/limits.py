"""How long the parts of an event may be, so that whatever is written about one event fits into one Kafka message."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.adapters.avro.faults import fault
from pipeline.domain.events import ATTRIBUTES

MAX_ID_BYTES = 512
"""Bytes of UTF-8 of an id, an event name, a controller, a source, a policy version, or one item of a list."""

MAX_ATTRIBUTE_BYTES = 1_024
"""Bytes of UTF-8 of any other attribute that is a text."""

MAX_ITEMS = 100
"""Items of an attribute that is a list."""

HEAD_FIELDS: Mapping[str, str] = {
    "event_id": "id", "type": "type", "controller": "controller", "data_subject_id": "partitionkey", "source": "source",
    "policy_version": "policyversion",
}  # fmt: skip
"""Texts of at most `MAX_ID_BYTES`: names in Avro, and as CloudEvents, which errors use."""

PLAIN_TEXT_FIELDS = frozenset({"name", "phone", "email", "national_id", "date_of_birth", "ip", "order_number"})
"""Payload fields that are texts. One that is empty or blank counts as absent: nothing was said."""


def bounded(value: str, field: str, limit: int = MAX_ID_BYTES) -> str:
    """Return a text if it is short enough.

    Raises:
        InvalidEvent: `too_large`, with the field.
    """
    if len(value) > limit or len(value.encode("utf-8", "surrogatepass")) > limit:
        raise fault("too_large", field)
    return value


def bounded_items(values: Sequence[str], field: str) -> None:
    """Make sure that a list is short and that each of its items is.

    Raises:
        InvalidEvent: `too_large`, with the field.
    """
    if len(values) > MAX_ITEMS:
        raise fault("too_large", field)
    for one in values:
        bounded(one, field)


def bounded_attribute(value: Any, field: str) -> None:
    """Make sure that a decision attribute of any type is short enough.

    Raises:
        InvalidEvent: `too_large`, with the field.
    """
    if isinstance(value, str):
        bounded(value, field, MAX_ATTRIBUTE_BYTES)
    elif isinstance(value, list | tuple):
        bounded_items(value, field)


def bounded_record(record: Mapping[str, Any]) -> None:
    """Make sure that everything in a source record is short enough that has a limit.

    Raises:
        InvalidEvent: `too_large`, with the field.
    """
    for name, told in HEAD_FIELDS.items():
        bounded(record.get(name) or "", told)
    for name in ATTRIBUTES:
        bounded_attribute(record.get(name), name)


def is_blank(value: object) -> bool:
    """Return whether a text says nothing."""
    return isinstance(value, str) and not value.strip()
