"""Documents and overlays become compiled policies: frozen tables, or every problem at once. Loading never guesses."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Protocol, TypeVar

from pipeline.domain.errors import PolicyError
from pipeline.domain.vocabulary import LegalBasis, Right, Stance
from pipeline.policy.book import PolicyBook, in_order
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.document import PolicyShape
from pipeline.policy.implied import implied_triggers
from pipeline.policy.lists import read_list
from pipeline.policy.operator import Part, merge, read_overlays
from pipeline.policy.policy_parts import (
    Category,
    Clause,
    Otherwise,
    Profile,
    Purpose,
    Recipient,
    Rule,
    SubjectList,
    Words,
)
from pipeline.policy.profiles import existence, read_profile
from pipeline.policy.read_rights import read_right
from pipeline.policy.reading import Reading
from pipeline.policy.recipients import read_recipient
from pipeline.policy.retention import CLASSIFYING, Until, While, patterns_of
from pipeline.policy.rights import EVENTS, EVERY_SINK, LIFTED
from pipeline.policy.rules import heard_of_clips, read_rule
from pipeline.policy.shape import read
from pipeline.policy.source_file import Problems, SourceFile
from pipeline.policy.triggers import Trigger, read_trigger
from pipeline.policy.words import check_words, terms

K = TypeVar("K")
T = TypeVar("T")

CONSENTS = frozenset({"consent.given", "consent.withdrawn"})
"""What may let a rule apply that waits for those on a photo or clip."""

HOLD_FACTS = frozenset({"hold.opened", "hold.closed"})
"""Every policy listens to holds: a legal hold suspends any erasure (policies 6, order of conflicts)."""


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
    return _compiled(
        reading, _Parts(triggers=triggers, rules=rules, profiles=profiles, recipients=recipients, lists=lists)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What a document is made of, read and checked."""

    triggers: list[Trigger]
    rules: dict[str, Rule]
    profiles: dict[str, Profile]
    recipients: dict[str, Recipient]
    lists: dict[str, SubjectList]


def _compiled(reading: Reading, parts: _Parts) -> CompiledPolicy:
    rules, profiles, recipients, lists = parts.rules, parts.profiles, parts.recipients, parts.lists
    shape, header, text = reading.shape, reading.shape.policy, _canonical(reading)
    categories = {
        name: Category(
            id=name, fields=item.fields, clauses=item.clauses, required=item.required, dpv=item.dpv,
            observed=item.observed,
        )
        for name, item in shape.categories.items()
    }  # fmt: skip
    purposes = {name: _purpose(reading, name) for name in shape.purposes}
    facts = _fact_types(reading, parts.triggers, rules, profiles, recipients).union(_requests(reading.rights))
    forwarded = frozenset(name for rule in rules.values() for name in heard_of_clips(rule.tags))
    if any(rule.otherwise is Otherwise.WAIT for rule in rules.values()):
        forwarded |= CONSENTS
    facts |= forwarded
    named = [one.events for items in (rules, recipients, lists) for one in items.values()]
    supports = [profile.supported_by for profile in profiles.values()]
    words = Words(language=shape.words.language, terms=MappingProxyType(terms(shape.words))) if shape.words else None
    return CompiledPolicy(
        controller=header.controller,
        name=header.name,
        notice=header.notice,
        version=header.version,
        canonical=text,
        digest=hashlib.sha256(text.encode()).hexdigest(),
        published_at=header.published_at,
        effective_from=header.effective_from or header.published_at,
        before_first=header.before_first,
        tz=reading.tz,
        authority=header.authority.name if header.authority else "",
        categories=_frozen(categories),
        field_categories=_frozen(_field_categories(categories)),
        contexts=_frozen({
            name: reading.categories(item.categories, ("contexts", name)) for name, item in shape.contexts.items()
        }),
        natural_contexts=_frozen({
            event: name for name, item in shape.contexts.items() for event in item.natural_for
        }),
        sources=_frozen({
            name: tuple(categories) if item.categories is None
            else reading.categories(item.categories, ("sources", name))
            for name, item in shape.sources.items()
        }),
        purposes=_frozen(purposes),
        rules=_frozen(rules),
        rules_by_event=_frozen(_by_event(rules.values())),
        profiles=_frozen(profiles),
        recipients=_frozen(recipients),
        recipients_by_event=_frozen(_by_event(recipient for recipient in recipients.values() if recipient.granted)),
        states=_frozen(reading.states),
        rights=_frozen(reading.rights),
        sinks=reading.overlay.sinks or (EVERY_SINK,),
        clauses=_frozen(_clauses(shape)),
        fact_types=facts,
        known_events=facts.union(*supports, *named),
        catalogue=reading.catalogue,
        forwarded=forwarded,
        lists=_frozen(lists),
        forgets_subject=any(trigger.forgets_subject for trigger in shape.triggers.values()),
        notes=tuple(_notes(reading, purposes)),
        inboxes=_frozen({matter: name for name, inbox in shape.inboxes.items() for matter in inbox.matters}),
        retagging=_retagging(rules),
        inbox_otherwise=next((name for name, inbox in shape.inboxes.items() if inbox.otherwise), None),
        words=words,
        retentions=_frozen(reading.retentions),
        record=_frozen(reading.overlay.record),
    )  # fmt: skip


def _purpose(reading: Reading, name: str) -> Purpose:
    item = reading.shape.purposes[name]
    categories = item.categories and reading.categories(item.categories, ("purposes", name, "categories"))
    return Purpose(
        id=name,
        legal_basis=reading.overlay.legal_basis.get(name, item.legal_basis),
        clauses=item.clauses,
        categories=categories,
        form=item.output,
        data_subjects=item.data_subjects,
        dpv=item.dpv,
    )


def _fact_types(
    reading: Reading,
    triggers: Iterable[Trigger],
    rules: Mapping[str, Rule],
    profiles: Mapping[str, Profile],
    recipients: Mapping[str, Recipient],
) -> frozenset[str]:
    """Return what is folded into state: what any retention, condition or state listens to, and all that hold."""
    endings = [ending.retention for rule in rules.values() for kept in rule.tags.values() for ending in kept]
    endings += [ending.retention for one in profiles.values() for kept in one.tags.values() for ending in kept]
    endings += [recipient.erase_after for recipient in recipients.values() if recipient.erase_after]
    # A trigger that concerns nothing stored still announces a right that people have: its events are known.
    endings += [Until(event=trigger.event) for trigger in triggers]
    endings += [While(state=state, of=state.per) for state in reading.states.values()]
    listened = (names for retention in endings for _kind, names in patterns_of(retention))
    asked = (parsed.facts for parsed in reading.parsed)
    profiled = {name for parsed in reading.parsed for name in parsed.profiles}
    supports = (profiles[name].supported_by for name in profiled)
    sorting = CLASSIFYING if reading.shape.inboxes else ()
    return HOLD_FACTS.union(sorting, _retagging(rules), *listened, *asked, *supports)


def _requests(rights: Iterable[Right]) -> Iterator[str]:
    for right in rights:
        yield EVENTS[right]
        if right is Right.RESTRICTION:
            yield LIFTED


def _retagging(rules: Mapping[str, Rule]) -> frozenset[str]:
    """Return the events of rules that tag what other records hold."""
    return frozenset(event for rule in rules.values() if rule.retags for event in rule.events)


def _canonical(reading: Reading) -> str:
    """Return document and overlay as one text: what two workers that decide alike both have. Order has a meaning."""
    header = reading.shape.policy
    overlay = {"controller": header.controller, "version": header.version, **reading.overlay.content()}
    content = {"document": reading.source.data, "overlay": overlay}
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)


def _notes(reading: Reading, purposes: Mapping[str, Purpose]) -> Iterable[str]:
    for name, purpose in purposes.items():
        at = reading.source.at(("purposes", name))
        if purpose.legal_basis == (LegalBasis.UNSTATED,):
            yield f"{at}: the notice names no legal basis for {name}; decide it, then set legal_basis.{name}"
        elif len(purpose.legal_basis) > 1:
            bases = ", ".join(purpose.legal_basis)
            yield f"{at}: the notice names several legal bases for {name} ({bases}); decide which one applies when"
    for name, wanted in reading.shape.operator.items():
        given = reading.overlay.values.get(name)
        if given:
            yield f"{given.at}: {name} = {given.value} is the operator's value, not the notice's ({wanted.says})"
        else:
            yield f"{reading.source.at(('operator', name))}: {name} is not decided ({wanted.says})"
    for name, recipient in reading.shape.recipients.items():
        if recipient.stance is Stance.SILENT:
            granted = name in reading.overlay.grants
            says = "an overlay grants it" if granted else "nothing is shared unless an overlay grants it"
            yield f"{reading.source.at(('recipients', name))}: the notice is silent on {name}; {says}"


def _frozen(table: dict[K, T]) -> Mapping[K, T]:
    return MappingProxyType(table)


def _field_categories(categories: Mapping[str, Category]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, category in categories.items():
        for each in category.fields:
            found[each] = (*found.get(each, ()), name)
    return found


class _OnEvents(Protocol):
    """What applies to some events: a rule or a recipient."""

    @property
    def events(self) -> tuple[str, ...]: ...


E = TypeVar("E", bound=_OnEvents)


def _by_event(items: Iterable[E]) -> dict[str, tuple[E, ...]]:
    found: dict[str, list[E]] = {}
    for item in items:
        for event in item.events:
            found.setdefault(event, []).append(item)
    return {event: tuple(matching) for event, matching in found.items()}


def _clauses(shape: PolicyShape) -> dict[str, Clause]:
    return {
        name: Clause(id=name, says=clause) if isinstance(clause, str)
        else Clause(id=name, says=clause.says, notice_only=clause.notice_only)
        for name, clause in shape.clauses.items()
    }  # fmt: skip
