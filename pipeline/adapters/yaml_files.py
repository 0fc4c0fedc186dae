"""Policy and overlay files on disk: YAML 1.2 as plain data, with lines, and nothing that a file could do to us.

Only words, numbers, lists and mappings are read. No tag makes an object, no alias multiplies values (the "billion
laughs"), size and nesting are limited, and a key that is named twice is an error.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    StreamStartEvent,
)

from pipeline.domain.errors import PolicyError
from pipeline.policy.book import PolicyBook
from pipeline.policy.compile import compile_policies
from pipeline.policy.source_file import SourceFile, Where

MAX_BYTES = 1_000_000
MAX_DEPTH = 40

_INTEGER = re.compile(r"[-+]?[0-9]+")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, object] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
"""Plain words with a meaning of their own: YAML 1.2, core schema (10.3). There `on` and `yes` are words."""


def read_yaml(path: Path) -> SourceFile:
    """Return a YAML file as plain data with the line of each value.

    Raises:
        PolicyError: it cannot be read, is not YAML, names a key twice, or goes beyond a limit.
    """
    name = _shown(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PolicyError((f"{name}: cannot be read ({error.strerror}); correct the path or the rights",)) from None
    if len(content) > MAX_BYTES:
        raise PolicyError((f"{name}: has more than {MAX_BYTES} bytes; split it",))
    try:
        return parse_yaml(name, content.decode())
    except UnicodeDecodeError:
        raise PolicyError((f"{name}: is not UTF-8 text; save it as UTF-8",)) from None


def parse_yaml(name: str, text: str) -> SourceFile:
    """Return YAML text as plain data with the line of each value.

    Raises:
        PolicyError: it is not YAML, names a key twice, or uses what a policy file may not.
    """
    reading = _Reading(name, YAML(typ="safe", pure=True).parse(text))
    try:
        data = reading.document()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise PolicyError((f"{name}:{line}: is not valid YAML ({error.problem}); mend it there",)) from None
    except (YAMLError, ValueError) as error:
        raise PolicyError((f"{name}:1: is not valid YAML ({type(error).__name__}); mend it",)) from None
    if reading.problems:
        raise PolicyError(tuple(reading.problems))
    return SourceFile(name=name, data=data, lines=reading.lines)


def policy_files(folder: Path) -> tuple[Path, ...]:
    """Return the YAML files of a folder in order of name, or the file itself.

    Raises:
        PolicyError: there is no such file or folder, or no YAML file in it.
    """
    if folder.is_file():
        return (folder,)
    found = tuple(sorted(path for pattern in ("*.yaml", "*.yml") for path in folder.glob(pattern)))
    if not found:
        raise PolicyError((f"{folder}: there is no policy file (*.yaml) here; correct the path",))
    return found


def read_files(paths: Iterable[Path]) -> tuple[SourceFile, ...]:
    """Return several YAML files.

    Raises:
        PolicyError: any of them cannot be read; the problems of all of them at once.
    """
    files: list[SourceFile] = []
    problems: list[str] = []
    for path in paths:
        try:
            files.append(read_yaml(path))
        except PolicyError as error:
            problems += error.problems
    if problems:
        raise PolicyError(tuple(problems))
    return tuple(files)


def load_policies(policies: Path, overlays: Sequence[Path] = (), *, events: Iterable[str] = ()) -> PolicyBook:
    """Return every policy of a folder, compiled with the operator's overlays.

    Args:
        policies: Folder of policy files, or one file.
        overlays: Overlay files and folders; later ones win.
        events: Every event name of the catalogue; with none, event names are not checked against it.

    Raises:
        PolicyError: everything that is wrong, each with file and line.
    """
    documents, values = read_policies(policies, overlays)
    return compile_policies(documents, values, events=events)


def read_policies(
    policies: Path, overlays: Sequence[Path] = ()
) -> tuple[tuple[SourceFile, ...], tuple[SourceFile, ...]]:
    """Return the policy files, and the overlays that concern them.

    A folder may hold overlays of controllers and versions that are not here; a file that is named must concern one that
    is.

    Raises:
        PolicyError: a file cannot be read.
    """
    documents = read_files(policy_files(policies))
    served = {pair for document in documents for pair in _served(document.data)}
    values: list[SourceFile] = []
    for overlay in overlays:
        found = read_files(policy_files(overlay))
        values += [file for file in found if overlay.is_file() or _concerned(file.data) in served]
    return documents, tuple(values)


def _served(document: object) -> tuple[tuple[object, object], ...]:
    """Return what overlays of a document may say of themselves: its controller, with its version or without."""
    controller, version = _concerned(_at(document, "policy"))
    return ((controller, version), (controller, None))


def _concerned(data: object) -> tuple[object, object]:
    return _at(data, "controller"), _at(data, "version")


def _at(data: object, key: str) -> object:
    return data.get(key) if isinstance(data, dict) else None


class _Reading:
    """One pass over the events of a YAML file: no node is built that is not wanted."""

    def __init__(self, name: str, events: Iterator[Event]) -> None:
        self.name = name
        self.lines: dict[Where, int] = {}
        self.problems: list[str] = []
        self._events = events

    def document(self) -> object:
        """Return the data of the only document."""
        data: object = None
        documents = 0
        for event in self._events:
            if isinstance(event, (StreamStartEvent, StreamEndEvent, DocumentStartEvent, DocumentEndEvent)):
                continue
            documents += 1
            data = self._value(event, ())
        if documents != 1:
            self.problems.append(f"{self.name}:1: holds {documents} documents; write exactly one")
        return data

    def _value(self, event: Event, where: Where) -> object:
        self.lines.setdefault(where, event.start_mark.line + 1)
        if len(where) > MAX_DEPTH:
            line = event.start_mark.line + 1
            raise PolicyError((f"{self.name}:{line}: is nested deeper than {MAX_DEPTH}; write it plainly",))
        if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor):
            self._problem(event, "anchors and aliases are not read; write the value where it is used")
        if isinstance(event, MappingStartEvent):
            return self._mapping(where)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(where)
        return self._scalar(event) if isinstance(event, ScalarEvent) else None

    def _sequence(self, where: Where) -> list[object]:
        data: list[object] = []
        while not isinstance(event := next(self._events), SequenceEndEvent):
            data.append(self._value(event, (*where, len(data))))
        return data

    def _mapping(self, where: Where) -> dict[str, object]:
        data: dict[str, object] = {}
        while not isinstance(key := next(self._events), MappingEndEvent):
            if not isinstance(key, ScalarEvent):
                self._problem(key, "a key must be a plain word")
                self._value(key, (*where, "?"))
                self._value(next(self._events), (*where, "?"))
                continue
            name = str(key.value)
            if name in data:
                self._problem(key, f"{name} is named twice; keep one")
            self.lines[*where, name] = key.start_mark.line + 1  # a reader looks for the key, not for the value
            data[name] = self._value(next(self._events), (*where, name))
        return data

    def _scalar(self, event: ScalarEvent) -> object:
        text = str(event.value)
        if event.tag:
            self._problem(event, f"the tag {event.tag} is not allowed; remove it")
        if not event.implicit[0]:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text):
            return int(text)
        return float(text) if _NUMBER.fullmatch(text) else text

    def _problem(self, event: Event, says: str) -> None:
        self.problems.append(f"{self.name}:{event.start_mark.line + 1}: {says}")


def _shown(path: Path) -> str:
    """Return a path as short as it can be from where the command runs."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
