"""Whole pipelines keep what the notices promise, whatever happens to a subject and in whatever order it arrives."""

import pytest

from tests.histories import proofs
from tests.histories.events import CONTROLLERS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_any_order_of_arrival_ends_alike_within_all_bounds_and_shares_only_what_is_listed(controller: str) -> None:
    proofs.prove(controller, 200, proofs.bounds, proofs.shares, proofs.order_of_arrival)


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_what_is_late_changes_no_end_unless_a_violation_says_so(controller: str) -> None:
    proofs.prove(controller, 20, proofs.late_arrival)


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_a_looser_rule_changes_no_other_purpose(controller: str) -> None:
    proofs.prove(controller, 15, proofs.loosening)


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_after_an_erasure_nobody_finds_what_a_subject_did_before(controller: str) -> None:
    proofs.prove(controller, 15, proofs.erasure)
