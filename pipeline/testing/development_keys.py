"""Make the keys that a worker needs, for a machine on which only made-up data flow.

From a shell: `python -m pipeline.testing.development_keys FOLDER`.

Real keys are made by the operator and kept apart; the private key of a privacy officer never lies beside a worker.
"""

import secrets
import sys
from pathlib import Path

from pipeline.adapters.sealer import write_key_pair

KEY_FILE, OFFICER_PUBLIC, OFFICER_PRIVATE = "pseudonyms.key", "officer.pem", "officer.private.pem"


def make_keys(folder: Path) -> None:
    """Write a key for pseudonyms and a privacy officer's key pair into a folder; what is there already stays."""
    folder.mkdir(parents=True, exist_ok=True)
    key_file = folder / KEY_FILE
    if not key_file.exists():
        key_file.touch(mode=0o600)
        key_file.write_text(secrets.token_hex(32) + "\n", encoding="ascii")
    if not (folder / OFFICER_PUBLIC).exists():
        write_key_pair(folder / OFFICER_PRIVATE, folder / OFFICER_PUBLIC)


if __name__ == "__main__":
    make_keys(Path(sys.argv[1]))
