"""A policy as facts in terms of the Data Privacy Vocabulary 2.3; `jsonld` writes and reads them.

Facts are sets: in linked data nothing has an order but what stands in a list.
"""

from dataclasses import dataclass

from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.papers import terms
from pipeline.policy.papers.activities import Activity, activities
from pipeline.policy.policy_parts import Ending
from pipeline.policy.retention import Retention


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of an end: the action, when it is due, and the fields that the rest may then be found by."""

    action: str
    after: Retention
    findable_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """How some categories end for a purpose; a profile without stages ends with the longest of its supports."""

    categories: frozenset[str]
    profile: bool
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """Who gets which fields, as what, and until when it may keep them."""

    recipient: str
    kind: str
    fields: frozenset[str]
    erase_after: Retention | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A purpose with everything that happens for it, in terms of the vocabulary."""

    purpose: str
    broader: frozenset[str]
    legal_bases: frozenset[str]
    data_subjects: frozenset[str]
    processing: frozenset[str]
    personal_data: frozenset[tuple[str, frozenset[str]]]
    storage: frozenset[Storage]
    sharing: frozenset[Sharing]
    clauses: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that an export says of one policy version."""

    controller: str
    name: str
    version: str
    processes: frozenset[Process]
    measures: frozenset[str]


def facts_of(policy: CompiledPolicy) -> Facts:
    """Return what a policy says, in terms of the vocabulary."""
    return Facts(
        controller=policy.controller,
        name=policy.name,
        version=policy.version,
        processes=frozenset(_process(policy, one) for one in activities(policy)),
        measures=frozenset(terms.MEASURES),
    )


def _process(policy: CompiledPolicy, activity: Activity) -> Process:
    purpose = activity.purpose
    return Process(
        purpose=purpose.id,
        broader=frozenset(purpose.dpv or ("dpv:Purpose",)),
        legal_bases=frozenset(terms.LEGAL_BASES[basis] for basis in purpose.legal_basis),
        data_subjects=frozenset(terms.PEOPLE[people] for people in purpose.data_subjects),
        processing=terms.FORMS[purpose.form],
        personal_data=frozenset((name, frozenset(policy.categories[name].fields)) for name in activity.categories),
        storage=frozenset(
            Storage(
                categories=frozenset(kept.categories),
                profile=kept.supported,
                stages=tuple(_stage(ending) for ending in kept.endings),
            )
            for kept in activity.kept
        ),
        sharing=frozenset(
            Sharing(
                recipient=one.id,
                kind=terms.RECIPIENTS[one.recipient_class],
                fields=frozenset(one.fields),
                erase_after=one.erase_after,
            )
            for one in activity.recipients
        ),
        clauses=frozenset(activity.clauses),
    )


def _stage(ending: Ending) -> Stage:
    return Stage(action=terms.ACTIONS[ending.action], after=ending.retention, findable_by=ending.findable_by)
