"""Keys for a machine with made-up data."""

from pathlib import Path

from pipeline.adapters.sealer import read_public_key
from pipeline.settings import load_settings
from pipeline.testing.development_keys import KEY_FILE, OFFICER_PUBLIC, make_keys


def test_the_settings_accept_the_keys(tmp_path: Path) -> None:
    make_keys(tmp_path / "keys")

    settings = load_settings(
        {
            "PIPELINE_KEY_FILE": str(tmp_path / "keys" / KEY_FILE),
            "PIPELINE_OFFICER_KEY": str(tmp_path / "keys" / OFFICER_PUBLIC),
        }
    )
    assert settings.controller_key()
    assert settings.officer_key
    assert read_public_key(settings.officer_key)


def test_keys_that_are_there_stay(tmp_path: Path) -> None:
    """Other keys would give every person a new pseudonym."""
    make_keys(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    make_keys(tmp_path)

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_no_private_key_is_readable_by_others(tmp_path: Path) -> None:
    make_keys(tmp_path)

    modes = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir() if path.name != OFFICER_PUBLIC}
    assert modes == {KEY_FILE: 0, "officer.private.pem": 0}
