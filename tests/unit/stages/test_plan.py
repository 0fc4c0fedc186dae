"""The slice plan: layouts, proofs that bytes may be copied, and the program of a source schema."""

from typing import Any

import pytest

from pipeline.domain.errors import ConfigurationError
from pipeline.stages.plan import HEAD, copyable, layout, projection, source_program


def record(*fields: tuple[str, Any], name: str = "R", **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": one, "type": type_} for one, type_ in fields], **more}


def step(have: Any, wanted: Any) -> tuple[str, int]:
    """Return how a field of one type becomes a field of another."""
    [(kind, _, number)] = projection(layout(record(("f", have))), layout(record(("f", wanted))))
    return kind, number


ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
WIDER_ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B", "C"]}
POINT = record(("x", "int"), ("y", "int"), name="P")


@pytest.mark.parametrize(
    ("have", "wanted"),
    [
        ("string", "string"),
        ("int", "long"),  # the same zig-zag bytes
        ("string", "bytes"),
        ({"type": "string", "logicalType": "json"}, "string"),
        ({"type": {"type": "string"}}, "string"),
        (ENUM, ENUM),
        ({"type": "fixed", "name": "F", "size": 4}, {"type": "fixed", "name": "F", "size": 4}),
        ({"type": "array", "items": "int"}, {"type": "array", "items": "long"}),
        ({"type": "map", "values": "string"}, {"type": "map", "values": "bytes"}),
        (POINT, POINT),
        (["null", "string"], ["null", "string"]),
        (["null", "string"], ["null", "string", "int"]),  # branches added at the end
    ],
)
def test_bytes_that_mean_the_same_are_copied(have: Any, wanted: Any) -> None:
    assert step(have, wanted) == ("copy", 0)


@pytest.mark.parametrize(
    ("have", "wanted"),
    [
        ("int", "double"),
        ("bytes", "string"),  # must be proved to be UTF-8
        (ENUM, WIDER_ENUM),
        ({"type": "fixed", "name": "F", "size": 4}, {"type": "fixed", "name": "F", "size": 5}),
        ({"type": "array", "items": "int"}, {"type": "array", "items": "double"}),
        (POINT, record(("y", "int"), ("x", "int"), name="P")),
        (POINT, record(("x", "int"), name="P")),
        (POINT, record(("x", "int"), ("y", "int"), name="Q")),
        (["null", "string"], ["string", "null"]),
        (["null", "string", "int"], ["null", "string"]),
        (["null", "string", "int"], "string"),
        (["string", "int"], "string"),
        (["null", "int"], "double"),
        (["long", "int"], ["long", "int"]),  # a reader's first match for int is long
        ("int", ["null", "double"]),
        ("int", ["null", "string"]),
    ],
)
def test_what_cannot_be_proved_is_decoded(have: Any, wanted: Any) -> None:
    assert step(have, wanted) == ("decode", 0)


def test_a_value_behind_null_is_unwrapped_and_a_plain_value_is_wrapped() -> None:
    assert step(["null", "string"], "string") == ("unwrap", 1)
    assert step(["string", "null"], "string") == ("unwrap", 0)
    assert step("string", ["null", "string"]) == ("wrap", 1)
    assert step(POINT, ["null", POINT]) == ("wrap", 1)


def test_recursive_schemas_are_proved_once() -> None:
    tree = record(("next", ["null", "Tree"]), ("value", "int"), name="Tree", namespace="a.b")
    plan = layout(tree)

    assert plan.name == "a.b.Tree"
    assert copyable(("ref", "a.b.Tree"), ("ref", "a.b.Tree"), plan.types, plan.types)
    assert projection(plan, plan) == (("copy", "next", 0), ("copy", "value", 0))


def test_a_field_that_the_writer_lacks_needs_the_default_null() -> None:
    writer = layout(record(("a", "int")))
    optional = {"name": "b", "type": ["null", "int"], "default": None}

    assert projection(writer, layout({**record(), "fields": [optional]})) == (("null", "b", 0),)
    with pytest.raises(ConfigurationError, match="`b`, which R lacks"):
        projection(writer, layout(record(("b", "int"))))


def source(*run: tuple[str, Any], **more: Any) -> dict[str, Any]:
    head = [(name, "long" if name == "occurred_at" else "string") for name in HEAD]
    return record(*head, *run, ("undeclared", {"type": "map", "values": "string"}), name="Source", **more)


def test_a_source_program_tells_attributes_from_payload_and_counts_strings() -> None:
    address = record(("street", "string"), ("city", "string"), name="Address")
    mixed = record(("x", "int"), ("y", "string"), name="Mixed")
    program = source_program(
        source(
            ("policy_version", ["null", "string"]),
            ("quota", ["null", "long"]),
            ("name", ["null", "string"]),
            ("address", ["null", address]),
            ("point", ["null", mixed]),
            ("kind", ["null", ENUM]),
        )
    )

    assert [(one.name, one.attribute, one.strings) for one in program.run] == [
        ("policy_version", True, 1),
        ("quota", True, 0),
        ("name", False, 1),
        ("address", False, 2),
        ("point", False, 0),
        ("kind", False, 0),
    ]


@pytest.mark.parametrize("type_", ["string", ["string", "null"], ["null", "string", "int"]])
def test_every_field_between_head_and_undeclared_is_nullable(type_: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"Source\.name"):
        source_program(source(("name", type_)))


def test_a_source_schema_has_its_head_and_its_undeclared_map() -> None:
    with pytest.raises(ConfigurationError, match="begins with event_id"):
        source_program(record(("a", "int")))
    schema = source()
    with pytest.raises(ConfigurationError, match="ends with undeclared"):
        source_program({**schema, "fields": schema["fields"][:-1]})
