"""The supervised worker processes of the proof. Run as `python -m tests.soak.crew PROCESSES JSON`."""

import json
import sys
from dataclasses import asdict, replace

from pipeline.adapters.process_supervisor import supervise
from tests.soak.worker import WorkerPlan


def command(processes: int, plan: WorkerPlan) -> list[str]:
    """Return the command line of a crew; each worker gets the plan with an ordinal of its own."""
    return [sys.executable, "-m", "tests.soak.crew", str(processes), json.dumps(asdict(plan))]


if __name__ == "__main__":
    crew_plan = WorkerPlan(**json.loads(sys.argv[2]))

    def tell(message: str) -> None:
        sys.stderr.write(f"{message}\n")

    sys.exit(supervise(int(sys.argv[1]), lambda n: replace(crew_plan, ordinal=n).command(), tell=tell))
