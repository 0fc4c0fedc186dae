"""The reference of the policy language names every key there is, tells which are needed, and nothing that is not."""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from pipeline.policy.condition_functions import FUNCTIONS
from pipeline.policy.document import PolicyShape
from pipeline.policy.expression import FORMS
from pipeline.policy.overlay_document import OverlayShape
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs/reference/policy-language.md").read_text(encoding="utf-8")


def within(annotation: Any) -> Iterator[Any]:
    """Yield an annotation and everything that it is made of."""
    yield annotation
    for part in get_args(annotation):
        if get_origin(annotation) is not Literal:
            yield from within(part)


def shapes(shape: type[BaseModel], path: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield a shape and the shapes inside it, each with the way to it."""
    yield path, shape
    for name, field in shape.model_fields.items():
        inside = f"{path}.{name}" if path else name
        for part in within(field.annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from shapes(part, inside)


def rows(heading: str) -> dict[str, tuple[bool, str]]:
    """Return the table below a heading: by key whether it is needed, and its meaning."""
    _before, found, rest = PAGE.partition(f"\n{heading}\n")
    assert found, f"there is no section {heading!r}"
    text = re.split(r"^#", rest, maxsplit=1, flags=re.MULTILINE)[0]
    table = re.findall(r"^\| `(\w+)` \| (yes )?\| (.*) \|$", text, re.MULTILINE)
    return {key: (needed == "yes ", meaning) for key, needed, meaning in table}


def closed_words(annotation: Any) -> Iterator[str]:
    """Yield the words that a key may have, if they are a closed set."""
    for part in within(annotation):
        if get_origin(part) is Literal:
            yield from get_args(part)
        elif isinstance(part, type) and issubclass(part, StrEnum):
            yield from part


ALL = [*shapes(PolicyShape, ""), *shapes(OverlayShape, "overlay")]


@pytest.mark.parametrize(("path", "shape"), ALL, ids=[path or "sections" for path, _shape in ALL])
def test_every_key_is_told_with_whether_it_is_needed(path: str, shape: type[BaseModel]) -> None:
    told = rows(f"### `{path}`" if path else "## The policy file")

    assert {key: needed for key, (needed, _meaning) in told.items()} == {
        field.alias or name: field.is_required() for name, field in shape.model_fields.items()
    }


@pytest.mark.parametrize(("path", "shape"), ALL[1:], ids=[path for path, _shape in ALL[1:]])
def test_every_word_of_a_closed_set_is_told(path: str, shape: type[BaseModel]) -> None:
    if path == "overlay":  # its own words; those of its parts stand with them, and `unstated` is no answer
        return
    told = rows(f"### `{path}`")

    for name, field in shape.model_fields.items():
        if not any(isinstance(part, type) and issubclass(part, BaseModel) for part in within(field.annotation)):
            _needed, meaning = told[field.alias or name]
            missing = [word for word in closed_words(field.annotation) if f"`{word}`" not in meaning]
            assert missing == [], f"{path}.{name}"


def test_every_form_of_a_retention_is_told_with_what_may_stand_beside_it() -> None:
    section = PAGE.split("## Retention expressions\n")[1].split("\n## ", maxsplit=1)[0]

    for form, (beside, _build) in FORMS.items():
        examples = [line for line in section.splitlines() if f"{{{form}: " in line]
        assert examples, form
        assert [key for key in beside if not any(f"{key}: " in line for line in examples)] == [], form


def test_every_function_of_a_condition_is_told() -> None:
    section = PAGE.split("## The language of conditions\n")[1].split("\n## ", maxsplit=1)[0]

    assert set(re.findall(r"^\| `(\w+)\(", section, re.MULTILINE)) == set(FUNCTIONS)
