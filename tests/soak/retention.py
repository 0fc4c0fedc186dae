"""The retention algebra against its second reading at full size. Run as `python -m tests.soak.retention --pairs 100000`."""

import argparse
from collections import Counter
from collections.abc import Sequence

from tests.naive.agreement import compare

CHUNK = 5000


def main(argv: Sequence[str] | None = None) -> None:
    """Compare random pairs chunk by chunk and print how they ended; a disagreement ends the run and tells its pair."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--seed", default="soak")
    asked = parser.parse_args(argv)
    ways = Counter[str]()
    for start in range(0, asked.pairs, CHUNK):
        ways += compare(f"{asked.seed} {start}", min(CHUNK, asked.pairs - start), lives_every=5)
    how = ", ".join(f"{name} {number:,}" for name, number in sorted(ways.items()))
    print(f"{asked.pairs:,} pairs agree: {how}")  # noqa: T201  a report for whoever runs it


if __name__ == "__main__":
    main()
