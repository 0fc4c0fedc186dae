"""A notice clause by clause: what it promises in our words, what the pipeline does about it, and what tests that."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from pipeline.domain.vocabulary import Form, Right
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.coverage import Covered, Element, Status, counts_of
from pipeline.policy.describe import endings_in_words, in_words
from pipeline.policy.document import PolicyShape
from pipeline.policy.papers.activities import Kept
from pipeline.policy.papers.markdown import bullets, listed, page
from pipeline.policy.papers.ropa import kept_in_words
from pipeline.policy.wording import IDS

TESTS = "../../tests/"
"""Where the tests lie as seen from the pages."""


def clause_page(policy: CompiledPolicy, shape: PolicyShape, rows: Sequence[Covered]) -> str:
    """Return the page of one notice.

    Args:
        policy: The policy, for what its expressions mean.
        shape: Its document, for what stands in it.
        rows: How each clause of it stands.
    """
    counts = counts_of(rows)
    stand = ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])
    return page(
        f"# {policy.name}",
        "What the notice promises, clause by clause in our own words, and what the pipeline does about it. Made from "
        f"[policies/{policy.controller}.yaml](../../policies/{policy.controller}.yaml) by `make docs`.",
        f"Version {policy.version} of the policy has {len(rows)} clauses: {stand}. Dates are local dates in "
        f"{policy.tz.key}.",
        *(part for row in rows for part in _clause(policy, shape, row)),
    )


def _clause(policy: CompiledPolicy, shape: PolicyShape, row: Covered) -> Iterator[str]:
    yield f"## {row.clause}"
    yield f"> {row.says}"
    if row.reason:
        yield f"Notice only: {row.reason}"
    yield bullets(_does(policy, shape, element) for element in row.elements)
    if row.status is Status.MISSING:
        yield "Nothing implements it yet: see the [roadmap](../roadmap.md)."
    if row.tests:
        yield "Tested by " + ", ".join(f"[{name}]({TESTS}{name})" for name in row.tests) + "."


def _does(policy: CompiledPolicy, shape: PolicyShape, element: Element) -> str:
    say = _WORDS.get(element.kind)
    named = f"**{element.kind} {element.id}**"
    return f"{named}: {say(policy, shape, element.id)}" if say else named


def _category(policy: CompiledPolicy, _shape: PolicyShape, name: str) -> str:
    return f"the fields {listed(policy.categories[name].fields)}"


def _context(policy: CompiledPolicy, _shape: PolicyShape, name: str) -> str:
    return f"only {listed(policy.contexts[name])} may be processed there"


def _source(policy: CompiledPolicy, _shape: PolicyShape, name: str) -> str:
    return f"only {listed(policy.sources[name])} may come from there"


def _purpose(policy: CompiledPolicy, _shape: PolicyShape, name: str) -> str:
    purpose = policy.purposes[name]
    only = f"; only {listed(purpose.categories)} may serve it" if purpose.categories else ""
    return f"legal basis {listed(purpose.legal_basis)}{only}"


def _condition(_policy: CompiledPolicy, shape: PolicyShape, name: str) -> str:
    return f"`{shape.conditions[name].when}`"


def _retention(policy: CompiledPolicy, _shape: PolicyShape, name: str) -> str:
    return f"ends {in_words(policy.retentions[name])}"


def _inbox(_policy: CompiledPolicy, shape: PolicyShape, name: str) -> str:
    return f"e-mail on {listed(shape.inboxes[name].matters)} goes to an inbox of its own"


def _rule(policy: CompiledPolicy, shape: PolicyShape, name: str) -> str:
    rule = policy.rules[name]
    condition = f", if `{shape.rules[name].when}`" if shape.rules[name].when else ""
    otherwise = "" if rule.otherwise == "skip" else f" (else {rule.otherwise}: {rule.otherwise_code})"
    by_end: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for (category, purpose), endings in rule.tags.items():
        form = policy.purposes[purpose].form
        words = endings_in_words(endings) if form is Form.PERSONAL else IDS.say(form)
        categories, purposes = by_end.setdefault(words, ({}, {}))
        categories[category] = purposes[purpose] = None
    kept = "; ".join(
        f"{listed(categories)} for {listed(purposes)}, {words}" for words, (categories, purposes) in by_end.items()
    )
    return f"on {listed(rule.events)}{condition}{otherwise}: {kept or 'nothing is kept'}"


def _end(policy: CompiledPolicy, _shape: PolicyShape, name: str) -> str:
    rule, _, action = name.partition(" ")
    endings = next(iter(policy.rules[rule].tags.values()))
    return endings_in_words(tuple(ending for ending in endings if ending.action == action))


def _profile(policy: CompiledPolicy, _shape: PolicyShape, name: str) -> str:
    profile = policy.profiles[name]
    kept = Kept(
        categories=profile.categories,
        endings=next(iter(profile.tags.values())),
        profile=True,
        elements=(),
        clauses=(),
    )
    return f"{listed(profile.categories)} per {profile.per} across events, {kept_in_words(kept, IDS)}"


def _recipient(policy: CompiledPolicy, shape: PolicyShape, name: str) -> str:
    recipient = policy.recipients[name]
    if not recipient.granted:
        return f"gets nothing; the notice says {recipient.stance}"
    condition = f", if `{shape.recipients[name].when}`" if shape.recipients[name].when else ""
    erased = f"; told to erase {in_words(recipient.erase_after)}" if recipient.erase_after else ""
    gets = f"gets {listed(recipient.fields)} on {listed(recipient.events)}{condition}"
    return f"{gets}, as {recipient.recipient_class}{erased}"


def _trigger(_policy: CompiledPolicy, shape: PolicyShape, name: str) -> str:
    trigger = shape.triggers[name]
    concerned = (("categories", trigger.categories), ("purposes", trigger.purposes), ("rules", trigger.rules))
    what = "; ".join(f"{kind} {listed(names)}" for kind, names in concerned if names)
    return f"on {listed(trigger.events)}: {trigger.effect} for {what or 'everything'}"


def _right(policy: CompiledPolicy, shape: PolicyShape, name: str) -> str:
    right = policy.rights[Right(name)]
    within = f"answered within {IDS.length(right.answer_within)}" if right.answer_within else "no time to answer stated"
    needs = f"; needs {listed(right.needs)}" if right.needs else ""
    beyond = f"; {right.free_per_year} a calendar year free" if right.free_per_year is not None else ""
    fee = "; free" if right.fee and not beyond else beyond
    return f"recorded on receipt; {within}{fee}{needs}{_ends(shape, Right(name))}"


_ENDS = {Right.OBJECTION: "legitimate interest", Right.CONSENT_WITHDRAWAL: "consent"}


def _ends(shape: PolicyShape, right: Right) -> str:
    """Return what a right ends by legal basis, and what it spares or lets wait."""
    if right not in _ENDS:
        return ""
    spared = []
    for one in shape.rights[right].exceptions if right in shape.rights else ():
        what = listed((*one.categories, *one.purposes, *one.rules))
        spared.append(f"; {what} {'stays' if one.stays else 'waits until what is in progress is over'}")
    return f"; ends what rests on {_ENDS[right]} alone{''.join(spared)}"


def _list(_policy: CompiledPolicy, shape: PolicyShape, name: str) -> str:
    asked = shape.lists[name]
    whom = f"those of whom `{asked.when}` holds" if asked.when else f"those with a profile {asked.profile}"
    bought = " who got one of the products" if asked.bought_on else ""
    drawn = "a random sample of " if asked.sample else ""
    return f"on {listed(asked.events)}: {drawn}{whom}{bought}, on a topic of its own"


def _policy(policy: CompiledPolicy, _shape: PolicyShape, _name: str) -> str:
    return f"version {policy.version} governs what was collected from {policy.effective_from.date()} on, for its life"


def _authority(_policy: CompiledPolicy, _shape: PolicyShape, _name: str) -> str:
    return "named in the record of processing activities and in the statements to data subjects"


_WORDS: Mapping[str, Callable[[CompiledPolicy, PolicyShape, str], str]] = {
    "policy": _policy,
    "authority": _authority,
    "category": _category,
    "context": _context,
    "source": _source,
    "purpose": _purpose,
    "condition": _condition,
    "retention": _retention,
    "inbox": _inbox,
    "rule": _rule,
    "end": _end,
    "profile": _profile,
    "recipient": _recipient,
    "trigger": _trigger,
    "right": _right,
    "list": _list,
}
"""What to say of each kind of element; one without words here is named only."""
