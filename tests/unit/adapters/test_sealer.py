"""Sealed boxes: only the private key opens them, and nothing about the content shows."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from pipeline.adapters.sealer import BoxSealer, open_sealed, read_private_key, read_public_key, write_key_pair
from pipeline.domain.errors import ConfigurationError

CONTENT = b"Jane Doe, +46 70 000 00 00"


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path]:
    private, public = tmp_path / "officer.pem", tmp_path / "officer.pub.pem"
    write_key_pair(private, public)
    return private, public


def test_what_is_sealed_for_the_officer_is_opened_by_the_officer(keys: tuple[Path, Path]) -> None:
    private, public = keys

    sealed = BoxSealer.from_file(public).seal(CONTENT)

    assert CONTENT not in sealed
    assert open_sealed(sealed, read_private_key(private)) == CONTENT
    assert private.stat().st_mode & 0o077 == 0


def test_two_boxes_of_the_same_content_differ(keys: tuple[Path, Path]) -> None:
    sealer = BoxSealer.from_file(keys[1])

    assert sealer.seal(CONTENT) != sealer.seal(CONTENT)


def test_given_randomness_makes_boxes_repeatable_but_never_reuses_a_key(keys: tuple[Path, Path]) -> None:
    sealer = BoxSealer.from_file(keys[1], random_bytes=bytes)

    assert sealer.seal(CONTENT) == sealer.seal(CONTENT)
    assert sealer.seal(CONTENT)[1:33] != sealer.seal(CONTENT + b".")[1:33]
    assert BoxSealer.for_simulation(bytes).seal(CONTENT) == BoxSealer.for_simulation(bytes).seal(CONTENT)


def test_an_altered_box_a_foreign_key_and_no_box_are_refused(keys: tuple[Path, Path]) -> None:
    key = read_private_key(keys[0])
    sealed = BoxSealer.from_file(keys[1]).seal(CONTENT)

    for broken in (
        sealed[:-1],
        b"\2" + sealed[1:],
        sealed[:40] + bytes([sealed[40] ^ 1]) + sealed[41:],
        b"",
        b"\1" + bytes(60),
    ):
        with pytest.raises(ConfigurationError, match="cannot be opened"):
            open_sealed(broken, key)
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        open_sealed(sealed, X25519PrivateKey.from_private_bytes(bytes(range(32))))


def test_a_key_file_is_not_overwritten(keys: tuple[Path, Path]) -> None:
    with pytest.raises(ConfigurationError, match=r"officer\.pem: cannot be written"):
        write_key_pair(*keys)


def test_a_file_without_the_right_key_is_told(keys: tuple[Path, Path], tmp_path: Path) -> None:
    private, public = keys

    with pytest.raises(ConfigurationError, match="holds no X25519 public key"):
        read_public_key(private)
    with pytest.raises(ConfigurationError, match="holds no X25519 private key"):
        read_private_key(public)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_public_key(tmp_path / "nowhere.pem")
