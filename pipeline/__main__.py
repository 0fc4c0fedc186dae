"""`python -m pipeline` and the `pipeline` command."""

import sys

INTERRUPTED = 130  # 128 + SIGINT, as shells count


def main() -> None:
    """Run the command line and leave with its exit code; Ctrl-C is no error, even while modules are loaded."""
    try:
        from pipeline.cli.main import cli  # noqa: PLC0415 (inside the try)

        cli(prog_name="pipeline")
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
