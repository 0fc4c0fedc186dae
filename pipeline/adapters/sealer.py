"""Sealed boxes for the privacy officer: anybody with the public key can close one, only the private key opens it.

X25519 with a fresh key for each box, HKDF-SHA-256, ChaCha20-Poly1305 (RFC 7748, 5869, 8439). A box is one version byte,
the fresh public key (32 bytes) and the ciphertext. Keys are PEM files.
"""

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pipeline.domain.errors import ConfigurationError

VERSION = b"\x01"
_CONTEXT = b"privacy-pipeline sealed box 1"
_HEADER = 33

RandomBytes = Callable[[int], bytes]


class BoxSealer:
    """Seals content to one public key; the worker holds nothing that could open it again."""

    def __init__(self, public_key: X25519PublicKey, random_bytes: RandomBytes = os.urandom) -> None:
        self._public = public_key
        self._recipient = public_key.public_bytes_raw()
        self._random = random_bytes

    @classmethod
    def from_file(cls, path: Path, random_bytes: RandomBytes = os.urandom) -> "BoxSealer":
        """Return a sealer for the public key in a PEM file.

        Raises:
            ConfigurationError: no such file, or no X25519 public key in it.
        """
        return cls(read_public_key(path), random_bytes)

    @classmethod
    def for_simulation(cls, random_bytes: RandomBytes) -> "BoxSealer":
        """Return a sealer for a key pair of its own that nobody keeps: what it seals, nobody ever opens."""
        return cls(X25519PrivateKey.from_private_bytes(random_bytes(32)).public_key(), random_bytes)

    def seal(self, content: bytes) -> bytes:
        """Return content that only the privacy officer's private key opens."""
        # The content takes part in the fresh key, so that a source of randomness that repeats itself (a simulation's)
        # still never uses one key for two contents.
        fresh = X25519PrivateKey.from_private_bytes(sha256(self._random(32) + sha256(content).digest()).digest())
        sender = fresh.public_key().public_bytes_raw()
        key, nonce = _keys(fresh.exchange(self._public), sender, self._recipient)
        return VERSION + sender + ChaCha20Poly1305(key).encrypt(nonce, content, VERSION)


def open_sealed(sealed: bytes, private_key: X25519PrivateKey) -> bytes:
    """Return the content of a sealed box.

    Raises:
        ConfigurationError: not a sealed box, altered, or sealed to another key.
    """
    sender = sealed[1:_HEADER]
    try:
        shared = private_key.exchange(X25519PublicKey.from_public_bytes(sender))
        key, nonce = _keys(shared, sender, private_key.public_key().public_bytes_raw())
        return ChaCha20Poly1305(key).decrypt(nonce, sealed[_HEADER:], sealed[:1])
    except (ValueError, InvalidTag):
        raise ConfigurationError("the box cannot be opened: it was altered or sealed to another key") from None


def _keys(shared: bytes, sender: bytes, recipient: bytes) -> tuple[bytes, bytes]:
    derived = HKDF(algorithm=SHA256(), length=44, salt=None, info=_CONTEXT + sender + recipient).derive(shared)
    return derived[:32], derived[32:]


def write_key_pair(private_path: Path, public_path: Path, random_bytes: RandomBytes = os.urandom) -> None:
    """Make a key pair for the privacy officer and write both PEM files, the private one readable by its owner only.

    Raises:
        ConfigurationError: one of the files exists already or cannot be written.
    """
    private = X25519PrivateKey.from_private_bytes(random_bytes(32))
    _write(private_path, private_pem(private), 0o600)
    _write(public_path, public_pem(private.public_key()), 0o644)


def private_pem(key: X25519PrivateKey) -> bytes:
    """Return a private key as PKCS #8 PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_pem(key: X25519PublicKey) -> bytes:
    """Return a public key as PEM."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def read_private_key(path: Path) -> X25519PrivateKey:
    """Return the private key of a PEM file; ConfigurationError if there is none."""
    try:
        key = serialization.load_pem_private_key(_read(path), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, X25519PrivateKey):
        raise ConfigurationError(f"{path}: holds no X25519 private key in PEM: give the privacy officer's private key")
    return key


def read_public_key(path: Path) -> X25519PublicKey:
    """Return the public key of a PEM file; ConfigurationError if there is none."""
    try:
        key = serialization.load_pem_public_key(_read(path))
    except ValueError:
        key = None
    if not isinstance(key, X25519PublicKey):
        raise ConfigurationError(f"{path}: holds no X25519 public key in PEM: give the privacy officer's public key")
    return key


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror}): give a key file") from None


def _write(path: Path, content: bytes, mode: int) -> None:
    try:
        path.touch(mode, exist_ok=False)
        path.write_bytes(content)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written ({error.strerror}): choose another file") from None
