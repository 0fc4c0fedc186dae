"""Names with placeholders, and the topics that they stand for."""

import re
from collections.abc import Iterator, Mapping
from itertools import product

from pipeline.adapters.topics_file.document import ControllerTopics

PLACEHOLDER = re.compile(r"\{(\w+)\}")
LISTS = {"carrier": "carriers", "share": "shares", "inbox": "inboxes", "recipient": "recipients", "family": "families",
          "list": "lists", "counts": "counts"}  # fmt: skip


def unfold(
    pattern: str, controllers: Mapping[str, ControllerTopics]
) -> Iterator[tuple[str, dict[str, str], int | None]]:
    """Yield name, placeholder values and the controller's partition count of every topic that a pattern stands for."""
    placeholders = PLACEHOLDER.findall(pattern)
    if "controller" not in placeholders:
        yield pattern, {}, None
        return
    lists = [name for name in placeholders if name != "controller"]
    for controller, entry in controllers.items():
        for values in product(*(getattr(entry, LISTS[name]) for name in lists)):
            named = {"controller": controller, **dict(zip(lists, values, strict=True))}
            yield pattern.format_map(named), named, entry.co_partitions
