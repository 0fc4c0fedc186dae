"""From the file to one spec per topic; every problem at once, with its line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from pipeline.adapters.topics_file.document import Defaults, TopicEntry, TopicsDocument
from pipeline.adapters.topics_file.guards import pattern_problems, retention_problems
from pipeline.adapters.topics_file.patterns import unfold
from pipeline.domain.errors import ConfigurationError
from pipeline.domain.topic_plan import TopicSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSet:
    """The topics of a file, unfolded.

    Attributes:
        cluster_id: The only cluster to apply to, if the file names one.
        specs: One per topic, in order of the file.
        controllers: The controllers that the file knows.
    """

    cluster_id: str | None
    specs: tuple[TopicSpec, ...]
    controllers: tuple[str, ...]


def read_topics(
    path: Path,
    *,
    controllers: Sequence[str] = (),
    replicas: int | None = None,
    co_partitions: int | None = None,
) -> TopicSet:
    """Return the topics that a file declares.

    Args:
        path: The YAML file.
        controllers: Only these, and the topics that belong to none; empty takes all.
        replicas: Instead of the file's replication factor, for clusters of one node.
        co_partitions: Instead of the file's count for co-partitioned topics, for development.

    Raises:
        ConfigurationError: every problem of the file, one line each with file and line; or an unknown controller.
    """
    document = _parse(path)
    if unknown := [name for name in controllers if name not in document.controllers]:
        known = ", ".join(document.controllers)
        raise ConfigurationError(f"{path}: there is no controller {', '.join(unknown)}; it knows {known}.")
    chosen = {name: entry for name, entry in document.controllers.items() if name in controllers or not controllers}
    defaults = document.defaults
    if replicas is not None:
        defaults = defaults.model_copy(update={"replicas": replicas})
    specs = [
        _spec(name, entry, values, defaults, co_partitions or count or defaults.co_partitions)
        for pattern, entry in document.topics.items()
        for name, values, count in unfold(pattern, chosen)
    ]
    return TopicSet(
        cluster_id=document.cluster.id if document.cluster else None,
        specs=tuple(specs),
        controllers=tuple(chosen),
    )


def _spec(name: str, entry: TopicEntry, values: Mapping[str, str], defaults: Defaults, co_partitions: int) -> TopicSpec:
    return TopicSpec(
        name=name,
        role=entry.role,
        partitions=co_partitions if entry.co_partitioned else entry.partitions or defaults.partitions,
        replicas=defaults.replicas,
        config=entry.kafka_config(min(defaults.min_in_sync, defaults.replicas), defaults.max_message_bytes),
        keyed=entry.key != "none",
        holds=entry.holds,
        value_schema=entry.value_schema.format_map(values) if entry.value_schema else None,
        description=entry.description,
    )


def _parse(path: Path) -> TopicsDocument:
    yaml = YAML(typ="rt")
    try:
        tree = yaml.load(StringIO(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is not UTF-8 text.") from None
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{path}:{line}: this is not YAML: {error.problem}.") from None
    try:
        document = TopicsDocument.model_validate(_plain(tree))
    except ValidationError as error:
        lines = [
            f"{path}:{_line(tree, problem['loc'])}: {_where(problem['loc'])}: {_sentence(problem['msg'])}"
            for problem in error.errors(include_input=False, include_url=False)
        ]
        raise ConfigurationError("\n".join(lines)) from None
    named = ((("topics", pattern), problem) for pattern, problem in pattern_problems(document))
    if problems := [*named, *retention_problems(document)]:
        lines = [f"{path}:{_line(tree, loc)}: {_where(loc)}: {problem}" for loc, problem in problems]
        raise ConfigurationError("\n".join(lines))
    return document


def _plain(node: Any) -> Any:
    """Return a YAML tree as plain dicts and lists, for the strict models."""
    if isinstance(node, Mapping):
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return node


def _line(tree: Any, loc: Sequence[str | int]) -> int:
    """Return the line of the deepest node of a path that the file has."""
    node, line = tree, 1
    for step in loc:
        by_key = hasattr(node, "keys")
        try:
            line = (node.lc.key(step) if by_key else node.lc.item(step))[0] + 1
            node = node[step]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return int(line)


def _where(loc: Sequence[str | int]) -> str:
    return ".".join(str(step) for step in loc if step != "[key]") or "file"


_SENTENCES = {
    "Extra inputs are not permitted": "this key is unknown; remove it or correct its spelling",
    "Field required": "this key is missing",
}


def _sentence(message: str) -> str:
    return _SENTENCES.get(message, message.removeprefix("Value error, ")) + "."
