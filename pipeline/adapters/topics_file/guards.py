"""What no shape can say: patterns that clash, and records that would be kept longer than their role allows."""

import re
from collections.abc import Iterator

from pipeline.adapters.topics_file.document import DAY_MS, LONGEST_DAYS, TopicsDocument
from pipeline.adapters.topics_file.patterns import LISTS, PLACEHOLDER, unfold
from pipeline.domain.topic_plan import FOREVER


def pattern_problems(document: TopicsDocument) -> Iterator[tuple[str, str]]:
    """Yield each pattern that stands for no topic of ours, with what is wrong about it."""
    seen: dict[str, str] = {}
    for pattern, entry in document.topics.items():
        placeholders = PLACEHOLDER.findall(pattern)
        if strange := [name for name in placeholders if name != "controller" and name not in LISTS]:
            yield pattern, f"{{{strange[0]}}} is unknown; use controller, {', '.join(LISTS)}."
            continue
        if loose := set(PLACEHOLDER.findall(entry.value_schema or "")) - set(placeholders):
            yield pattern, f"schema uses {{{min(loose)}}}, the topic's name does not."
        if placeholders and "controller" not in placeholders:
            yield pattern, "a pattern begins with {controller}, so that one prefixed right walls a controller off."
            continue
        for name, _, _ in unfold(pattern, document.controllers):
            if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+\.v\d+", name):
                yield pattern, f"{name} is not <controller>.<role>[.<what>].v<major> in lower case."
            if name in seen:
                yield pattern, f"{name} is declared by {seen[name]} too."
            seen[name] = pattern


def retention_problems(document: TopicsDocument) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield where the file would keep a record longer than its role may."""
    for pattern, entry in document.topics.items():
        here = ("topics", pattern)
        if entry.retention is None:
            if entry.holds in _MUST_END:
                yield (
                    (*here, "cleanup_policy"),
                    f"what is {entry.holds} must end, and compact keeps the newest for ever.",
                )
            continue
        if entry.role not in LONGEST_DAYS:
            yield (*here, "role"), f"no role that ends by deletion is called so; there are {', '.join(LONGEST_DAYS)}."
            continue
        longest, asked = LONGEST_DAYS[entry.role], entry.retention.max
        if asked == FOREVER and entry.holds in _MUST_END:
            yield (*here, "retention", "max"), f"what is {entry.holds} must end; write a duration, such as P7D."
        elif longest != FOREVER and (asked == FOREVER or asked > longest * DAY_MS):
            yield (
                (*here, "retention", "max"),
                f"a {entry.role} topic keeps its records for P{longest}D at most; write that or less.",
            )
        elif asked != FOREVER and entry.segment > asked:
            yield (*here, "segment"), "a segment longer than retention.max keeps its oldest record past it; shorten it."


_MUST_END = {"personal", "sealed"}
