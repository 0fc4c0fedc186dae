"""The properties of whole pipelines over many random histories. Run as `python -m tests.soak.histories --examples 1000`."""

import argparse
from collections.abc import Sequence

from tests.histories import proofs
from tests.histories.events import CONTROLLERS

PROOFS = (proofs.bounds, proofs.shares, proofs.order_of_arrival, proofs.late_arrival, proofs.loosening, proofs.erasure)


def main(argv: Sequence[str] | None = None) -> None:
    """Ask every proof of so many histories of each controller; a broken promise ends the run and tells its history."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=1000)
    asked = parser.parse_args(argv)
    for controller in CONTROLLERS:
        proofs.prove(controller, asked.examples, *PROOFS)
        names = ", ".join(proof.__name__.replace("_", " ") for proof in PROOFS)
        print(f"{controller}: {asked.examples:,} histories, all of {names} hold", flush=True)  # noqa: T201  a report


if __name__ == "__main__":
    main()
