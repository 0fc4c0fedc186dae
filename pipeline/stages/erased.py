"""What the tag lane still knows of somebody after an erasure: choices, holds and what lasts, no more."""

from collections.abc import Iterable

from pipeline.domain.facts import Ref
from pipeline.policy.retention import State
from pipeline.policy.spans import spans
from pipeline.stages.state import FactStore

CHOICES = frozenset({
    "opt_in", "opt_out", "consent.given", "consent.withdrawn", "objection.raised", "restriction.requested",
    "restriction.lifted", "erasure.requested",
})  # fmt: skip
"""What people decided: it is honoured also after an erasure, or a newsletter would begin anew."""


def let_go(facts: FactStore, subject: Ref, states: Iterable[State]) -> None:
    """Forget what a subject did before the last erasure, but for choices, holds and what opened a state that lasts.

    Does nothing for a subject without an erasure. Orders and cases keep their own facts (GDPR Art. 17(3)(b), (e)).
    """
    log = facts.log(subject)
    erased = log.last(("erasure.requested",))
    if erased is None:
        return
    lasting = {start for state in states for start, end in spans(state, log) if end is None}
    kept = [fact for fact in log.facts if fact.at > erased.at or fact.at in lasting or _stays(fact.type)]
    if len(kept) < len(log.facts):
        facts.replace(subject, kept)


def _stays(event_type: str) -> bool:
    return event_type in CHOICES or event_type.startswith("hold.")
