"""The generated schema files: one tagged schema for each source schema, published for readers of tagged topics."""

import json
from collections.abc import Iterator

from pipeline.adapters.avro.schemas import Schemas
from pipeline.domain.vocabulary import Family


def tagged_files(schemas: Schemas) -> Iterator[tuple[str, str]]:
    """Yield file name and content of every generated schema; the committed files must equal them."""
    for family in Family:
        tagged = schemas.tagged[schemas.source(family).fingerprint]
        content = json.dumps(tagged.definition, indent=1, ensure_ascii=False)
        yield f"{tagged.name}.{tagged.version}.avsc", content + "\n"
