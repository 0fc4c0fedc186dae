"""The command line: one file per command group. Data goes to stdout, everything else to stderr."""
