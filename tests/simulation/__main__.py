"""Live through histories again: `python -m tests.simulation --seed 29`, or many: `--first 0 --count 2000`."""

import argparse
import sys

from tests.simulation.world import violations


def main() -> int:
    """Print what each history did that it may not do; a failing seed is enough to live through it again."""
    options = argparse.ArgumentParser(prog="tests.simulation", description=__doc__)
    options.add_argument("--seed", type=int, help="one history")
    options.add_argument("--first", type=int, default=0, help="first seed of many")
    options.add_argument("--count", type=int, default=2000, help="how many")
    given = options.parse_args()
    seeds = range(given.first, given.first + given.count) if given.seed is None else [given.seed]
    broken = 0
    for seed in seeds:
        found = violations(seed)
        broken += bool(found)
        sys.stdout.writelines(f"seed {seed}: {line}\n" for line in found)
    sys.stdout.write(f"{len(seeds)} histories, {broken} with violations\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
