"""Every event of the catalogue under every policy: what it does, or that its absence is reported.

`tests/policies/events.yaml` lists it; `pytest tests/unit/policy/test_every_event.py --approve` writes it anew.
"""

import pytest
from ruamel.yaml import YAML

from pipeline.domain.vocabulary import Outcome
from pipeline.policy.rights import REQUESTS
from tests.unit.policy.policy_stories import CONTROLLERS, EXAMPLES, decided, event, event_names, shipped, yaml_of

TABLE = EXAMPLES / "events.yaml"
ABSENT = "not in the notice: reported, refused if it carries data"


def effect(controller: str, kind: str) -> str:
    """Return what one policy makes of one event, in the order in which it looks."""
    policy = shipped(controller)
    found = [f"rule {rule.id}" for rule in policy.rules_by_event.get(kind, ())]
    found += [f"share {recipient.id}" for recipient in policy.recipients_by_event.get(kind, ())]
    found += [f"profile {name}" for name, profile in policy.profiles.items() if kind in profile.supported_by]
    found += [f"list {name}" for name, one in policy.lists.items() if kind in one.events]
    found += [f"right {REQUESTS[kind]}"] if kind in REQUESTS else []
    found += ["fact"] if kind in policy.fact_types else []
    return ", ".join(found) or ABSENT


def test_what_each_event_does_is_what_was_approved(pytestconfig: pytest.Config) -> None:
    found = {kind: {one: effect(one, kind) for one in CONTROLLERS} for kind in sorted(event_names())}

    if pytestconfig.getoption("--approve"):
        yaml = YAML()
        yaml.width = 1000
        with TABLE.open("w") as file:
            file.write(
                "# What each event does under each policy. Written by --approve; its diff is what is reviewed.\n"
            )
            yaml.dump(found, file)
    assert found == yaml_of(TABLE)


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_an_event_that_does_nothing_says_so(controller: str) -> None:
    """Nobody waits in vain for an effect, and no field stays without a reason."""
    for kind in event_names():
        if effect(controller, kind) == ABSENT:
            bare, carrying = (
                decided(shipped(controller), event(kind)),
                decided(shipped(controller), event(kind, name="n")),
            )

            assert ([one.code for one in bare.reports], bare.outcome) == (["no_effect"], Outcome.ACCEPTED), kind
            assert ([one.code for one in carrying.reports], carrying.outcome) == (["no_rule"], Outcome.REFUSED), kind
