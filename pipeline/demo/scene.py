"""One invoice as one controller sees it, and how it becomes CloudEvents."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.demo.invoices import Invoice
from pipeline.demo.people import Person, digest, number

Event = dict[str, object]
Events = Iterator[Event]

MARKER_FIELD = "internal_note"
"""A field that no schema declares, such as a careless producer adds; its value must never come out anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What happens around one invoice.

    Attributes:
        controller: Who sold.
        invoice: What was sold.
        person: Who bought, or None where the shop did not know.
        first: Whether it is the first invoice of this person, for what happens once per person.
        seed: Another seed tells another story about the same invoices.
    """

    controller: str
    invoice: Invoice
    person: Person | None
    first: bool
    seed: int

    @property
    def key(self) -> str:
        """Return the partition key: the person's pseudonym, or one for this invoice alone."""
        return self.person.key if self.person else f"anonymous-{self._digest('anonymous')}"

    @property
    def order(self) -> str:
        """Return the order number."""
        return f"ORD-{self.invoice.number}"

    @property
    def case(self) -> str:
        """Return the number of the case that this invoice may lead to."""
        return f"CASE-{self._digest('case')}"

    @property
    def account(self) -> str:
        """Return the account number of the person."""
        return f"ACC-{digest('account', self.key, size=4).hex()}"

    @property
    def clip(self) -> str:
        """Return the id of the camera clip of this sale."""
        return f"clip-{self._digest('clip')}"

    def contact(self, *names: str) -> dict[str, object]:
        """Return contact fields, or none for somebody unknown."""
        return self.person.contact(*names) if self.person else {}

    def lines(self) -> list[dict[str, object]]:
        """Return what was bought."""
        return [line.as_data() for line in self.invoice.lines]

    def amounts(self) -> dict[str, object]:
        """Return the sums of the invoice."""
        return {"total": self.invoice.total, "currency": "GBP"}

    def payment(self) -> dict[str, object]:
        """Return how it was paid."""
        return {"method": "card", "token": f"pay-{self._digest('payment')}"}

    def mail(self, subject: str) -> dict[str, object]:
        """Return an e-mail about the order."""
        return {"subject": f"{subject}: {self.order}", "body": f"Dear shop, please look into {self.order}. Regards."}

    def one_in(self, n: int, what: str) -> bool:
        """Return whether this scene is one of about one in n; the same for all invoices of a person."""
        return number("chance", what, self.key, str(self.seed)) % n == 0

    def tell(
        self, event_type: str, data: Mapping[str, object], *, days: int = 0, minutes: int = 0, key: str | None = None
    ) -> Event:
        """Return an event that happens some time after the sale, at a minute of its own."""
        jitter = number("jitter", event_type, self.invoice.number, str(self.seed)) % 120 if days else 0
        content = dict(data)
        if number("marker", event_type, self.invoice.number, str(self.seed)) % 7 == 0:
            content[MARKER_FIELD] = f"MARKER-{self._digest('marker', event_type)}"
        return {
            "specversion": "1.0",
            "id": f"event-{self._digest('event', event_type, str(days), str(minutes))}",
            "source": f"/demo/{self.controller}",
            "type": event_type,
            "time": rfc3339(self.invoice.at + timedelta(days=days, minutes=minutes + jitter)),
            "controller": self.controller,
            "partitionkey": key or self.key,
            "data": content,
        }

    def _digest(self, *parts: str) -> str:
        return digest(*parts, self.controller, self.invoice.number, str(self.seed)).hex()


def rfc3339(instant: datetime) -> str:
    """Return an instant as CloudEvents writes it."""
    return instant.isoformat().replace("+00:00", "Z")
