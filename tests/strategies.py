"""Hypothesis strategies: source events as CloudEvents, and random Avro schemas with records and narrower readers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from pipeline.adapters.avro.schemas import Schemas
from pipeline.domain.events import ATTRIBUTES, EventHead, SourceEvent
from pipeline.domain.records import Tag
from pipeline.domain.vocabulary import Family, LegalBasis

SCHEMAS = Schemas.load(Path(__file__).parent.parent / "schemas")

PLAIN_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=80)
WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | PLAIN_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)
ADDRESSES = st.fixed_dictionaries(dict.fromkeys(("street", "postcode", "city", "country"), PLAIN_TEXT))
INSTANTS = st.datetimes(timezones=st.just(UTC))
FLAGS = {"signed", "in_writing", "needs_follow_up"}
LISTS = {"records", "participants", "consents", "products"}
TEXT_FIELDS = {"name", "phone", "email", "national_id", "date_of_birth", "ip", "order_number"}


def _attribute(name: str) -> st.SearchStrategy[Any]:
    if name in FLAGS:
        return st.booleans()
    if name in LISTS:
        return st.lists(WORDS, max_size=3).map(tuple)
    return st.integers(-(1 << 63), (1 << 63) - 1) if name == "quota" else PLAIN_TEXT


def _payload(name: str) -> st.SearchStrategy[Any]:
    if name == "address":
        return ADDRESSES
    return PLAIN_TEXT if name in TEXT_FIELDS else JSON.filter(lambda value: value is not None)


@st.composite
def source_events(draw: st.DrawFn, *, undeclared: bool = True) -> SourceEvent:
    """Any event that a producer may send: any type, any of its family's fields, any values."""
    family = draw(st.sampled_from(Family))
    types = sorted(name for name, one in SCHEMAS.catalogue.types.items() if one.family is family)
    fields = SCHEMAS.catalogue.fields[family]
    present = draw(st.sets(st.sampled_from(fields), max_size=12) | st.just(set(fields)))
    attributes = draw(st.sets(st.sampled_from(ATTRIBUTES), max_size=6))
    extra = (
        draw(st.dictionaries(st.sampled_from(["iban", "note", "Ünknown", "x" * 70, ""]), JSON)) if undeclared else {}
    )
    head = EventHead(
        event_id=draw(WORDS),
        type=draw(st.sampled_from(types)),
        occurred_at=draw(INSTANTS),
        controller=draw(st.sampled_from(["allcall", "tek-zence", "viet-art-view", "artgraphics", "ak3d"])),
        key=draw(WORDS),
        source=draw(PLAIN_TEXT),
        policy_version=draw(st.none() | WORDS),
        attributes={name: draw(_attribute(name)) for name in ATTRIBUTES if name in attributes},
        present=frozenset(present),
    )
    data = {name: draw(_payload(name)) for name in fields if name in present}
    return SourceEvent(head=head, data=data, undeclared=extra)


TAGS = st.lists(
    st.builds(
        Tag,
        category=WORDS,
        purpose=WORDS,
        legal_basis=st.lists(st.sampled_from(LegalBasis), max_size=2).map(tuple),
        rule=WORDS,
        clauses=st.lists(WORDS, max_size=3).map(tuple),
        fields=st.lists(WORDS, max_size=3).map(tuple),
    ),
    max_size=4,
).map(tuple)


# Random Avro. Unions hold one type of each kind of Python value, as fastavro tells branches apart by the value alone.

_KINDS: Mapping[str, tuple[Any, ...]] = {
    "number": ("boolean", "int", "long", "float", "double"),
    "text": ("string", "enum"),
    "octets": ("bytes", "fixed"),
    "list": ("array",),
    "object": ("map", "record"),
}
_SCALARS = ("boolean", "int", "long", "float", "double", "bytes", "string", "enum", "fixed")


@dataclass
class _Names:
    count: int = 0

    def fresh(self) -> str:
        self.count += 1
        return f"T{self.count}"


@st.composite
def avro_types(  # noqa: PLR0911  one return for each kind of type
    draw: st.DrawFn, names: _Names, depth: int, kinds: tuple[str, ...] = ()
) -> Any:
    """A type; named types are spelt out wherever they are used, `rendered` makes references of repetitions."""
    deep = ("array", "map", "record", "union", "union") if depth else ()
    match draw(st.sampled_from(kinds or (*_SCALARS, *deep))):
        case "enum":
            symbols = draw(st.lists(st.sampled_from("ABCDEF"), min_size=1, max_size=4, unique=True))
            return {"type": "enum", "name": names.fresh(), "symbols": symbols}
        case "fixed":
            return {"type": "fixed", "name": names.fresh(), "size": draw(st.integers(1, 20))}
        case "array":
            return {"type": "array", "items": draw(avro_types(names, max(depth - 1, 0)))}
        case "map":
            return {"type": "map", "values": draw(avro_types(names, max(depth - 1, 0)))}
        case "record":
            return draw(avro_records(names, max(depth - 1, 0)))
        case "union":
            groups = draw(st.lists(st.sampled_from(sorted(_KINDS)), min_size=1, max_size=3, unique=True))
            branches = [draw(avro_types(names, depth - 1, _KINDS[group])) for group in groups]
            return draw(st.permutations(["null", *branches]))
        case primitive:
            return primitive


@st.composite
def avro_records(draw: st.DrawFn, names: _Names, depth: int) -> Any:
    """A record type; a field may use a named type of a field before it again."""
    fields: list[dict[str, Any]] = []
    name = names.fresh()
    for index in range(draw(st.integers(1, 6 if depth > 1 else 3))):
        earlier = [one["type"] for one in fields if isinstance(one["type"], dict) and "name" in one["type"]]
        repeat = bool(earlier) and draw(st.booleans())
        again = draw(st.sampled_from(earlier)) if repeat else None
        fields.append({"name": f"f{index}", "type": again or draw(avro_types(names, depth))})
    return {"type": "record", "name": name, "fields": fields}


def rendered(schema: Any, seen: set[str] | None = None) -> Any:
    """Return a schema as a file would have it: a named type is defined once, then referred to."""
    seen = set() if seen is None else seen
    if isinstance(schema, list):
        return [rendered(one, seen) for one in schema]
    if isinstance(schema, str):
        return schema
    name = schema.get("name")
    if name in seen:
        return name
    seen.update([name] if name else [])
    done = dict(schema)
    for inner in ("items", "values"):
        if inner in done:
            done[inner] = rendered(done[inner], seen)
    if "fields" in done:
        done["fields"] = [{**one, "type": rendered(one["type"], seen)} for one in done["fields"]]
    return done


_PRIMITIVES: Mapping[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "boolean": st.booleans(),
    "int": st.integers(-(1 << 31), (1 << 31) - 1),
    "long": st.integers(-(1 << 63), (1 << 63) - 1),
    "float": st.floats(width=32, allow_nan=False),
    "double": st.floats(allow_nan=False),
    "bytes": st.binary(max_size=80),
    "string": st.text(st.characters(exclude_categories=["Cs"]), max_size=80),
}


def avro_values(type_: Any) -> st.SearchStrategy[Any]:  # noqa: PLR0911  one return for each kind of type
    """Values of a type."""
    if isinstance(type_, list):
        return st.one_of([avro_values(branch) for branch in type_])
    if isinstance(type_, str):
        return _PRIMITIVES[type_]
    match type_["type"]:
        case "enum":
            return st.sampled_from(type_["symbols"])
        case "fixed":
            return st.binary(min_size=type_["size"], max_size=type_["size"])
        case "array":
            return st.lists(avro_values(type_["items"]), max_size=4)
        case "map":
            return st.dictionaries(st.text("abcé", max_size=4), avro_values(type_["values"]), max_size=3)
        case _:
            return st.fixed_dictionaries({one["name"]: avro_values(one["type"]) for one in type_["fields"]})


@st.composite
def _readers(draw: st.DrawFn, writer: dict[str, Any]) -> dict[str, Any]:
    """A reader that asks for some of a writer's fields, in any order, some of them as another type."""
    fields = draw(st.lists(st.sampled_from(writer["fields"]), min_size=1, unique_by=lambda one: one["name"]))
    wanted = [{"name": one["name"], "type": draw(_asked_for(one["type"]))} for one in fields]
    if draw(st.booleans()):
        wanted.append({"name": "new", "type": ["null", "string"], "default": None})
    return {**writer, "fields": wanted}


def _asked_for(type_: Any) -> st.SearchStrategy[Any]:
    choices = [type_]
    if not isinstance(type_, list):
        choices += [["null", type_], [type_, "null"]]
    elif len(type_) == 2:
        choices.append(next(one for one in type_ if one != "null"))
    widened = {"int": ["long", "double"], "long": ["double"], "float": ["double"]}
    choices += widened.get(type_, []) if isinstance(type_, str) else []
    return st.sampled_from(choices)


@dataclass
class Projected:
    """A writer's schema with a record, and a reader's schema."""

    writer: dict[str, Any]
    reader: dict[str, Any]
    record: dict[str, Any]


@st.composite
def projections(draw: st.DrawFn) -> Projected:
    """Any schema, a record of it, and a reader that asks for part of it."""
    names = _Names()
    writer = draw(avro_records(names, 3))
    record = draw(avro_values(writer))
    reader = draw(_readers(writer))
    return Projected(writer=rendered(writer), reader=rendered(reader), record=record)
