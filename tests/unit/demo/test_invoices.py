"""The sample and how it is read."""

from datetime import UTC, datetime

from pipeline.demo.invoices import read_invoices, sample_invoices

CSV = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
536365,71053,WHITE METAL LANTERN,6,2010-12-01 08:26:00,3.39,17850.0,United Kingdom
536365,21730,GLASS STAR ,2,2010-12-01 08:26:00,4.25,17850.0,United Kingdom
C536379,D,Discount,-1,2010-12-01 09:41:00,27.5,14527.0,United Kingdom
536414,22139,,56,2010-12-01 11:52:00,0.0,,United Kingdom
"""


def test_lines_of_one_number_are_one_invoice() -> None:
    first, cancelled, unknown = read_invoices(CSV.splitlines())

    assert [line.description for line in first.lines] == ["WHITE METAL LANTERN", "GLASS STAR"]
    assert (first.customer, first.at, first.total) == ("17850", datetime(2010, 12, 1, 8, 26, tzinfo=UTC), 28.84)
    assert (first.cancelled, cancelled.cancelled, cancelled.total) == (False, True, 27.5)
    assert (unknown.customer, unknown.lines[0].description) == (None, "")


def test_the_sample_holds_what_real_life_holds() -> None:
    """Cancellations, buyers that nobody knows and lines without a description must not break anything."""
    invoices = sample_invoices()

    assert len(invoices) == 310
    assert sum(invoice.cancelled for invoice in invoices) == 29
    assert sum(invoice.customer is None for invoice in invoices) == 23
    assert any(not line.description for invoice in invoices for line in invoice.lines)
    assert [invoice.at for invoice in invoices] == sorted(invoice.at for invoice in invoices)
