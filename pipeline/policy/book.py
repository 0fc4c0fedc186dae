"""All versions of all policies: which one governs an instant, what was ordered to be moved, what was refused."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.policy.compiled import CompiledPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Retag:
    """The order to let another version govern what one version decided: at once and retroactively (X15).

    Attributes:
        retag_id: The same for the same order.
        rules: Rules, profiles and `recipients.<name>` to move; none moves everything.
        ordered_at: What would have ended before then ends then.
    """

    retag_id: str
    controller: str
    from_version: str
    to_version: str
    rules: tuple[str, ...]
    ordered_at: datetime

    def concerns(self, version: str, rule: str) -> bool:
        """Tell whether a tag of a version and rule is to be moved."""
        return version == self.from_version and (not self.rules or rule in self.rules)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAlert:
    """Something on the policy topic that changes nothing, and that somebody has to look at.

    Attributes:
        alert_id: The same wherever and whenever the same record is read.
        version: Version that was published, or that an order names.
        code: What is wrong, in kebab-case.
        message: What is wrong and how to mend it.
    """

    alert_id: str
    controller: str
    version: str
    code: str
    message: str


ALERTS = 100
"""Alerts kept in a book at most; of more the newest."""


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """All versions of all policies, by controller; each tuple ordered by `effective_from`.

    Attributes:
        versions: By controller.
        retags: Orders to move what one version decided to another, in their order.
        alerts: What was refused.
    """

    versions: Mapping[str, tuple[CompiledPolicy, ...]]
    retags: tuple[Retag, ...] = ()
    alerts: tuple[PolicyAlert, ...] = ()

    def in_force(self, controller: str, at: datetime) -> CompiledPolicy | None:
        """Return the newest version effective at an instant (architecture 9.7), or None if none governs it."""
        known = self.versions.get(controller, ())
        for policy in reversed(known):
            if policy.effective_from <= at:
                return policy
        return known[0] if known and known[0].before_first == "apply" else None

    def with_version(self, policy: CompiledPolicy) -> "PolicyBook":
        """Return a book that has one version more."""
        versions = (*self.versions.get(policy.controller, ()), policy)
        return replace(self, versions={**self.versions, policy.controller: in_order(versions)})

    def with_retag(self, order: Retag) -> "PolicyBook":
        """Return a book that has one order more."""
        return replace(self, retags=(*self.retags, order))

    def with_alert(self, alert: PolicyAlert) -> "PolicyBook":
        """Return a book that has one alert more."""
        return replace(self, alerts=(*self.alerts, alert)[-ALERTS:])

    def knows(self, controller: str, version: str) -> bool:
        """Tell whether a version of a controller's policy exists."""
        return any(policy.version == version for policy in self.versions.get(controller, ()))

    def version(self, controller: str, version: str) -> CompiledPolicy:
        """Return one version.

        Raises:
            KeyError: this deployment does not know the version.
        """
        return next(policy for policy in self.versions[controller] if policy.version == version)


def in_order(versions: Iterable[CompiledPolicy]) -> tuple[CompiledPolicy, ...]:
    """Return the versions of one controller by the instant they govern from, all hearing the same facts.

    A record stays under the version it was collected under, so what any version listens to is a fact under each (X15).
    """
    ordered = sorted(versions, key=lambda one: (one.effective_from, one.version))
    facts = frozenset[str]().union(*(one.fact_types for one in ordered))
    return tuple(replace(one, fact_types=facts, known_events=one.known_events | facts) for one in ordered)
