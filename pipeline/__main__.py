"""`python -m pipeline` and the `pipeline` command."""

from pipeline.cli.main import cli


def main() -> None:
    """Run the command line and leave with its exit code."""
    cli(prog_name="pipeline")


if __name__ == "__main__":
    main()
