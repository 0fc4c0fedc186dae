"""Compile Avro schemas into slice programs: where each field lies, and which bytes may be copied into another record.

Everything here is plain data, in and out: a program is tuples of strings and numbers that any engine can interpret, in
Python or native. A range is copied only where `copyable` proves that its bytes mean the same under the reader's schema
(Avro 1.12 specification, "Schema Resolution"); every other field is left to decoding. Knows no Avro library, no bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.domain.errors import ConfigurationError
from pipeline.domain.events import ATTRIBUTES

Type = tuple[Any, ...]
"""An Avro type in normal form, told apart by its first item:

`("string",)` and the other primitives, `("array", T)`, `("map", T)`, `("union", (T, ...))`, `("ref", full name)`; and
for named types `("record", full name, ((field, T), ...))`, `("enum", full name, (symbol, ...))`,
`("fixed", full name, size)`.
"""

Step = tuple[str, str, int]
"""How one field of the output record comes about: (kind, field name, number).

`copy` takes the field's bytes as they are; `unwrap` takes the value behind the union branch `number` and fails if
another branch is there; `wrap` puts the union branch `number` before the bytes; `null` writes the null branch;
`decode` gives up copying.
"""

PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})

PROMOTIONS = frozenset({
    ("int", "long"), ("int", "float"), ("int", "double"), ("long", "float"), ("long", "double"), ("float", "double"),
    ("string", "bytes"), ("bytes", "string"),
})  # fmt: skip
"""Which primitive a reader may take for which of a writer (Avro specification, "Schema Resolution")."""

SAME_BYTES = frozenset({("int", "long"), ("string", "bytes")})
"""Promotions that leave the bytes as they are; `bytes` to `string` does not, as it must be proved to be UTF-8."""

HEAD = ("event_id", "type", "occurred_at", "controller", "data_subject_id", "source")
"""The fields every source record begins with, in this order."""

UNDECLARED = "undeclared"
"""The field every source record ends with: what its schema does not know, by name."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A record schema as engines walk it.

    Attributes:
        name: Full name of the record.
        fields: Field names and types in the order of the bytes.
        types: Named types by full name, the record itself included.
        nulls: Fields whose default is the null of their union's first branch.
    """

    name: str
    fields: tuple[tuple[str, Type], ...]
    types: Mapping[str, Type]
    nulls: frozenset[str] = frozenset()


def layout(schema: Mapping[str, Any]) -> Layout:
    """Return the layout of a record schema, given as the JSON of its `.avsc`."""
    types: dict[str, Type] = {}
    _, name = _normal(schema, "", types)
    nulls = frozenset(one["name"] for one in schema["fields"] if "default" in one and one["default"] is None)
    return Layout(name=name, fields=types[name][2], types=types, nulls=nulls)


def _normal(schema: Any, namespace: str, types: dict[str, Type]) -> Type:
    if isinstance(schema, list):
        return ("union", tuple(_normal(branch, namespace, types) for branch in schema))
    if isinstance(schema, str):
        return (schema,) if schema in PRIMITIVES else ("ref", _full_name(schema, namespace))
    kind = schema["type"]
    match kind:
        case "array":
            return ("array", _normal(schema["items"], namespace, types))
        case "map":
            return ("map", _normal(schema["values"], namespace, types))
        case "record" | "enum" | "fixed":
            return _define(schema, namespace, types)
        case _:  # a type with properties beside it, such as a logical type
            return _normal(kind, namespace, types)


def _define(schema: Mapping[str, Any], namespace: str, types: dict[str, Type]) -> Type:
    name = _full_name(schema["name"], schema.get("namespace", namespace))
    inner = name.rpartition(".")[0]
    match schema["type"]:
        case "enum":
            types[name] = ("enum", name, tuple(schema["symbols"]))
        case "fixed":
            types[name] = ("fixed", name, schema["size"])
        case _:
            fields = tuple((one["name"], _normal(one["type"], inner, types)) for one in schema["fields"])
            types[name] = ("record", name, fields)
    return ("ref", name)


def _full_name(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"


@dataclass(slots=True)
class _Proof:
    """One attempt to prove that bytes may be copied; remembers pairs of records under proof (schemas may recur)."""

    writer: Mapping[str, Type]
    reader: Mapping[str, Type]
    pairs: set[tuple[str, str]] = field(default_factory=set)

    def holds(self, writer: Type, reader: Type) -> bool:
        match writer, reader:
            case ("ref", name), ("ref", other):
                return self._named(name, other)
            case ("array", items), ("array", others):
                return self.holds(items, others)
            case ("map", values), ("map", others):
                return self.holds(values, others)
            case ("union", branches), ("union", others):
                return len(branches) <= len(others) and all(
                    self._branch(i, branches, others) for i in range(len(branches))
                )
            case _:
                return writer == reader or (writer[0], reader[0]) in SAME_BYTES

    def _branch(self, index: int, branches: tuple[Type, ...], others: tuple[Type, ...]) -> bool:
        # "The first schema in the reader's union that matches the selected writer's union schema": none may come before
        earlier = any(resolves(branches[index], other) for other in others[:index])
        return not earlier and self.holds(branches[index], others[index])

    def _named(self, name: str, other: str) -> bool:
        if name != other:
            return False
        if (name, other) in self.pairs:
            return True
        self.pairs.add((name, other))
        mine, theirs = self.writer[name], self.reader[other]
        if mine[0] != "record" or theirs[0] != "record":
            return mine == theirs
        return len(mine[2]) == len(theirs[2]) and all(
            one[0] == two[0] and self.holds(one[1], two[1]) for one, two in zip(mine[2], theirs[2], strict=True)
        )


def copyable(writer: Type, reader: Type, writer_types: Mapping[str, Type], reader_types: Mapping[str, Type]) -> bool:
    """Return whether the bytes of every value of the writer's type mean the same value under the reader's type.

    Sound, not complete: False only costs speed.
    """
    return _Proof(writer_types, reader_types).holds(writer, reader)


def resolves(writer: Type, reader: Type) -> bool:
    """Return whether a reader's branch might be taken for a writer's type; names decide for named types."""
    return (
        writer == reader
        or (writer[0], reader[0]) in PROMOTIONS
        or (writer[0] == reader[0] and writer[0] in {"array", "map"})
    )


def projection(writer: Layout, reader: Layout) -> tuple[Step, ...]:
    """Return one step for each field of the reader's record, in its order.

    Raises:
        ConfigurationError: the reader wants a field that the writer lacks, and has no default for it.
    """
    known = dict(writer.fields)
    return tuple(_step(name, known.get(name), wanted, writer, reader) for name, wanted in reader.fields)


def _step(name: str, have: Type | None, wanted: Type, writer: Layout, reader: Layout) -> Step:
    if have is None:
        if name not in reader.nulls:
            raise ConfigurationError(
                f"{reader.name} wants `{name}`, which {writer.name} lacks: give it the default null"
            )
        return ("null", name, 0)
    proof = _Proof(writer.types, reader.types)
    if proof.holds(have, wanted):
        return ("copy", name, 0)
    branch = _unwrapped(have, wanted, writer, reader)
    if branch is not None:
        return ("unwrap", name, branch)
    branch = _wrapped(have, wanted, writer, reader)
    return ("decode", name, 0) if branch is None else ("wrap", name, branch)


def _unwrapped(have: Type, wanted: Type, writer: Layout, reader: Layout) -> int | None:
    """Return the branch of a nullable writer type whose bytes are the wanted type's."""
    if have[0] != "union" or wanted[0] == "union" or len(have[1]) != 2 or ("null",) not in have[1]:
        return None
    branch = 1 - have[1].index(("null",))
    return branch if copyable(have[1][branch], wanted, writer.types, reader.types) else None


def _wrapped(have: Type, wanted: Type, writer: Layout, reader: Layout) -> int | None:
    """Return the branch of a wanted union that a plain writer type resolves to, if its bytes may be copied."""
    if have[0] == "union" or wanted[0] != "union":
        return None
    first = next((i for i, branch in enumerate(wanted[1]) if resolves(have, branch)), None)
    if first is None or not copyable(have, wanted[1][first], writer.types, reader.types):
        return None
    return first


@dataclass(frozen=True, slots=True)
class RunField:
    """One nullable field of a source record.

    Attributes:
        name: Field name.
        attribute: True for what decisions look at, False for payload.
        type: Type behind the null.
        strings: How many strings in a row the value is made of; 0 if it must be walked by its type.
    """

    name: str
    attribute: bool
    type: Type
    strings: int


@dataclass(frozen=True, slots=True)
class SourceProgram:
    """How to walk a source record: the head, one run of nullable fields, the undeclared map.

    Since every field of the run is `["null", T]`, absent ones are single zero bytes, and a group of absent fields is a
    run of zero bytes that an engine skips in one step.
    """

    layout: Layout
    run: tuple[RunField, ...]


def source_program(schema: Mapping[str, Any]) -> SourceProgram:
    """Return the slice program of a source schema.

    Raises:
        ConfigurationError: the schema is not laid out as a source schema must be; the message says where.
    """
    plan = layout(schema)
    names = tuple(name for name, _ in plan.fields)
    if names[: len(HEAD)] != HEAD or names[-1] != UNDECLARED:
        raise ConfigurationError(
            f"{plan.name}: a source schema begins with {', '.join(HEAD)} and ends with {UNDECLARED}"
        )
    run = tuple(_optional(name, type_, plan) for name, type_ in plan.fields[len(HEAD) : -1])
    return SourceProgram(layout=plan, run=run)


def _optional(name: str, type_: Type, plan: Layout) -> RunField:
    if type_[0] != "union" or len(type_[1]) != 2 or type_[1][0] != ("null",):
        raise ConfigurationError(f'{plan.name}.{name}: a field between head and {UNDECLARED} must be ["null", T]')
    inner = type_[1][1]
    attribute = name == "policy_version" or name in ATTRIBUTES
    return RunField(name=name, attribute=attribute, type=inner, strings=_strings(inner, plan.types))


def _strings(type_: Type, types: Mapping[str, Type]) -> int:
    if type_ == ("string",):
        return 1
    if type_[0] == "ref" and types[type_[1]][0] == "record":
        counts = [_strings(inner, types) for _, inner in types[type_[1]][2]]
        return sum(counts) if all(counts) else 0
    return 0
