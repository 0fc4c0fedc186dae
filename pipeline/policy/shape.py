"""What every part of a policy or overlay file is built of, and how a file is read strictly into its shape."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from pipeline.policy.source_file import Problems, SourceFile, Where


def listed(value: object) -> object:
    """Return a single word as a list of one; anything else as it is."""
    return [value] if isinstance(value, str) else value


def _written(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be an instant with its zone, such as 2024-07-11T00:00:00+01:00")  # noqa: TRY004 (pydantic)
    return value


Kebab = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]+([.-][A-Za-z0-9]+)*$")]
Snake = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
Text = Annotated[str, StringConstraints(min_length=1)]
Words = Annotated[tuple[Text, ...], BeforeValidator(listed)]
"""One word or several."""
Clauses = Annotated[tuple[Text, ...], BeforeValidator(listed), Field(min_length=1)]
"""At least one clause of the notice."""


Instant = Annotated[AwareDatetime, BeforeValidator(_written)]
"""An instant with its offset from UTC."""


def _day(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("must be a day, such as 2024-12-25")  # noqa: TRY004 (pydantic)
    return value


Day = Annotated[date, BeforeValidator(_day)]
"""A calendar day."""


class Shape(BaseModel):
    """A part of a file: nothing unknown in it. Lists become tuples and words enums; no number is read from text."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


S = TypeVar("S", bound=Shape)


def read(shape: type[S], source: SourceFile, problems: Problems) -> S | None:
    """Return a file in its shape, or None after noting everything that does not fit."""
    try:
        return shape.model_validate(source.data)
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            where = _without_branches(problem["loc"], source)
            problems.add(source, where, _sentence(problem["type"], problem["msg"], where, shape))
        return None


_CURES: Mapping[str, str] = {
    "extra_forbidden": "is not known here; correct its spelling or remove it",
    "missing": "is missing; add it",
    "timezone_aware": "needs its offset from UTC, such as 2024-07-11T00:00:00+01:00",
    "too_short": "is empty; name at least one",
    "model_type": "must be a mapping of keys to values",
    "string_type": "must be words",
    "tuple_type": "must be a list",
    "bool_type": "must be true or false",
}


def _sentence(kind: str, message: str, where: Where, shape: type[Shape]) -> str:
    name = ".".join(str(part) for part in where) or "the file"
    if kind == "extra_forbidden" and len(where) == 1:
        return f"{name} is not known here; the sections are {', '.join(shape.model_fields)}"
    if kind in _CURES:
        return f"{name} {_CURES[kind]}"
    return f"{name} {message.removeprefix('Input ').removeprefix('Value error, ')}"


_BRANCHES = frozenset({"ClauseShape", "bool", "int", "constrained-str", "str"})


def _without_branches(location: Iterable[str | int], source: SourceFile) -> Where:
    """Return the way without the names of union members that pydantic puts into it."""
    where: Where = ()
    for part in location:
        if part in _BRANCHES and (*where, part) not in source.lines:
            continue
        where = (*where, part)
    return where
