"""Which rules apply to an event, and what becomes of it where the condition of one does not hold."""

from collections.abc import Iterable

from pipeline.domain.vocabulary import Outcome
from pipeline.policy.asked import Asked
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.decision import Decision, Report
from pipeline.policy.policy_parts import Otherwise, Rule


def match(
    policy: CompiledPolicy, rules: Iterable[Rule], asked: Asked
) -> tuple[list[Rule], list[Rule], Decision | None]:
    """Return the rules that apply, those that may apply later, and the decision if it is made already."""
    matched: list[Rule] = []
    waiting: list[Rule] = []
    for rule in rules:
        if rule.condition is None or rule.condition(asked):
            matched.append(rule)
        elif rule.otherwise is Otherwise.DROP:
            dropped = Decision(outcome=Outcome.DROPPED, policy_version=policy.version, reports=(gate(rule),))
            return matched, waiting, dropped
        elif rule.otherwise is Otherwise.REFUSE:
            refused = Decision(outcome=Outcome.REFUSED, policy_version=policy.version, reports=(gate(rule),))
            return matched, waiting, refused
        elif rule.otherwise is Otherwise.WAIT:
            waiting.append(rule)
    if waiting and not matched:
        reports, waits = tuple(gate(rule) for rule in waiting), tuple(rule.id for rule in waiting)
        dropped = Decision(outcome=Outcome.DROPPED, policy_version=policy.version, waits=waits, reports=reports)
        return matched, waiting, dropped
    return matched, waiting, None


def gate(rule: Rule) -> Report:
    """Return the report that the condition of a rule does not hold."""
    return Report(
        code=rule.otherwise_code,
        rule=rule.id,
        clauses=rule.clauses,
        message=f"the condition of {rule.id} does not hold",
    )
