"""Orders to let another policy version govern what one version decided: how they read, and which may be carried out."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic import TypeAdapter

from pipeline.policy.book import PolicyBook, Retag
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.publication import Judged, Verdict

_RETAG = TypeAdapter(Retag)


def order(controller: str, from_version: str, to_version: str, rules: Iterable[str], ordered_at: datetime) -> Retag:
    """Return an order; the same versions and rules make the same order, whenever it is given."""
    named = tuple(sorted(set(rules)))
    text = "|".join((controller, from_version, to_version, *named))
    return Retag(
        retag_id=hashlib.blake2b(text.encode(), digest_size=16).hexdigest(),
        controller=controller,
        from_version=from_version,
        to_version=to_version,
        rules=named,
        ordered_at=ordered_at,
    )


def retag_from(content: Mapping[str, object]) -> Retag:
    """Return the order that the wire wrote."""
    return _RETAG.validate_python(content)


def judge_retag(book: PolicyBook, one: Retag) -> Judged:
    """Say whether an order may be carried out; one that was given already is known."""
    if any(known.retag_id == one.retag_id for known in book.retags):
        return Judged(verdict=Verdict.KNOWN)
    missing = [v for v in (one.from_version, one.to_version) if not book.knows(one.controller, v)]
    if missing:
        known = ", ".join(policy.version for policy in book.versions.get(one.controller, ())) or "none"
        says = f"there is no version {missing[0]} of {one.controller}; there are: {known}"
        return Judged(verdict=Verdict.INVALID, says=says)
    if one.from_version == one.to_version:
        return Judged(verdict=Verdict.INVALID, says="a version cannot be moved to itself: name another one")
    target = book.version(one.controller, one.to_version)
    if target.effective_from > one.ordered_at:
        says = f"version {target.version} governs from {target.effective_from.isoformat()} on: order it then"
        return Judged(verdict=Verdict.INVALID, says=says)
    unknown = [name for name in one.rules if name not in rules_of(book.version(one.controller, one.from_version))]
    if unknown:
        says = f"version {one.from_version} has no rule {unknown[0]}: see `pipeline policy show {one.controller}`"
        return Judged(verdict=Verdict.INVALID, says=says)
    return Judged(verdict=Verdict.TAKEN)


def rules_of(policy: CompiledPolicy) -> tuple[str, ...]:
    """Return what an order may name: rules, profiles, and recipients as `recipients.<name>`."""
    return (*policy.rules, *policy.profiles, *(f"recipients.{name}" for name in policy.recipients))
