"""The expire protocol, disturbed as one seed says, emits what it emits undisturbed: nothing lost, twice, early or invented.

A seed that ever failed stays in `ONCE_BROKEN`, with what it found.
"""

from itertools import count

import pytest

from tests.simulation.mutants import MUTANTS, caught
from tests.simulation.world import violations

SEEDS = range(240)
ONCE_BROKEN = {
    6: "a hold that waited in the log while nobody ran came after what it should have held",
    7: "who opted out twice was stopped from being used once",
    60: "a note to forget made before wiped what happened since",
    397: "of two facts of one instant the first was acted on before the second was read",
}


@pytest.mark.slow
@pytest.mark.parametrize("first", SEEDS[::40])
def test_a_disturbed_history_emits_what_an_undisturbed_one_does(first: int) -> None:
    """I1, I2, I4, I7 and I8, with crashes, zombies, lost and rolled-back disks, wrong clocks and ambiguous commits."""
    assert {seed: found for seed in range(first, first + 40) if (found := violations(seed))} == {}


@pytest.mark.parametrize("seed", ONCE_BROKEN)
def test_what_a_history_found_once_stays_mended(seed: int) -> None:
    assert violations(seed) == []


RARE = {"due instants rounded down": 380, "a stale read of the state": 100}
"""Where to begin with what few histories notice: `make mutants` begins at the beginning."""


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_broken_protocol_is_noticed(mutant: str) -> None:
    """Else the histories above would prove nothing."""
    assert caught(mutant, count(RARE.get(mutant, 0))) is not None
