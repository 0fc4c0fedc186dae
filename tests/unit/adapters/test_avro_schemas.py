"""The schemas folder: what is in it, what it promises, and how a broken one is told."""

import json
import shutil
from itertools import pairwise
from pathlib import Path

import avro.schema
import pytest

from pipeline.adapters.avro.compatibility import broken_promises, compatible, problems
from pipeline.adapters.avro.event_page import event_types_markdown
from pipeline.adapters.avro.schemas import AvroSchema, Schemas, parse_schema
from pipeline.adapters.avro.tagged_files import tagged_files
from pipeline.domain.errors import ConfigurationError, InvalidEvent
from pipeline.domain.events import ATTRIBUTES
from pipeline.domain.vocabulary import Family
from pipeline.stages.plan import HEAD, layout, projection

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "schemas"
SCHEMAS = Schemas.load(FOLDER)
SOURCES = [SCHEMAS.source(family) for family in Family]
EVENTS = 72


def test_every_source_schema_begins_with_the_same_decision_fields() -> None:
    beginnings = {json.dumps(one.definition["fields"][: len(HEAD) + 1 + len(ATTRIBUTES)]) for one in SOURCES}

    [beginning] = beginnings
    assert [one["name"] for one in json.loads(beginning)] == [*HEAD, "policy_version", *ATTRIBUTES]


@pytest.mark.parametrize("source", SOURCES, ids=lambda one: one.name)
def test_payload_groups_are_contiguous_and_every_field_says_what_it_is(source: AvroSchema) -> None:
    payload = [one for one in source.definition["fields"] if "privacy.group" in one]
    groups = [one["privacy.group"] for one in payload]

    changes = sum(before != after for before, after in pairwise(groups))
    assert changes == len(set(groups)) - 1
    assert groups[0] == "contact"
    for one in payload:
        assert one["type"][0] == "null"
        assert one["default"] is None
        assert one["privacy.category"].startswith(("pd:", "privacy:"))
        assert one["privacy.given"] in {"given", "observed"}
        assert one["confluent:tags"] == ["PII"]


def test_a_field_is_declared_alike_wherever_it_occurs_and_share_holds_them_all() -> None:
    share = {one["name"]: one for one in SCHEMAS.named("share").definition["fields"]}

    for source in SOURCES:
        for one in source.definition["fields"]:
            if "privacy.group" in one:
                assert one == share.pop(one["name"], one)
    assert share == {}


def test_a_demand_of_an_authority_can_carry_what_is_released() -> None:
    assert {"photograph", "video", "cctv_clip"} <= set(SCHEMAS.catalogue.fields[Family.LIFECYCLE])
    ground = next(one for one in SCHEMAS.named("share-ledger").definition["fields"] if one["name"] == "legal_ground")
    assert (ground["type"], ground["default"]) == (["null", "string"], None)


@pytest.mark.parametrize("schema", SCHEMAS.current.values(), ids=lambda one: one.name)
def test_every_field_has_a_doc(schema: AvroSchema) -> None:
    assert schema.definition["doc"]
    assert all(one.get("doc") for one in schema.definition["fields"])


def test_the_fingerprint_is_crc_64_avro_in_little_endian_order() -> None:
    """The Apache library keeps the braces of logical types, against the specification: a schema without any."""
    carrier = SCHEMAS.named("carrier")

    assert avro.schema.parse(json.dumps(carrier.definition)).fingerprint("CRC-64-AVRO") == carrier.fingerprint


def test_every_event_of_the_catalogue_has_one_family_and_a_sentence() -> None:
    types = SCHEMAS.catalogue.types

    assert len(types) == EVENTS
    assert types["purchase.completed"].family is Family.PURCHASE
    assert types["contact.email"].family is Family.CONTACT
    assert types["cctv.ingested"].family is Family.CCTV
    assert types["case.closed"].family is Family.LIFECYCLE
    assert types["case.closed"].required == ("case_id",)
    assert all(one.says.endswith(".") for one in types.values())
    assert SCHEMAS.catalogue.family_of("purchase.imagined") is None


def test_every_field_of_a_carrier_is_copied_and_none_decoded() -> None:
    for source in SOURCES:
        for target in ("carrier", "share"):
            steps = projection(layout(source.definition), layout(SCHEMAS.named(target).definition))
            assert {kind for kind, _, _ in steps} <= {"copy", "unwrap", "null"}


def test_the_committed_tagged_schemas_are_the_generated_ones() -> None:
    for name, content in tagged_files(SCHEMAS):
        assert (FOLDER / name).read_text(encoding="utf-8") == content, f"schemas/{name} is behind: run make docs"


def test_the_committed_page_of_event_types_is_the_generated_one() -> None:
    page = (ROOT / "docs/reference/events.md").read_text(encoding="utf-8")

    assert page == event_types_markdown(SCHEMAS), "docs/reference/events.md is behind: run make docs"


def test_the_current_schemas_keep_what_the_released_ones_promised() -> None:
    released = [
        parse_schema(
            path.name.partition(".")[0], path.name.removesuffix(".avsc").partition(".")[2], json.loads(path.read_text())
        )
        for path in sorted((FOLDER / "released").glob("*.avsc"))
    ]

    assert {one.name for one in released} >= {"carrier", "expiry", "source-purchase"}
    assert broken_promises(SCHEMAS.current.values(), released) == ()


def changed(name: str, **fields: object) -> AvroSchema:
    """Return a schema with fields replaced, added, or removed (None)."""
    old = SCHEMAS.named(name)
    kept = [one for one in old.definition["fields"] if one["name"] not in fields]
    return parse_schema(name, "v1", {**old.definition, "fields": [*kept, *(one for one in fields.values() if one)]})


def test_a_new_field_without_a_default_breaks_a_source() -> None:
    new = changed("source-cctv", angle={"name": "angle", "type": "string", "doc": "New."})

    assert broken_promises([new], [SCHEMAS.named("source-cctv")]) == (
        "source-cctv: angle is new and has no default (records of v1)",
    )


def test_a_source_may_drop_a_field_and_a_carrier_may_not() -> None:
    assert broken_promises([changed("source-cctv", video=None)], [SCHEMAS.named("source-cctv")]) == ()
    assert broken_promises([changed("carrier", phone=None)], [SCHEMAS.named("carrier")]) == (
        "carrier: phone is new and has no default (readers of v1)",
    )


def test_a_changed_type_and_a_missing_schema_are_told() -> None:
    new = changed("carrier", phone={"name": "phone", "type": "long"})

    assert broken_promises([new], [SCHEMAS.named("carrier")]) == (
        "carrier: phone is string and is read as long (records of v1)",
        "carrier: phone is long and is read as string (readers of v1)",
    )
    assert broken_promises([], [SCHEMAS.named("carrier")]) == ("carrier v1 was released and is gone: bring it back",)


ENUM = {"type": "enum", "name": "E", "symbols": ["A", "B"]}
FIXED = {"type": "fixed", "name": "F", "size": 4}
TREE = {"type": "record", "name": "T", "fields": [{"name": "next", "type": ["null", "T"]}]}


@pytest.mark.parametrize(
    ("reader", "writer", "fits"),
    [
        ("long", "int", True),
        ("int", "long", False),
        (["null", "string"], "string", True),
        ("string", ["null", "string"], False),
        (["null", "string"], ["null", "int"], False),
        ({"type": "array", "items": "long"}, {"type": "array", "items": "int"}, True),
        ({"type": "map", "values": "int"}, {"type": "map", "values": "string"}, False),
        ({**ENUM, "symbols": ["A"]}, ENUM, False),
        ({**ENUM, "symbols": ["A"], "default": "A"}, ENUM, True),
        ({**FIXED, "size": 5}, FIXED, False),
        (FIXED, FIXED, True),
        (TREE, TREE, True),
        ({**TREE, "name": "U"}, TREE, False),
        ({"type": {"type": "string"}}, "string", True),
    ],
)
def test_compatibility_follows_the_rules_of_schema_resolution(reader: object, writer: object, *, fits: bool) -> None:
    assert compatible(reader, writer) is fits
    assert bool(problems(reader, writer)) is not fits


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the schemas folder to break."""
    return Path(shutil.copytree(FOLDER, tmp_path / "schemas"))


def test_a_missing_folder_or_family_is_told(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such folder"):
        Schemas.load(tmp_path / "nowhere")
    (folder / "source-cctv.v1.avsc").unlink()
    with pytest.raises(ConfigurationError, match="no source schema of each family"):
        Schemas.load(folder)


@pytest.mark.parametrize(
    "content",
    ["{", '{"type": "record"}', '{"type": "record", "name": "X", "fields": [{"name": "a", "type": "strin"}]}'],
)
def test_a_broken_schema_file_is_named(folder: Path, content: str) -> None:
    (folder / "expiry.v1.avsc").write_text(content)

    with pytest.raises(ConfigurationError, match=r"expiry\.v1\.avsc: is no Avro schema"):
        Schemas.load(folder)


def test_an_unreadable_schema_file_is_named(folder: Path) -> None:
    (folder / "folder.v1.avsc").mkdir()

    with pytest.raises(ConfigurationError, match=r"folder\.v1\.avsc: cannot be read"):
        Schemas.load(folder)


@pytest.mark.parametrize(
    ("event", "declared", "message"),
    [
        ("photo.ingested", {"says": "X.", "required": ["clip"], "optional": []}, "names clip, which the schema lacks"),
        ("opt_in", {"says": "X.", "required": [], "optional": []}, "is declared by two families"),
    ],
)
def test_a_wrong_event_declaration_is_told(folder: Path, event: str, declared: dict[str, object], message: str) -> None:
    path = folder / "source-cctv.v1.avsc"
    definition = json.loads(path.read_text())
    definition["privacy.events"][event] = declared
    path.write_text(json.dumps(definition))

    with pytest.raises(ConfigurationError, match=message):
        Schemas.load(folder)


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError, match="no schema `expire`: the schemas folder holds aggregate, carrier"):
        SCHEMAS.named("expire")


def test_confluent_ids_frame_and_open_what_they_stand_for() -> None:
    schemas = Schemas.load(FOLDER, {7: "expiry", 8: "carrier.v1"})
    expiry, carrier = schemas.named("expiry"), schemas.named("carrier")

    assert schemas.prefix(expiry) == b"\0\0\0\0\7"
    assert schemas.open(b"\0\0\0\0\7...") == (expiry, 5)
    assert schemas.open(b"\0\0\0\0\x08...") == (carrier, 5)
    assert schemas.open(b"\xc3\x01" + expiry.fingerprint) == (expiry, 10)
    assert schemas.prefix(schemas.named("review"))[:2] == b"\xc3\x01"
    with pytest.raises(ConfigurationError, match=r"schema id 9 stands for `carrier\.v9`"):
        Schemas.load(FOLDER, {9: "carrier.v9"})


@pytest.mark.parametrize("value", [b"", b"\xc3\x01", b"\xc3\x01" + bytes(8), b"\0\0\0\0\7...", b"\0\0\0\0", b"abc"])
def test_unknown_framing_is_refused(value: bytes) -> None:
    with pytest.raises(InvalidEvent) as caught:
        SCHEMAS.open(value)

    assert caught.value.code == "unknown-schema"


def test_what_a_framing_names_is_told_as_text() -> None:
    assert SCHEMAS.schema_id(b"\xc3\x01" + bytes(range(8))) == "0001020304050607"
    assert SCHEMAS.schema_id(b"\0\0\0\1\0...") == "256"
    assert SCHEMAS.schema_id(b'{"a": 1}') == "json"
    assert SCHEMAS.schema_id(b"") == ""


def test_records_of_a_released_version_stay_readable(folder: Path) -> None:
    """A field added later has a default; a record from before it is cut by the schema that wrote it."""
    path = folder / "source-cctv.v1.avsc"
    definition = json.loads(path.read_text())
    old = SCHEMAS.named("source-cctv")
    (folder / "released" / "source-cctv.v1.0.avsc").write_text(path.read_text())
    angle = {"name": "angle", "type": ["null", "string"], "default": None, "doc": "New.", "privacy.group": "media"}
    definition["fields"].insert(-1, angle)
    path.write_text(json.dumps(definition))

    schemas = Schemas.load(folder)

    assert schemas.named("source-cctv").fingerprint != old.fingerprint
    assert schemas.open(b"\xc3\x01" + old.fingerprint)[0].name == "source-cctv"
    assert schemas.tagged[old.fingerprint].fingerprint == SCHEMAS.tagged[old.fingerprint].fingerprint
