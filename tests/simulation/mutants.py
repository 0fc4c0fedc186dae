"""Ten ways to break the expire protocol; the simulation must notice each: `python -m tests.simulation.mutants`."""

import sys
from collections.abc import Iterator
from itertools import count

from tests.simulation.world import violations

MUTANTS = (
    "positions outside the transaction",
    "no fencing",
    "no clock guard",
    "a disk whose position outlives its entries",
    "late obligations ignored",
    "holds seen only before the record",
    "a stale read of the state",
    "due instants rounded down",
    "a producer reused after a timeout",
    "a timeout taken for success",
)
MOST = 2000
"""Histories to try before a mutant counts as one that got away."""


def caught(mutant: str, seeds: Iterator[int] | None = None) -> int | None:
    """Return the first seed whose history a mutant breaks, or None if it gets away with `MOST` of them."""
    for _tried, seed in zip(range(MOST), seeds or count(), strict=False):
        if violations(seed, mutant):
            return seed
    return None


def main() -> int:
    """Print each mutant with the seed that caught it."""
    found = {mutant: caught(mutant) for mutant in MUTANTS}
    for mutant, seed in found.items():
        sys.stdout.write(f"{mutant}: {'got away' if seed is None else f'caught by seed {seed}'}\n")
    number = sum(seed is not None for seed in found.values())
    sys.stdout.write(f"{number} of {len(MUTANTS)} caught\n")
    return 0 if number == len(MUTANTS) else 1


if __name__ == "__main__":
    sys.exit(main())
