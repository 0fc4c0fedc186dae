"""Made-up people: contact details derived from a customer number, the same for the same number and seed.

Nobody real is meant. Phone numbers lie in a range that Ofcom keeps for fiction, mail domains and addresses of machines
in ranges kept for documentation (RFC 2606, RFC 5737), national ids begin with TEST.
"""

from dataclasses import dataclass, field
from hashlib import blake2b

_GIVEN = (
    "Astrid", "Bjarne", "Camille", "Dorothea", "Elinor", "Florian", "Gwendolyn", "Henrik", "Ingeborg", "Joachim",
    "Katarina", "Leopold", "Magdalena", "Nikolai", "Ottilie", "Phuong", "Quentin", "Ragnhild", "Sebastian", "Theodora",
    "Ursula", "Valentin", "Wilhelmina", "Xavier", "Yvonne", "Zacharias",
)  # fmt: skip
_FAMILY = (
    "Almqvist", "Bergstrand", "Castellan", "Dahlgren", "Engström", "Fairweather", "Grimstad", "Holmgaard", "Iversen",
    "Jorgensen", "Kirkegaard", "Lindqvist", "Montague", "Nordahl", "Ostergaard", "Pemberton", "Quist", "Rosendahl",
    "Sandström", "Thornbury", "Underhill", "Vestergaard", "Wainwright", "Yardley", "Zetterberg",
)  # fmt: skip
_STREETS = ("Chestnut Walk", "Granary Lane", "Harbour Row", "Lantern Street", "Orchard Rise", "Saddler Yard")
_TOWNS = ("Ashcombe", "Brackenford", "Castlemere", "Dunwater", "Elmsworth", "Fernhollow")


def digest(*parts: str, size: int = 8) -> bytes:
    """Return bytes that follow from the parts alone: the only chance in the demonstration."""
    return blake2b("\x1f".join(parts).encode(), digest_size=size).digest()


def number(*parts: str) -> int:
    """Return a whole number below 2**64 that follows from the parts alone."""
    return int.from_bytes(digest(*parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A data subject: the pseudonymous id that producers use as key, and details that exist nowhere else."""

    key: str
    name: str = field(repr=False)
    address: dict[str, str] = field(repr=False)
    phone: str = field(repr=False)
    email: str = field(repr=False)
    national_id: str = field(repr=False)
    date_of_birth: str = field(repr=False)
    ip: str = field(repr=False)

    def contact(self, *names: str) -> dict[str, object]:
        """Return the fields that an event carries of this person."""
        return {name: getattr(self, name) for name in names}


def person(controller: str, customer: str, country: str, seed: int = 0) -> Person:
    """Return the person behind a customer number of a controller."""
    pick = number("person", controller, customer, str(seed))
    given, family = _GIVEN[pick % len(_GIVEN)], _FAMILY[pick // 101 % len(_FAMILY)]
    serial = pick % 100_000
    return Person(
        key="subject-" + digest("subject", controller, customer, str(seed), size=6).hex(),
        name=f"{given} {family}",
        address={
            "street": f"{pick // 7 % 180 + 1} {_STREETS[pick // 11 % len(_STREETS)]}",
            "postcode": f"ZZ{pick // 13 % 90 + 10} {pick // 17 % 9 + 1}XX",
            "city": _TOWNS[pick // 19 % len(_TOWNS)],
            "country": country,
        },
        phone=f"+447700900{pick // 23 % 1000:03}",
        email=f"{given}.{family}.{serial:05}@example.org".lower(),
        national_id=f"TEST-{serial:05}-{pick // 29 % 10_000:04}",
        date_of_birth=f"{1940 + pick // 31 % 50}-{pick // 37 % 12 + 1:02}-{pick // 41 % 28 + 1:02}",
        ip=f"192.0.2.{pick // 43 % 254 + 1}",
    )
