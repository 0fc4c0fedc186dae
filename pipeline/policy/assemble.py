"""The parts of a document, once read, become one frozen policy: every table made once, none changed later."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol, TypeVar

from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.document import PolicyShape
from pipeline.policy.listens import fact_types, forwarded_types, retagging
from pipeline.policy.open_questions import open_questions
from pipeline.policy.policy_parts import Category, Clause, Profile, Purpose, Recipient, Rule, SubjectList, Words
from pipeline.policy.reading import Reading
from pipeline.policy.rights import EVERY_SINK
from pipeline.policy.triggers import Trigger
from pipeline.policy.words import terms

K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a document is made of, read and checked."""

    triggers: list[Trigger]
    rules: dict[str, Rule]
    profiles: dict[str, Profile]
    recipients: dict[str, Recipient]
    lists: dict[str, SubjectList]


def assemble(reading: Reading, parts: Parts) -> CompiledPolicy:
    """Return the compiled policy; a category that a context, source or purpose names in vain is noted."""
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
    facts = fact_types(reading, parts.triggers, rules, profiles, recipients)
    forwarded = forwarded_types(rules)
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
        notes=tuple(open_questions(reading, purposes)),
        inboxes=_frozen({matter: name for name, inbox in shape.inboxes.items() for matter in inbox.matters}),
        retagging=retagging(rules),
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


def _canonical(reading: Reading) -> str:
    """Return document and overlay as one text: what two workers that decide alike both have. Order has a meaning."""
    header = reading.shape.policy
    overlay = {"controller": header.controller, "version": header.version, **reading.overlay.content()}
    content = {"document": reading.source.data, "overlay": overlay}
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)


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
