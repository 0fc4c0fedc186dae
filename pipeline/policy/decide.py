"""Decide what the policy says of one event: by tables, without a clock, without a payload value.

The order is fixed: what the policy does not know is refused, then fields are sorted out by source and context, then
rules tag what is left, then recipients are granted their share. Every field ends in a tag or in a report.
"""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pipeline.domain.events import EventHead
from pipeline.domain.records import Tag
from pipeline.domain.vocabulary import Form, Outcome, RefKind
from pipeline.policy.asked import Asked
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.decision import Decision, Grant, Report
from pipeline.policy.matching import gate, match
from pipeline.policy.policy_parts import Recipient, Rule
from pipeline.policy.rights import REQUESTS
from pipeline.policy.spans import class_of_case

CONTEXTS = ("web", "store", "mailing", "email", "course_own", "course_other")
"""Every context there is, for policies that do not tell contexts apart."""

NO_RULE = Report(code="no_rule", message="no rule of the policy allows this event")
NO_EFFECT = Report(code="no_effect", message="the policy says nothing of this event: it changes nothing here")


def decide(policy: CompiledPolicy, asked: Asked) -> Decision:
    """Return tags, shares, inbox and reports of one event.

    Guarantees: pure; the same policy, event and facts give the same decision. A field that no tag names does not
    survive; a field outside a recipient's whitelist is in no grant.
    """
    head = asked.head
    context = _context(policy, head)
    refusal = _unknown(policy, head, context)
    if refusal:
        return _refused(policy, refusal)
    sorted_out = _sort_out(policy, head, context)
    rules = policy.rules_by_event.get(head.type, ())
    here = [rule for rule in rules if rule.contexts is None or context in rule.contexts]
    if rules and not here:
        return _refused(policy, *_out_of_context(context, sorted_out, rules))
    matched, waiting, stopped = match(policy, here, asked)
    if stopped:
        return stopped
    gates, waits = tuple(gate(rule) for rule in waiting), tuple(rule.id for rule in waiting)
    served = _served(sorted_out, matched, policy.purposes)
    grants, withheld = _shares(policy, asked, _served(sorted_out, matched, _personal(policy)))
    is_fact = head.type in policy.fact_types
    lists = tuple(one for one in policy.lists.values() if head.type in one.events)
    # A request of a data subject is never refused for want of a rule: its rights record tells what becomes of it.
    if not (matched or grants or withheld or is_fact or lists or head.type in REQUESTS):
        return _refused(policy, NO_RULE) if rules else _unmentioned(policy, head)
    found = tuple(tag for rule in matched for tag in _tags(policy, rule, sorted_out))
    tags = _of_form(policy, found, Form.PERSONAL)
    return Decision(
        outcome=Outcome.ACCEPTED,
        policy_version=policy.version,
        tags=tags,
        nameless=_of_form(policy, found, Form.ANONYMOUS),
        counted=_of_form(policy, found, Form.AGGREGATE),
        keep=_kept(head, tags),
        grants=grants,
        inbox=_inbox(policy, asked, matched),
        profiles=_profiles(policy, head, tags),
        lists=lists,
        waits=waits,
        reports=(
            *gates,
            *_field_reports(head, sorted_out, served),
            *_incomplete(policy, matched, sorted_out),
            *_unknown_matter(policy, asked, matched),
            *withheld,
        ),
        is_fact=is_fact,
    )


@dataclass(slots=True)
class _Sorted:
    """The fields of an event: those that may be used, by category, and those that may not, by reason."""

    usable: dict[str, list[str]] = field(default_factory=dict)
    outside: dict[str, list[str]] = field(default_factory=dict)
    present: frozenset[str] = frozenset()


def _context(policy: CompiledPolicy, head: EventHead) -> str | None:
    given = head.attributes.get("context")
    return policy.natural_contexts.get(head.type) if given is None else str(given)


def _unknown(policy: CompiledPolicy, head: EventHead, context: str | None) -> Report | None:
    if head.type not in policy.known_events and head.type not in policy.catalogue:
        return Report(code="unknown_event", message="the policy knows no event of this name")
    contexts = policy.contexts or CONTEXTS
    if context is not None and context not in contexts:
        return Report(code="unknown_context", message=f"contexts are {', '.join(contexts)}")
    source = head.attributes.get("collected_from")
    if policy.sources and source is not None and source not in policy.sources:
        return Report(code="source_not_allowed", message=f"data may come from {', '.join(policy.sources)}")
    return None


def _unmentioned(policy: CompiledPolicy, head: EventHead) -> Decision:
    """Return what becomes of an event that exists and that the notice does not speak of: it may say, not carry.

    Its absence is reported, so that nobody waits for an effect.
    """
    if head.present or head.undeclared:
        return _refused(policy, NO_RULE)
    return Decision(outcome=Outcome.ACCEPTED, policy_version=policy.version, reports=(NO_EFFECT,))


def _sort_out(policy: CompiledPolicy, head: EventHead, context: str | None) -> _Sorted:
    present = head.present.union(head.attributes)
    found = _Sorted(present=present)
    by_source = _allowed(policy.sources, head.attributes.get("collected_from"))
    by_context = _allowed(policy.contexts, context)
    for name in sorted(present):
        categories = policy.field_categories.get(name, ())
        from_here = [category for category in categories if by_source is None or category in by_source]
        usable = [category for category in from_here if by_context is None or category in by_context]
        for category in usable:
            found.usable.setdefault(category, []).append(name)
        if not usable and name in head.present:
            reason = "category_outside_context" if from_here else "category_outside_source"
            found.outside.setdefault(reason if categories else "unknown_field", []).append(name)
    return found


def _allowed(table: Mapping[str, tuple[str, ...]], name: object) -> tuple[str, ...] | None:
    """Return the categories that a context or source allows, or None where nothing limits them."""
    return table[str(name)] if table and name is not None else None


def _out_of_context(context: str | None, found: _Sorted, rules: Iterable[Rule]) -> tuple[Report, ...]:
    allowed = sorted({name for rule in rules for name in rule.contexts or ()})
    if context is None:
        return (Report(code="missing_context", message=f"say in which context: {', '.join(allowed)}"),)
    outside = tuple(found.outside.get("category_outside_context", ()))
    clauses = tuple(dict.fromkeys(clause for rule in rules for clause in rule.clauses))
    message = f"the event is allowed in the contexts {', '.join(allowed)} only"
    code = "category_outside_context" if outside else "no_rule"
    return (Report(code=code, fields=outside, clauses=clauses, message=message),)


def _refused(policy: CompiledPolicy, *reports: Report) -> Decision:
    return Decision(outcome=Outcome.REFUSED, policy_version=policy.version, reports=reports)


def _of_form(policy: CompiledPolicy, tags: Iterable[Tag], form: Form) -> tuple[Tag, ...]:
    return tuple(tag for tag in tags if policy.purposes[tag.purpose].form is form)


def _tags(policy: CompiledPolicy, rule: Rule, found: _Sorted) -> Iterator[Tag]:
    """Yield a rule's tags; without an ending a personal one is transient, and stored nowhere."""
    for (category, purpose), endings in rule.tags.items():
        usable = found.usable.get(category, ())
        fields = tuple(name for name in policy.categories[category].fields if name in usable)
        if fields and (endings or policy.purposes[purpose].form is not Form.PERSONAL):
            yield Tag(
                category=category,
                purpose=purpose,
                legal_basis=policy.purposes[purpose].legal_basis,
                rule=rule.id,
                clauses=rule.clauses,
                fields=fields,
            )


def _kept(head: EventHead, tags: Iterable[Tag]) -> frozenset[str] | None:
    survives = head.present.intersection(name for tag in tags for name in tag.fields)
    return None if survives == head.present and not head.undeclared else survives


def _personal(policy: CompiledPolicy) -> frozenset[str]:
    return frozenset(name for name, purpose in policy.purposes.items() if purpose.form is Form.PERSONAL)


def _served(found: _Sorted, matched: Iterable[Rule], purposes: Container[str]) -> frozenset[str]:
    """Return the fields that serve one of some purposes. A transient tag stores nothing, and yet it is a purpose."""
    serving = {category for rule in matched for category, purpose in rule.tags if purpose in purposes}
    return frozenset(name for category in serving for name in found.usable.get(category, ()))


def _field_reports(head: EventHead, found: _Sorted, served: frozenset[str]) -> Iterator[Report]:
    strangers = (*found.outside.get("unknown_field", ()), *sorted(head.undeclared))
    if strangers:
        yield Report(code="unknown_field", fields=strangers, message="in no category of the policy")
    for code in ("category_outside_source", "category_outside_context"):
        if code in found.outside:
            where = code.removeprefix("category_outside_")
            yield Report(code=code, fields=tuple(found.outside[code]), message=f"not allowed in this {where}")
    usable = {name for names in found.usable.values() for name in names}
    idle = tuple(sorted(head.present & usable - served))
    if idle:
        yield Report(code="no_purpose", fields=idle, message="no rule gives these fields a purpose here")


def _incomplete(policy: CompiledPolicy, matched: Iterable[Rule], found: _Sorted) -> Iterator[Report]:
    for rule in matched:
        for category, code in rule.complete:
            wanted = policy.categories[category].required or policy.categories[category].fields
            missing = tuple(name for name in wanted if name not in found.usable.get(category, ()))
            if missing:
                yield Report(
                    code=code, fields=missing, rule=rule.id, clauses=rule.clauses, message=f"{category} is not complete"
                )


def _shares(
    policy: CompiledPolicy, asked: Asked, served: frozenset[str]
) -> tuple[tuple[Grant, ...], tuple[Report, ...]]:
    grants: list[Grant] = []
    withheld: list[Report] = []
    for recipient in policy.recipients_by_event.get(asked.head.type, ()):
        if recipient.condition is not None and not recipient.condition(asked):
            continue
        fields = tuple(name for name in recipient.fields if name in served & asked.head.present)
        missing = tuple(name for name in recipient.fields if name not in fields)
        if recipient.exact and missing:
            withheld.append(_missing(recipient, missing))
        elif fields:
            grants.append(Grant(recipient=recipient, fields=fields))
    return tuple(grants), tuple(withheld)


def _missing(recipient: Recipient, fields: tuple[str, ...]) -> Report:
    # Nothing stands in for a field that is missing: the producer sends the event again, complete (architecture 9.9).
    message = f"{recipient.id} gets exactly {', '.join(recipient.fields)}; send the event again with all of them"
    return Report(code="missing", fields=fields, rule=recipient.rule, clauses=recipient.clauses, message=message)


def _inbox(policy: CompiledPolicy, asked: Asked, matched: Iterable[Rule]) -> str | None:
    if not any(rule.sorts_inbox for rule in matched):
        return None
    return policy.inboxes.get(str(matter_of(asked)), policy.inbox_otherwise)


def matter_of(asked: Asked) -> object:
    """Return the class of the event's case as of the event, or its own where it has no case that was classified.

    The class belongs to the case and covers all its messages (R-ALL-4).
    """
    return _matter_of_case(asked) or asked.head.attributes.get("matter")


def _matter_of_case(asked: Asked) -> str | None:
    return class_of_case(asked.facts(RefKind.CASE), until=asked.head.occurred_at)


def _unknown_matter(policy: CompiledPolicy, asked: Asked, matched: Iterable[Rule]) -> Iterator[Report]:
    """Yield a report where an e-mail or its case has a class that no inbox is for: it is sorted as any other."""
    given = (asked.head.attributes.get("matter"), _matter_of_case(asked))
    for rule in matched:
        if rule.sorts_inbox and any(matter is not None and str(matter) not in policy.inboxes for matter in given):
            yield Report(
                code="unknown_matter",
                fields=("matter",),
                rule=rule.id,
                clauses=rule.clauses,
                message=f"matters are {', '.join(policy.inboxes)}; another one counts as none",
            )


def _profiles(policy: CompiledPolicy, head: EventHead, tags: Iterable[Tag]) -> tuple[str, ...]:
    fed = {tag.category for tag in tags}
    return tuple(
        name
        for name, profile in policy.profiles.items()
        if head.type in profile.supported_by and fed.intersection(profile.categories)
    )
