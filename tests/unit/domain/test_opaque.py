from uuid import UUID

import pytest

from pipeline.domain.opaque import is_opaque

ORDINARY = (
    "s-1", "order-123", "order-10001/delivery", "10001", "a", "A" * 200, "control", "clip_7", "v1.2", "-",
    str(UUID(int=7)), UUID(int=7).hex, "urn:uuid:7c9e6679-7425-40de-944b-e07fc1f90ae7", "01HQ3K5V0Z8W6X4Y2T1R0S9QPM",
)  # fmt: skip
TELLING = (
    "", "A" * 201, "jane@example.org", "+46701234567", "Jane Doe", " s-1", "s-1\n", "s-1\x00", "Göran", "s|1", "s,1",
    "\u0661\u0662", "\ufe52", "s?x=1", "s%40x", "\ud800",
)  # fmt: skip


@pytest.mark.parametrize("identity", ORDINARY)
def test_ordinary_ids_are_opaque(identity: str) -> None:
    assert is_opaque(identity)


@pytest.mark.parametrize("identity", TELLING)
def test_an_id_of_another_form_may_name_somebody(identity: str) -> None:
    assert not is_opaque(identity)
