"""The hard cases of ARTGRAPHICS as events, with the ends that were computed by hand."""

from typing import Any

from tests.topology.case_words import Case, event


def art(identity: str, kind: str, time: str, key: str, **data: Any) -> dict[str, Any]:
    """Return one event of ARTGRAPHICS."""
    return event(identity, kind, time, "artgraphics", key, **data)


ARTGRAPHICS_CASES: dict[str, Case] = {
    "H26": Case(
        clauses="ART-5.2 ART-5.3 ART-4.2 ART-2.3",
        events=[
            art("h26-opened", "case.opened", "2024-01-10T10:00:00Z", "s-26", case_id="c-26", topic="print"),
            art("h26-mail", "contact.email", "2024-01-10T10:05:00Z", "s-26",
                case_id="c-26", name="T", email="t@example.org", message="help"),
            art("h26-unasked", "call.recorded", "2024-01-12T10:00:00Z", "s-26", case_id="c-26", call_audio="a"),
            art("h26-consent", "consent.given", "2024-01-15T10:00:00Z", "s-26", purpose="recording"),
            art("h26-recorded", "call.recorded", "2024-01-15T10:01:00Z", "s-26", case_id="c-26", call_audio="b"),
            art("h26-trained", "call.monitored", "2024-01-15T10:02:00Z", "s-26", case_id="c-26", purpose="training"),
            art("h26-sold", "call.monitored", "2024-01-15T10:03:00Z", "s-26", case_id="c-26", purpose="sales"),
            art("h26-obliged", "obligation.opened", "2024-01-20T10:00:00Z", "s-26", case_id="c-26", reason="refund"),
            art("h26-closed", "case.closed", "2024-01-31T10:00:00Z", "s-26", case_id="c-26", resolution="refunded"),
            art("h26-withdrawn", "consent.withdrawn", "2024-05-02T08:00:00Z", "s-26", purpose="recording"),
            art("h26-settled", "obligation.settled", "2025-06-30T12:00:00Z", "s-26", case_id="c-26"),
        ],
        until="2027-01-01T00:00:00Z",
        due={
            ("recording", "erase", None, "2024-05-02T08:00:00Z"),
            ("contact", "erase", None, "2025-06-30T12:00:00Z"),
            ("conversation", "erase", None, "2025-06-30T12:00:00Z"),
            ("case-record", "erase", None, "2025-06-30T12:00:00Z"),
        },
    ),
}  # fmt: skip
