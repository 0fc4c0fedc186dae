"""The policies that a command works on: those of a folder, or the shipped ones, with overlays."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from pipeline.policy.book import PolicyBook
    from pipeline.policy.compiled import CompiledPolicy
    from pipeline.policy.document import PolicyShape
    from pipeline.policy.source_file import SourceFile


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


def documents_in(policies: Path | None) -> "list[tuple[SourceFile, PolicyShape]]":
    """Return the policy documents of a folder, or the shipped ones, as they stand in their files."""
    from pipeline.adapters.yaml_files import read_policies
    from pipeline.policy.document import PolicyShape
    from pipeline.policy.shape import read
    from pipeline.policy.source_file import Problems
    from pipeline.settings import load_settings

    files, _overlays = read_policies(policies or load_settings().policies)
    found = ((source, read(PolicyShape, source, Problems())) for source in files)
    return [(source, shape) for source, shape in found if shape]


def texts_in(tests: Path | None) -> dict[str, str]:
    """Return the text of each test and test case of a folder, or of ours, by its path in there."""
    from pipeline.settings import ROOT

    folder = tests or ROOT / "tests"
    files = sorted(path for pattern in ("**/*.py", "**/cases/*.yaml") for path in folder.glob(pattern))
    return {str(path.relative_to(folder)): path.read_text() for path in files}
