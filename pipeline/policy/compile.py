"""Documents and overlays become compiled policies: frozen tables, or every problem at once. Loading never guesses."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pipeline.domain.errors import PolicyError
from pipeline.policy.assemble import Parts, assemble
from pipeline.policy.book import PolicyBook, in_order
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.document import PolicyShape
from pipeline.policy.implied import implied_triggers
from pipeline.policy.lists import read_list
from pipeline.policy.operator import Part, merge, read_overlays
from pipeline.policy.profiles import existence, read_profile
from pipeline.policy.read_rights import read_right
from pipeline.policy.reading import Reading
from pipeline.policy.recipients import read_recipient
from pipeline.policy.rules import read_rule
from pipeline.policy.shape import read
from pipeline.policy.source_file import Problems, SourceFile
from pipeline.policy.triggers import read_trigger
from pipeline.policy.words import check_words


def compile_policies(
    documents: Iterable[SourceFile], overlays: Iterable[SourceFile] = (), *, events: Iterable[str] = ()
) -> PolicyBook:
    """Return all versions of all policies, compiled with the operator's overlays.

    Args:
        documents: One policy version per file.
        overlays: Operator values; later files win key by key.
        events: Every event name of the catalogue; with none, event names are not checked against it.

    Raises:
        PolicyError: everything that is wrong in any file, each with file and line.
    """
    problems = Problems()
    parts = read_overlays(overlays, problems)
    catalogue = frozenset(events)
    sources = tuple(documents)
    shapes = [(source, shape) for source in sources if (shape := read(PolicyShape, source, problems))]
    _check_versions(shapes, problems)
    if len(shapes) == len(sources):
        _check_overlays([shape for _source, shape in shapes], parts, problems)
    compiled = [
        _compile(Reading(source, shape, merge(parts, *_identity(shape)), catalogue, problems))
        for source, shape in shapes
    ]
    if problems.found:
        raise PolicyError(tuple(problems.found))
    return _book(policy for policy in compiled if policy)


def _check_versions(shapes: Iterable[tuple[SourceFile, PolicyShape]], problems: Problems) -> None:
    seen: dict[tuple[str, str], str] = {}
    begun: dict[tuple[str, datetime], str] = {}
    for source, shape in shapes:
        key = _identity(shape)
        if key in seen:
            says = f"version {key[1]} of {key[0]} is also in {seen[key]}; give this one a version of its own"
            problems.add(source, ("policy", "version"), says)
            continue
        seen[key] = source.name
        header = shape.policy
        start = (header.controller, header.effective_from or header.published_at)
        if start in begun:
            says = f"takes effect at the same instant as the version in {begun[start]}; one of them would never govern"
            problems.add(source, ("policy", "effective_from"), f"version {key[1]} {says}: move one of them")
        begun.setdefault(start, source.name)


def _check_overlays(shapes: Sequence[PolicyShape], parts: Iterable[Part], problems: Problems) -> None:
    versions: dict[str, list[str]] = {}
    for shape in shapes:
        versions.setdefault(shape.policy.controller, []).append(shape.policy.version)
    for file, overlay in parts:
        known = versions.get(overlay.controller)
        if known is None:
            served = ", ".join(sorted(versions))
            problems.add(file, ("controller",), f"there is no policy of {overlay.controller}; there are {served}")
        elif overlay.version is not None and overlay.version not in known:
            says = f"there is no version {overlay.version} of {overlay.controller}; there are {', '.join(known)}"
            problems.add(file, ("version",), says)


def _identity(shape: PolicyShape) -> tuple[str, str]:
    return shape.policy.controller, shape.policy.version


def _book(policies: Iterable[CompiledPolicy]) -> PolicyBook:
    versions: dict[str, list[CompiledPolicy]] = {}
    for policy in policies:
        versions.setdefault(policy.controller, []).append(policy)
    return PolicyBook({controller: in_order(known) for controller, known in versions.items()})


def _compile(reading: Reading) -> CompiledPolicy | None:
    shape, before = reading.shape, len(reading.problems.found)
    reading.prepare()
    triggers = [read_trigger(reading, name, trigger) for name, trigger in shape.triggers.items()]
    triggers += implied_triggers(reading)
    rules = {name: read_rule(reading, name, rule, triggers) for name, rule in shape.rules.items()}
    profiles = {name: read_profile(reading, name, profile) for name, profile in shape.profiles.items()}
    recipients = {name: read_recipient(reading, name, recipient) for name, recipient in shape.recipients.items()}
    reading.rights = {right: read_right(reading, right, one) for right, one in shape.rights.items()}
    for name, profile in profiles.items():
        reading.vocabulary.profiles[name] = existence(profile, rules, reading.tz)
    lists = {
        name: found
        for name, item in shape.lists.items()
        if (found := read_list(reading, name, item, profiles, rules)) is not None
    }
    check_words(reading)
    if len(reading.problems.found) > before:
        return None
    return assemble(
        reading, Parts(triggers=triggers, rules=rules, profiles=profiles, recipients=recipients, lists=lists)
    )
