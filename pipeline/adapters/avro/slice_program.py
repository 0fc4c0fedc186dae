"""One version of one source schema, compiled into what cutting its records and copying from them needs."""

from typing import Any

from pipeline.adapters.avro.limits import PLAIN_TEXT_FIELDS
from pipeline.adapters.avro.projector import Projector
from pipeline.adapters.avro.schemas import AvroSchema, Schemas
from pipeline.domain.errors import ConfigurationError
from pipeline.domain.records import SharedValue
from pipeline.stages.plan import RunField, source_program

JSON = 1
ATTRIBUTE = 2
TEXT = 3
"""What the loop meets most: JSON text of the payload, a string among the attributes, a plain text; 0 is all else."""

_SHARED = ("carrier", "share")

Part = tuple[str, Any]
"""`("bytes", constant)`, or a step of the plan with the field's name."""


def _kind(field: RunField) -> int:
    if field.type != ("string",):
        return 0
    if field.attribute:
        return ATTRIBUTE
    return TEXT if field.name in PLAIN_TEXT_FIELDS else JSON


class Program:
    """What cutting one version of one source schema needs, in the form the loop wants."""

    def __init__(self, source: AvroSchema, schemas: Schemas) -> None:
        plan = source_program(source.definition)
        self.schema = source
        self.types = plan.layout.types
        self.run: tuple[tuple[str, int, RunField], ...] = tuple((one.name, _kind(one), one) for one in plan.run)
        self.length = len(self.run)
        self.tagged_prefix = schemas.prefix(schemas.tagged[source.fingerprint])
        self.json_fields = frozenset(
            one["name"]
            for one in source.definition["fields"]
            if isinstance(one["type"], list) and one["type"][1] == {"type": "string", "logicalType": "json"}
        )
        targets = {name: schemas.named(name) for name in _SHARED}
        self._prefixes = {name: schemas.prefix(target) for name, target in targets.items()}
        self.projectors = {name: Projector(source.definition, target.definition) for name, target in targets.items()}
        self._parts: dict[tuple[str, tuple[str, ...]], tuple[Part, ...]] = {}

    def parts(self, value: SharedValue) -> tuple[Part, ...]:
        """Return the pieces of a recipient's record: every field of its schema that is on the whitelist, else null."""
        found = self._parts.get((value.schema, value.fields))
        if found is None:
            found = self._parts[value.schema, value.fields] = tuple(self._compile(value))
        return found

    def _compile(self, value: SharedValue) -> list[Part]:
        if value.schema not in self.projectors:
            raise ConfigurationError(f"`{value.schema}` is no schema to share with: use {' or '.join(_SHARED)}")
        steps = self.projectors[value.schema].steps
        known = {name for _, name, _ in steps}
        foreign = sorted(set(value.fields) - known)
        withheld = sorted(name for kind, name, _ in steps if kind not in {"copy", "null"} and name not in value.fields)
        if foreign or withheld:
            raise ConfigurationError(
                f"`{value.schema}` cannot carry exactly {', '.join(value.fields)}: correct the fields in the policy"
            )
        merged = self._prefixes[value.schema]
        parts: list[Part] = []
        for kind, name, _ in steps:
            if kind == "null" or name not in value.fields:
                merged += b"\0"
                continue
            parts.extend((("bytes", merged), (kind, name)) if merged else ((kind, name),))
            merged = b""
        return [*parts, ("bytes", merged)] if merged else parts
