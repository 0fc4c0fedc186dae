"""Mutation testing of the core: a seeded sample of mutants, or all of them; goes on where it stopped.

`python -m tests.mutation --sample 400 --seed 1`, in the environment of requirements/mutation.txt (`make mutation`).
mutmut makes the mutants and runs, for each, the tests that reach it; this only chooses, counts and names survivors.
"""

import argparse
import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

MUTANTS = Path("mutants")
SURVIVED, NO_TESTS = 0, 33
"""Exit codes that mutmut notes for a mutant that no test killed, and for one that no test reaches."""


def results() -> dict[str, int | None]:
    """Return every mutant with the exit code of its tests, None where they have not run."""
    found: dict[str, int | None] = {}
    for file in sorted(MUTANTS.rglob("*.meta")):
        found.update(json.loads(file.read_text())["exit_code_by_key"])
    return found


def chosen(names: list[str], sample: int | None, seed: int) -> list[str]:
    """Return the sample that a seed draws: the same for the same code, whatever ran before."""
    drawn = sorted(names, key=lambda name: sha256(f"{seed}|{name}".encode()).digest())
    return sorted(drawn if sample is None else drawn[:sample])


def mutmut(names: list[str], children: int) -> None:
    """Let mutmut make the mutants and run the tests of some of them."""
    subprocess.run(
        [str(Path(sys.executable).parent / "mutmut"), "run", "--max-children", str(children), *names], check=True
    )


def main() -> int:
    """Run what has no result yet, then print the score and the survivors; fail below the score that is demanded."""
    options = argparse.ArgumentParser(prog="tests.mutation", description=__doc__)
    options.add_argument("--sample", type=int, default=400, help="mutants to draw")
    options.add_argument("--all", action="store_true", help="every mutant; may be stopped and started again")
    options.add_argument("--seed", type=int, default=1, help="of the draw")
    options.add_argument("--children", type=int, default=2, help="processes at once")
    options.add_argument("--at-least", type=float, default=90.0, help="per cent of the mutants to be killed")
    given = options.parse_args()
    if not results():
        mutmut(["pipeline.domain.topics.*"], given.children)  # a small module: makes every mutant, runs a few
    names = chosen(list(results()), None if given.all else given.sample, given.seed)
    if waiting := [name for name in names if results()[name] is None]:
        mutmut(waiting, given.children)
    ended = {name: code for name, code in results().items() if name in set(names)}
    alive = sorted(name for name, code in ended.items() if code in (SURVIVED, NO_TESTS, None))
    score = 100 * (1 - len(alive) / len(ended))
    summary = f"{len(ended)} mutants of {len(results())}, {len(ended) - len(alive)} killed: {score:.1f} %"
    sys.stdout.write("\n".join([*alive, summary, ""]))
    return 0 if score >= given.at_least else 1


if __name__ == "__main__":
    sys.exit(main())
