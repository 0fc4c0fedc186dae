"""The policies that a command works on: those of a folder, or the shipped ones, with overlays."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from pipeline.policy.compiled import CompiledPolicy, PolicyBook


def load_book(policies: Path | None, overlays: Sequence[Path]) -> "PolicyBook":
    """Return the policies of a folder with overlays; without a folder the shipped ones, shipped overlays included.

    Raises:
        PolicyError: everything that is wrong, with file and line.
    """
    from pipeline.adapters.avro.schemas import Schemas
    from pipeline.adapters.yaml_files import load_policies
    from pipeline.settings import load_settings

    settings = load_settings()
    events = Schemas.load(settings.schemas).catalogue.types
    shipped = settings.overlays if policies is None else ()
    return load_policies(policies or settings.policies, (*shipped, *overlays), events=events)


def versions_of(book: "PolicyBook", controller: str | None) -> "Iterator[CompiledPolicy]":
    """Yield every version of every policy, or of one controller's.

    Raises:
        ConfigurationError: there is no policy of the controller.
    """
    if controller is not None and controller not in book.versions:
        raise ConfigurationError(f"there is no policy of {controller!r}; there are {', '.join(sorted(book.versions))}.")
    for name, versions in book.versions.items():
        if controller in (None, name):
            yield from versions
