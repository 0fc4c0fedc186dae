"""Decisions, made once for all events that a policy cannot tell apart."""

from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.condition_words import IDENTIFYING
from pipeline.policy.decide import decide
from pipeline.policy.decision import Decision
from pipeline.stages.asked import Asked

_CACHE_LIMIT = 10_000
"""Hostile field sets and event names must not grow a cache without bound."""


class DecisionCache:
    """The decisions of one tag stage; those that ask for what happened before are made anew for each event."""

    def __init__(self) -> None:
        self._decisions: dict[tuple[object, ...], Decision] = {}
        self._asking: dict[tuple[str, str], bool] = {}

    def clear(self) -> None:
        """Forget every decision: other policies govern from here on."""
        self._decisions.clear()
        self._asking.clear()

    def of(self, policy: CompiledPolicy, asked: Asked) -> Decision:
        """Return the decision, from the cache where no rule of the event asks for state."""
        head = asked.head
        if head.type not in policy.known_events or self.asks_state(policy, head.type):
            return decide(policy, asked)
        seen = tuple(sorted((k, True if k in IDENTIFYING else str(v)) for k, v in head.attributes.items()))
        signature = (policy.version, head.type, head.present, head.undeclared, seen)
        found = self._decisions.get(signature)
        if found is None:
            if len(self._decisions) >= _CACHE_LIMIT:
                self._decisions.clear()
            found = self._decisions[signature] = decide(policy, asked)
        return found

    def asks_state(self, policy: CompiledPolicy, event_type: str) -> bool:
        """Tell whether a rule or recipient of an event asks for what happened before."""
        where = (policy.version, event_type)
        if where not in self._asking:
            rules = any(rule.needs_state for rule in policy.rules_by_event.get(event_type, ()))
            sharing = (recipient for recipient in policy.recipients.values() if event_type in recipient.events)
            self._asking[where] = rules or any(recipient.needs_state for recipient in sharing)
        return self._asking[where]
