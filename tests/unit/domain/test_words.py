"""Names of topics and errors are contracts: other teams and dashboards read them."""

from pipeline.domain.errors import InvalidEvent, PolicyError
from pipeline.domain.topics import Topics
from pipeline.domain.vocabulary import Family


def test_topics_are_named_by_controller_role_and_version() -> None:
    topics = Topics("shop")

    assert topics.source(Family.CCTV) == "shop.source.cctv.v1"
    assert topics.carrier("delivery") == "shop.carrier.delivery.v1"
    assert topics.receipt == "shop.receipt.v1"


def test_a_policy_error_tells_every_problem_on_a_line_of_its_own() -> None:
    error = PolicyError(("a.yaml:1: wrong", "a.yaml:2: wrong too"))

    assert str(error).splitlines() == list(error.problems)
    assert error.exit_code == 2


def test_an_invalid_event_names_code_and_field_and_no_value() -> None:
    error = InvalidEvent("invalid_field", "phone is no text", field="phone")

    assert (error.code, error.field) == ("invalid_field", "phone")
