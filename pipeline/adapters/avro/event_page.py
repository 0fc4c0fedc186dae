"""The reference page of event types and fields, written from the source schemas and from nothing else."""

from collections.abc import Iterator
from typing import Any

from pipeline.adapters.avro.faults import MAX_BYTES
from pipeline.adapters.avro.limits import MAX_ATTRIBUTE_BYTES, MAX_ID_BYTES, MAX_ITEMS, PLAIN_TEXT_FIELDS
from pipeline.adapters.avro.schemas import AvroSchema, Schemas
from pipeline.domain.events import ATTRIBUTES
from pipeline.domain.opaque import OPAQUE
from pipeline.domain.vocabulary import Family

_PLAIN = ", ".join(f"`{name}`" for name in sorted(PLAIN_TEXT_FIELDS))
_INTRODUCTION = f"""\
# Event types

Generated from the schemas folder; do not edit. Part of the contract with producer services.

An event is sent as Avro with one of the four source schemas, or as CloudEvents 1.0 structured-mode JSON. In JSON the
attributes `specversion`, `id`, `source`, `type`, `time`, `controller` and `partitionkey` are required, `policyversion`
and `ingesttime` may be there, and everything below stands in `data`. Every field but the required ones may be absent.
A field outside its family is dropped and reported by name. An event name that is not listed here is refused.

A record has at most {MAX_BYTES:,} bytes, its framing included; `id`, `type`, `source`, `controller`, `partitionkey` and
`policyversion` have at most {MAX_ID_BYTES} bytes of UTF-8 each, other attributes {MAX_ATTRIBUTE_BYTES:,}, lists
{MAX_ITEMS} items of {MAX_ID_BYTES} bytes. What is larger becomes a dead letter with the code `too_large`. `time` is
RFC 3339 with an offset; a leap second (`:60`) is refused, send second 59. A text that is empty or blank counts as
absent in {_PLAIN}.

`id` and `partitionkey` end in clear in keys, reports and ledgers, so they must be opaque: {OPAQUE}.
Any other becomes a dead letter with the code `not_opaque`, which names the field, not the id. A UUID, `order-123/paid`
or a URN will do; an e-mail address, a telephone number with `+` or a name in two words will not. Use a pseudonym that
only your service can resolve. Ids of orders, cases, accounts, clips and holds may have any form: wherever they leave
the event they are hashed with the controller's key.

A case, an order or an account belongs to one partition key: send every event that names it with the key of the same
data subject. Partitions know nothing of each other: an event under another key ends or prolongs what is kept under the
first only where both happen to share a partition.
"""

_TYPES = {"json": "any JSON", "array": "list of strings", "record": "street, postcode, city, country"}


def event_types_markdown(schemas: Schemas) -> str:
    """Return the page as Markdown: attributes, then for each family its events and its fields."""
    parts = [_INTRODUCTION, *_attributes(schemas.source(Family.PURCHASE))]
    for family in Family:
        parts += _family(family, schemas.source(family))
    return "\n".join(parts) + "\n"


def _attributes(source: AvroSchema) -> Iterator[str]:
    known = {one["name"]: one for one in source.definition["fields"]}
    yield "## Attributes of every family\n"
    yield "| attribute | type | meaning |\n|---|---|---|"
    for name in ATTRIBUTES:
        yield f"| `{name}` | {_type(known[name])} | {known[name]['doc']} |"
    yield ""


def _family(family: Family, source: AvroSchema) -> Iterator[str]:
    yield f"## {family.capitalize()}\n"
    yield f"{source.definition['doc']} Schema `{source.name}.{source.version}.avsc`.\n"
    yield "| event | says | required | often carries |\n|---|---|---|---|"
    for name, event in source.definition["privacy.events"].items():
        yield f"| `{name}` | {event['says']} | {_list(event['required'])} | {_list(event['optional'])} |"
    yield "\n| field | group | type | category | origin | meaning |\n|---|---|---|---|---|---|"
    for one in source.definition["fields"]:
        if "privacy.group" in one:
            group, category, origin = one["privacy.group"], one["privacy.category"], one["privacy.given"]
            yield f"| `{one['name']}` | {group} | {_type(one)} | `{category}` | {origin} | {one['doc']} |"
    yield ""


def _type(field: dict[str, Any]) -> str:
    inner = field["type"][1]
    if isinstance(inner, str):
        return inner
    return _TYPES[inner.get("logicalType", inner["type"])]


def _list(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
