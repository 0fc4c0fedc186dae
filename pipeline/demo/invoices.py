"""Real invoices of an online shop, read from the sample that ships with the package (see sample/NOTICE.md)."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files

SAMPLE = files("pipeline.demo") / "sample" / "invoices.csv"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an invoice; a negative quantity was taken back."""

    stock_code: str
    description: str
    quantity: int
    unit_price: float

    def as_data(self) -> dict[str, object]:
        """Return the line as a field of an event carries it."""
        return {"stock_code": self.stock_code, "description": self.description, "quantity": self.quantity}


@dataclass(frozen=True, slots=True)
class Invoice:
    """One invoice; `customer` is None where the shop did not know who bought."""

    number: str
    at: datetime
    customer: str | None
    country: str
    lines: tuple[Line, ...]

    @property
    def cancelled(self) -> bool:
        """Return whether this is a cancellation: the shop marks its number with a leading C."""
        return self.number.startswith("C")

    @property
    def total(self) -> float:
        """Return the sum in pounds, without its sign."""
        return round(abs(sum(line.quantity * line.unit_price for line in self.lines)), 2)


def sample_invoices() -> tuple[Invoice, ...]:
    """Return the invoices of the sample in the order of their file, which is the order of time."""
    with SAMPLE.open(encoding="utf-8") as opened:
        return tuple(read_invoices(opened))


def read_invoices(text: Iterable[str]) -> Iterator[Invoice]:
    """Yield the invoices of a CSV text in the columns of the Online Retail data set."""
    rows: dict[str, list[dict[str, str]]] = {}
    for row in csv.DictReader(text):
        rows.setdefault(row["InvoiceNo"], []).append(row)
    return (_invoice(number, lines) for number, lines in rows.items())


def _invoice(number: str, rows: list[dict[str, str]]) -> Invoice:
    first = rows[0]
    return Invoice(
        number=number,
        # the shop is in the United Kingdom, where local time is UTC in December
        at=datetime.fromisoformat(first["InvoiceDate"]).replace(tzinfo=UTC),
        customer=first["CustomerID"].removesuffix(".0") or None,
        country=first["Country"],
        lines=tuple(
            Line(row["StockCode"], row["Description"].strip(), int(row["Quantity"]), float(row["UnitPrice"]))
            for row in rows
        ),
    )
