"""What decided is remembered: a version that is gone or was changed stops the lane, it does not decide otherwise."""

from dataclasses import replace

import pytest

from pipeline.adapters.memory_state import MemoryState
from pipeline.domain.errors import ConfigurationError
from pipeline.policy.book import PolicyBook
from pipeline.stages.versions import DecidedVersions
from pipeline.stages.workspace import Workspace
from tests.unit.policy.policy_stories import acme

BOOK = PolicyBook({"acme": (acme(),)})


def _after_a_decision() -> MemoryState:
    state = MemoryState()
    work = Workspace(state)
    DecidedVersions(work, "acme", BOOK).note(acme())
    state.apply(work.changes, 1)
    return state


def test_a_version_is_noted_once() -> None:
    work = Workspace(_after_a_decision())

    versions = DecidedVersions(work, "acme", BOOK)
    versions.note(acme())

    assert work.changes == []


def test_a_version_that_decided_and_is_not_loaded_stops_the_lane() -> None:
    """A policy topic that was lost, or made anew, must not bring an older version back into force."""
    with pytest.raises(
        ConfigurationError, match="decided by policy version '1', which is not loaded: put its document"
    ):
        DecidedVersions(Workspace(_after_a_decision()), "acme", PolicyBook({}))


def test_a_version_that_was_changed_after_it_decided_stops_the_lane() -> None:
    versions = DecidedVersions(Workspace(_after_a_decision()), "acme", BOOK)

    with pytest.raises(ConfigurationError, match="was changed"):
        versions.note(replace(acme(), digest="another"))
