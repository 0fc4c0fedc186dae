"""Whether records written with one schema can be read with another, offline (Avro specification, "Schema Resolution").

Sources must stay readable backwards, carriers and expiries both ways, over every version ever released.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.adapters.avro.schemas import AvroSchema
from pipeline.stages.plan import PROMOTIONS

FULL = frozenset({"carrier", "expiry"})
"""Read by systems that are updated at another time than ours: FULL_TRANSITIVE. All others: BACKWARD_TRANSITIVE."""

Names = dict[str, Any]


def compatible(reader: Any, writer: Any) -> bool:
    """Return whether every record written with `writer` can be read with `reader`; both as the JSON of an `.avsc`."""
    return not problems(reader, writer)


def problems(reader: Any, writer: Any) -> tuple[str, ...]:
    """Return why records written with `writer` cannot be read with `reader`, a sentence each; empty if they can."""
    return tuple(_Check(_names(reader), _names(writer)).walk(reader, writer, ""))


def broken_promises(current: Iterable[AvroSchema], released: Iterable[AvroSchema]) -> tuple[str, ...]:
    """Return what the current schemas break of what was released, a sentence each."""
    by_name = {one.name: one for one in current}
    found = []
    for old in released:
        new = by_name.get(old.name)
        if new is None:
            found.append(f"{old.name} {old.version} was released and is gone: bring it back")
            continue
        found += [f"{old.name}: {one} (records of {old.version})" for one in problems(new.definition, old.definition)]
        if old.name in FULL:
            more = problems(old.definition, new.definition)
            found += [f"{old.name}: {one} (readers of {old.version})" for one in more]
    return tuple(found)


def _names(schema: Any, namespace: str = "") -> Names:
    """Return every named type of a schema by its name without namespace, which is how ours refer to each other."""
    if isinstance(schema, list):
        return {name: found for branch in schema for name, found in _names(branch, namespace).items()}
    if not isinstance(schema, Mapping):
        return {}
    found = {_short(schema["name"]): schema} if "name" in schema else {}
    for inner in (schema.get("items"), schema.get("values"), schema["type"]):
        found.update(_names(inner, namespace))
    for one in schema.get("fields", ()):
        found.update(_names(one["type"], namespace))
    return found


def _short(name: str) -> str:
    return name.rpartition(".")[2]


class _Check:
    def __init__(self, reader_names: Names, writer_names: Names) -> None:
        self._reader_names = reader_names
        self._writer_names = writer_names
        self._seen: set[tuple[str, str]] = set()

    def walk(self, reader: Any, writer: Any, path: str) -> Iterable[str]:
        reader, writer = _plain(reader, self._reader_names), _plain(writer, self._writer_names)
        if isinstance(writer, list):
            return [one for branch in writer for one in self.walk(reader, branch, path)]
        if isinstance(reader, list):
            if any(not self.walk(branch, writer, path) for branch in reader):
                return []
            return [f"{path or 'the record'} may be {_kind(writer)}, which no branch of the reader takes"]
        kinds = (_kind(writer), _kind(reader))
        if kinds[0] == kinds[1]:
            return self._alike(reader, writer, path)
        return [] if kinds in PROMOTIONS else [f"{path or 'the record'} is {kinds[0]} and is read as {kinds[1]}"]

    def _alike(self, reader: Any, writer: Any, path: str) -> Iterable[str]:
        match _kind(writer):
            case "record":
                return self._record(reader, writer, path)
            case "array":
                return self.walk(reader["items"], writer["items"], f"{path}[]")
            case "map":
                return self.walk(reader["values"], writer["values"], f"{path}{{}}")
            case "enum":
                lost = set(writer["symbols"]) - set(reader["symbols"])
                return [f"{path} lost {', '.join(sorted(lost))}"] if lost and "default" not in reader else []
            case "fixed":
                return [] if reader["size"] == writer["size"] else [f"{path} changed its size"]
            case _:
                return []

    def _record(self, reader: Mapping[str, Any], writer: Mapping[str, Any], path: str) -> list[str]:
        names = (_short(reader["name"]), _short(writer["name"]))
        if names[0] != names[1]:
            return [f"{path or 'the record'} is {names[1]} and is read as {names[0]}"]
        if names in self._seen:
            return []
        self._seen.add(names)
        have = {one["name"]: one for one in writer["fields"]}
        found: list[str] = []
        for one in reader["fields"]:
            where = f"{path}.{one['name']}" if path else one["name"]
            if one["name"] in have:
                found += self.walk(one["type"], have[one["name"]]["type"], where)
            elif "default" not in one:
                found.append(f"{where} is new and has no default")
        self._seen.discard(names)
        return found


def _plain(schema: Any, names: Names) -> Any:
    """Return a type without the wrapping of logical types and with names looked up."""
    if isinstance(schema, str):
        return names.get(_short(schema), schema)
    if isinstance(schema, Mapping) and not isinstance(schema["type"], str):
        return _plain(schema["type"], names)
    return schema


def _kind(schema: Any) -> str:
    return schema if isinstance(schema, str) else str(schema["type"])
