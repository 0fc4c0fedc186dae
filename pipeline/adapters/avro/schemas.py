"""The schemas folder: every record type by name and by what frames it, and the catalogue of events.

Framing: Avro single-object encoding (C3 01, then CRC-64-AVRO of the parsing canonical form, little-endian) by default,
decodable offline; Confluent framing (00, then a schema id of four bytes) where ids are given. Both are always read.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastavro
from fastavro.schema import fingerprint, to_parsing_canonical_form

from pipeline.adapters.avro.faults import MAX_BYTES, fault
from pipeline.domain.errors import ConfigurationError
from pipeline.domain.events import EventCatalogue, EventType
from pipeline.domain.vocabulary import Family

SINGLE_OBJECT = b"\xc3\x01"
CONFLUENT = b"\x00"
RELEASED = "released"


@dataclass(frozen=True, slots=True)
class AvroSchema:
    """One version of one record type.

    Attributes:
        name: What it is called in code and topics, such as `expiry` or `source-purchase`.
        version: `v1` as in the file name; `v1.0` and so on for released ones.
        definition: The JSON of the file.
        parsed: What fastavro works with.
        fingerprint: CRC-64-AVRO, eight bytes, little-endian.
    """

    name: str
    version: str
    definition: Mapping[str, Any]
    parsed: Any
    fingerprint: bytes

    @property
    def family(self) -> Family | None:
        """Return the family of a source or tagged schema, else None."""
        kind, _, family = self.name.partition("-")
        return Family(family) if kind in {"source", "tagged"} and family in set(Family) else None

    @property
    def is_source(self) -> bool:
        """Return whether producers write it."""
        return self.name.startswith("source-")


@dataclass(frozen=True, slots=True)
class Schemas:
    """All schemas of a folder, the generated tagged ones included.

    Attributes:
        current: By name, what is written today.
        known: By fingerprint, what can be read: current and released.
        catalogue: Event names and payload fields, as the source schemas declare them.
        confluent: Schemas by the id of a registry, if there is one.
    """

    current: Mapping[str, AvroSchema]
    known: Mapping[bytes, AvroSchema]
    catalogue: EventCatalogue
    confluent: Mapping[int, AvroSchema]
    tagged: Mapping[bytes, AvroSchema]

    @classmethod
    def load(cls, folder: Path, confluent_ids: Mapping[int, str] | None = None) -> "Schemas":
        """Read all `<name>.v<major>.avsc` of a folder and of its `released` folder.

        Args:
            folder: Where the schemas lie.
            confluent_ids: Schema ids of a registry by schema name (`expiry`) or file stem (`expiry.v1`). With them
                Confluent framing is written.

        Raises:
            ConfigurationError: a file is missing, no JSON or no schema, or an id names no schema; names the file.
        """
        current = {one.name: one for one in _read_all(folder)}
        sources = [one for one in current.values() if one.is_source]
        if len(sources) != len(Family):
            raise ConfigurationError(f"{folder}: holds no source schema of each family: point at the schemas folder")
        released = list(_read_all(folder / RELEASED)) if (folder / RELEASED).is_dir() else []
        tagged = {one.fingerprint: tagged_schema(one) for one in (*released, *current.values()) if one.is_source}
        current.update({tagged[one.fingerprint].name: tagged[one.fingerprint] for one in sources})
        known = {one.fingerprint: one for one in (*released, *tagged.values(), *current.values())}
        stems = {f"{one.name}.{one.version}": one for one in known.values()} | current
        confluent = {}
        for number, name in (confluent_ids or {}).items():
            if name not in stems:
                raise ConfigurationError(f"schema id {number} stands for `{name}`, which is no schema of {folder}")
            confluent[number] = stems[name]
        return cls(current, known, _catalogue(folder, sources), confluent, tagged)

    def named(self, name: str) -> AvroSchema:
        """Return the current schema of a name.

        Raises:
            ConfigurationError: no such schema.
        """
        found = self.current.get(name)
        if found is None:
            raise ConfigurationError(
                f"there is no schema `{name}`: the schemas folder holds {', '.join(sorted(self.current))}"
            )
        return found

    def source(self, family: Family) -> AvroSchema:
        """Return the current source schema of a family."""
        return self.named(f"source-{family}")

    def prefix(self, schema: AvroSchema) -> bytes:
        """Return the framing that stands before a record of a schema."""
        for number, known in self.confluent.items():
            if known.fingerprint == schema.fingerprint:
                return CONFLUENT + number.to_bytes(4, "big")
        return SINGLE_OBJECT + schema.fingerprint

    def open(self, value: bytes) -> tuple[AvroSchema, int]:
        """Return the schema that the framing of a value names, and where the record begins.

        Raises:
            InvalidEvent: `unknown-schema` or `too_large`.
        """
        if len(value) > MAX_BYTES:
            raise fault("too_large")
        if value[:2] == SINGLE_OBJECT and value[2:10] in self.known:
            return self.known[value[2:10]], 10
        if value[:1] == CONFLUENT and len(value) > 5:
            found = self.confluent.get(int.from_bytes(value[1:5], "big"))
            if found:
                return found, 5
        raise fault("unknown-schema")

    def schema_id(self, value: bytes) -> str:
        """Return what the framing of a value names, as text for dead letters; empty if it has none."""
        if value[:2] == SINGLE_OBJECT and len(value) >= 10:
            return value[2:10].hex()
        if value[:1] == CONFLUENT and len(value) >= 5:
            return str(int.from_bytes(value[1:5], "big"))
        return "json" if value[:1] == b"{" else ""


def parse_schema(name: str, version: str, definition: Mapping[str, Any]) -> AvroSchema:
    """Return a schema ready for use; fastavro's errors pass through."""
    parsed = fastavro.parse_schema(json.loads(json.dumps(definition)))
    crc = bytes.fromhex(fingerprint(to_parsing_canonical_form(parsed), "CRC-64-AVRO"))
    return AvroSchema(name=name, version=version, definition=definition, parsed=parsed, fingerprint=crc)


def tagged_schema(source: AvroSchema) -> AvroSchema:
    """Return the tagged schema of a source schema: tags, policy version, subject reference, then the event as written.

    Raw bytes fix the writer's schema, so each version of a source schema has its own.
    """
    event = dict(source.definition)
    namespace, family = event.pop("namespace"), source.name.removeprefix("source-")
    event.pop("privacy.events", None)
    definition = {
        "type": "record",
        "name": f"Tagged{family.capitalize()}",
        "namespace": namespace,
        "doc": f"A {family} event with what the notice in force says of it. Generated from {source.name}; do not edit.",
        "fields": [
            {"name": "tags", "type": {"type": "array", "items": TAG}, "doc": "Reasons to process the event's fields."},
            {"name": "policy_version", "type": "string", "doc": "Version of the policy that decided."},
            {"name": "data_subject", "type": "string", "doc": "Reference by which expiries name the person."},
            {"name": "event", "type": event, "doc": "The event, without what the decision dropped."},
        ],
    }
    return parse_schema(f"tagged-{family}", source.version, definition)


def _strings(name: str, doc: str) -> dict[str, Any]:
    return {"name": name, "type": {"type": "array", "items": "string"}, "doc": doc}


TAG: Mapping[str, Any] = {
    "type": "record",
    "name": "Tag",
    "doc": "One reason to process some fields of an event.",
    "fields": [
        {"name": "category", "type": "string", "doc": "Personal-data category of the policy."},
        {"name": "purpose", "type": "string", "doc": "Purpose of the policy."},
        _strings("legal_basis", "Legal bases that the notice names, GDPR Art. 6(1), in its order."),
        {"name": "rule", "type": "string", "doc": "Id of the policy rule."},
        _strings("clauses", "Clauses of the notice that the rule implements."),
        _strings("fields", "Fields of this category that the event carries."),
    ],
}
"""The record type of one tag."""


def _read_all(folder: Path) -> Iterator[AvroSchema]:
    if not folder.is_dir():
        raise ConfigurationError(f"{folder}: no such folder: give the folder that holds the .avsc files")
    for path in sorted(folder.glob("*.avsc")):
        name, _, version = path.name.removesuffix(".avsc").partition(".")
        if name.startswith("tagged-"):
            continue  # generated from its source schema; the file is published for readers
        try:
            yield parse_schema(name, version, json.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise ConfigurationError(f"{path}: cannot be read ({error.strerror}): check its rights") from None
        except (ValueError, KeyError, TypeError, fastavro.schema.SchemaParseException) as error:
            raise ConfigurationError(f"{path}: is no Avro schema ({error}): correct the file") from None


def _catalogue(folder: Path, sources: list[AvroSchema]) -> EventCatalogue:
    types: dict[str, EventType] = {}
    fields: dict[Family, tuple[str, ...]] = {}
    for source in sources:
        family = Family(source.name.removeprefix("source-"))
        declared = {one["name"] for one in source.definition["fields"]}
        fields[family] = tuple(one["name"] for one in source.definition["fields"] if "privacy.group" in one)
        for name, event in source.definition.get("privacy.events", {}).items():
            where = f"{folder / source.name}.{source.version}.avsc: {name}"
            if name in types:
                raise ConfigurationError(f"{where} is declared by two families: keep one")
            unknown = sorted({*event["required"], *event["optional"]} - declared)
            if unknown:
                raise ConfigurationError(
                    f"{where} names {', '.join(unknown)}, which the schema lacks: correct the name"
                )
            types[name] = EventType(name=name, family=family, required=tuple(event["required"]), says=event["says"])
    return EventCatalogue(types=types, fields=fields)
