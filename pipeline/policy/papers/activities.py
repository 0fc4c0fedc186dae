"""A policy seen by purpose: what is kept for it and how long, and who else gets data for it."""

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.domain.vocabulary import Form
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.policy_parts import Ending, Purpose, Recipient


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Categories that end alike for one purpose.

    Attributes:
        categories: Category ids, in document order.
        endings: What becomes of them, stage by stage; empty for what is never stored, and for a profile that ends
            with the longest of its supports.
        profile: True if they are kept across events.
        elements: The rules or profiles that say so, such as `rule purchase`.
        clauses: The clauses those cite.
        form: In which form they leave the pipeline; what is anonymous or counted has no end.
    """

    categories: tuple[str, ...]
    endings: tuple[Ending, ...]
    profile: bool
    elements: tuple[str, ...]
    clauses: tuple[str, ...]
    form: Form = Form.PERSONAL

    @property
    def supported(self) -> bool:
        """Tell whether they end with the longest of what supports them."""
        return self.profile and not self.endings

    @property
    def transient(self) -> bool:
        """Tell whether nothing of them is stored."""
        return not (self.endings or self.profile) and self.form is Form.PERSONAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One processing activity: a purpose with everything that happens for it.

    Attributes:
        purpose: The purpose.
        categories: Categories that serve it, by rule, profile or share.
        kept: What is kept for it, grouped by how it ends.
        recipients: Those that get data for it; only those that really do.
        clauses: Every clause that any of this cites.
    """

    purpose: Purpose
    categories: tuple[str, ...]
    kept: tuple[Kept, ...]
    recipients: tuple[Recipient, ...]
    clauses: tuple[str, ...]


def activities(policy: CompiledPolicy) -> tuple[Activity, ...]:
    """Return the processing activities of a policy, one for each purpose, in document order."""
    return tuple(_activity(policy, purpose) for purpose in policy.purposes.values())


def _activity(policy: CompiledPolicy, purpose: Purpose) -> Activity:
    kept = _grouped(_tags(policy, purpose))
    recipients = tuple(one for one in policy.recipients.values() if one.granted and one.purpose == purpose.id)
    stored = (category for group in kept for category in group.categories)
    cited = (clause for group in kept for clause in group.clauses)
    named = (clause for one in recipients for clause in one.clauses)
    return Activity(
        purpose=purpose,
        categories=tuple(dict.fromkeys(stored)) or purpose.categories or (),
        kept=kept,
        recipients=recipients,
        clauses=tuple(dict.fromkeys((*purpose.clauses, *cited, *named))),
    )


def _tags(policy: CompiledPolicy, wanted: Purpose) -> Iterator[Kept]:
    """Yield each tag that serves a purpose, alone."""
    for kind, table in (("rule", policy.rules), ("profile", policy.profiles)):
        for name, item in table.items():
            for (category, purpose), endings in item.tags.items():
                if purpose == wanted.id:
                    yield Kept(
                        categories=(category,), endings=endings, profile=kind == "profile",
                        elements=(f"{kind} {name}",), clauses=item.clauses, form=wanted.form,
                    )  # fmt: skip


def _grouped(tags: Iterator[Kept]) -> tuple[Kept, ...]:
    groups: dict[tuple[object, ...], list[Kept]] = {}
    for tag in tags:
        how = tuple((ending.action, ending.retention, ending.findable_by) for ending in tag.endings)
        groups.setdefault((how, tag.supported), []).append(tag)
    return tuple(
        Kept(
            categories=_each(tag.categories for tag in group),
            endings=group[0].endings,
            profile=group[0].profile,
            elements=_each(tag.elements for tag in group),
            form=group[0].form,
            clauses=_each((*tag.clauses, *(one for end in tag.endings for one in end.clauses)) for tag in group),
        )
        for group in groups.values()
    )


def _each(parts: Iterator[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for part in parts for one in part))
