"""Golden cases of the shipped policies: an event in, the whole decision wanted, rule and clause ids included.

`pytest tests/unit/policy/test_cases.py --approve` writes the decisions anew; the diff is the privacy officer's review.
"""

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.unit.policy.policy_stories import CONTROLLERS, EXAMPLES, Story, decided, event, fact, shipped, told

CASES = EXAMPLES / "cases"


def _yaml() -> YAML:
    yaml = YAML()
    yaml.width = 1000
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _read(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text())


READ = {controller: _read(CASES / f"{controller}.yaml") for controller in CONTROLLERS}
ALL = [(controller, case) for controller in CONTROLLERS for case in READ[controller]["cases"]]


def story_of(case: dict[str, Any]) -> Story:
    history = [fact(one["type"], one["time"], **one.get("data", {})) for one in case.get("history", ())]
    given = case["event"]
    return event(given["type"], given.get("time", "2024-06-03T10:00:00+00:00"), *history, **given.get("data", {}))


@pytest.mark.parametrize(("controller", "case"), ALL, ids=[f"{name}: {case['name']}" for name, case in ALL])
def test_the_decision_is_the_one_that_was_approved(
    controller: str, case: dict[str, Any], pytestconfig: pytest.Config
) -> None:
    decision = told(decided(shipped(controller), story_of(case)))

    if pytestconfig.getoption("--approve"):
        case["decision"] = decision
        _approve(controller, case)
    assert decision == case["decision"]


def _approve(controller: str, case: dict[str, Any]) -> None:
    path = CASES / f"{controller}.yaml"
    document = _yaml().load(path.read_text())
    next(one for one in document["cases"] if one["name"] == case["name"])["decision"] = case["decision"]
    with path.open("w") as file:
        _yaml().dump(document, file)


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_every_rule_and_recipient_of_a_shipped_policy_has_a_case(controller: str) -> None:
    policy = shipped(controller)
    decisions = [case["decision"] for case in READ[controller]["cases"]]
    forms = ("tags", "nameless", "counted")
    seen = {tag["rule"] for one in decisions for form in forms for tag in one.get(form, ())}
    seen |= {report["rule"] for one in decisions for report in one["reports"]}
    shared = {name for one in decisions for name in one["grants"]}

    assert set(policy.rules) - seen == set()
    with_fields = {name for name, recipient in policy.recipients.items() if recipient.granted}
    assert with_fields - shared == set()


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_a_case_names_clauses_that_exist(controller: str) -> None:
    for case in READ[controller]["cases"]:
        assert case["clauses"]
        assert set(case["clauses"]) <= set(shipped(controller).clauses)
