"""Tags as Avro bytes: encoded once for each decision, then put before every event that got it."""

from collections.abc import Iterable
from typing import TypeVar

from pipeline.adapters.avro.projector import long_bytes
from pipeline.domain.records import Tag

_MAX_CACHED = 10_000

K = TypeVar("K")
V = TypeVar("V")


class TagBytes:
    """The bytes of `tags` and `policy_version`, cached by the identity of the tags, then by their value."""

    def __init__(self) -> None:
        self._by_identity: dict[tuple[int, str], tuple[tuple[Tag, ...], bytes]] = {}
        self._by_value: dict[tuple[tuple[Tag, ...], str], bytes] = {}

    def of(self, tags: tuple[Tag, ...], policy_version: str) -> bytes:
        """Return the first two fields of a tagged record."""
        known = self._by_identity.get((id(tags), policy_version))
        if known is not None:  # the entry holds the tags, so that their identity cannot be given to others
            return known[1]
        encoded = self._by_value.get((tags, policy_version))
        if encoded is None:
            encoded = _array(map(_tag, tags)) + text_bytes(policy_version)
            _remember(self._by_value, (tags, policy_version), encoded)
        _remember(self._by_identity, (id(tags), policy_version), (tags, encoded))
        return encoded


def _remember(cache: dict[K, V], key: K, value: V) -> None:
    if len(cache) >= _MAX_CACHED:
        cache.clear()
    cache[key] = value


def _tag(tag: Tag) -> bytes:
    return b"".join(
        (
            text_bytes(tag.category),
            text_bytes(tag.purpose),
            _array(map(text_bytes, tag.legal_basis)),
            text_bytes(tag.rule),
            _array(map(text_bytes, tag.clauses)),
            _array(map(text_bytes, tag.fields)),
        )
    )


def text_bytes(value: str) -> bytes:
    """Return a string as Avro writes it."""
    encoded = value.encode()
    return long_bytes(len(encoded)) + encoded


def _array(items: Iterable[bytes]) -> bytes:
    found = tuple(items)
    return b"".join((long_bytes(len(found)), *found, b"\0")) if found else b"\0"
