"""The hard cases of AllCall's e-mail, mailings, refused purchases and requests for erasure, as events with their ends."""

from typing import Any

from tests.topology.case_words import BOOKS, PERSON, Case, email, event, mail_ends


def _bought(name: str) -> dict[str, Any]:
    """Return the purchase of H01, by the person of another case."""
    return event(
        f"{name}-purchase", "purchase.completed", "2024-02-29T14:00:00+01:00", "allcall", f"s-{name}",
        context="web", initiated_by="customer", order_id=f"o-{name}", national_id="19000101-0000",
        payment="card", invoice_history="i-1", ip="192.0.2.1", browser="b", **PERSON,
    )  # fmt: skip


def _by(key: str, identity: str, kind: str, time: str, **data: Any) -> dict[str, Any]:
    return event(identity, kind, time, "allcall", key, **data)


def _asked(key: str) -> dict[str, Any]:
    """Return a request to buy, one field of A short."""
    return _by(key, f"{key}-asked", "purchase.requested", "2024-09-01T09:00:00Z",
               context="web", initiated_by="customer", order_id=f"o-{key}", **PERSON)  # fmt: skip


MAIL_CASES: dict[str, Case] = {
    "H07": Case(
        clauses="ALLCALL-5.5 ALLCALL-5.6",
        events=[
            email("h07", "2024-05-31T09:00:00+02:00"),
            _by("s-h07", "h07-class", "case.reclassified", "2025-01-31T10:00:00+01:00",
                case_id="case-h07", matter="complaint"),
        ],
        until="2028-01-01T00:00:00Z",
        due=mail_ends(("2027-05-31", "2027-05-31T22:00:00Z")),
    ),
    "H08": Case(
        clauses="ALLCALL-5.6",
        events=[
            email("h08", "2024-05-31T09:00:00+02:00"),
            _by("s-h08", "h08-class", "case.reclassified", "2025-03-03T08:00:00+01:00",
                case_id="case-h08", matter="complaint"),
        ],
        until="2028-01-01T00:00:00Z",
        due=mail_ends(("2025-02-28", "2025-02-28T23:00:00Z")),
    ),
    "H09": Case(
        clauses="ALLCALL-5.5 ALLCALL-5.6",
        events=[
            email("h09", "2023-04-30T12:00:00+02:00", matter="complaint"),
            _by("s-h09", "h09-class", "case.reclassified", "2024-06-10T08:00:00Z", case_id="case-h09", matter="other"),
        ],
        until="2027-01-01T00:00:00Z",
        due=mail_ends((None, "2024-06-10T08:00:00Z")),
    ),
    "H10": Case(
        clauses="ALLCALL-5.5 R-ALL-3",
        events=[
            email("h10", "2024-06-03T12:00:00+02:00"),
            _by("s-h10", "h10-closed", "case.closed", "2024-07-10T16:00:00+02:00", case_id="case-h10"),
        ],
        until="2026-01-01T00:00:00Z",
        due=mail_ends((None, "2024-07-10T14:00:00Z")),
    ),
    "H11": Case(
        clauses="ALLCALL-4D.6 ALLCALL-4D.7 ALLCALL-5.3 ALLCALL-5.8 R-ALL-12",
        events=[
            _bought("h11"),
            _by("s-h11", "h11-in", "opt_in", "2024-03-01T10:00:00+01:00", mailing="newsletter", name="Test Person",
                email="t@example.org"),
            _by("s-h11", "h11-opened", "newsletter.opened", "2024-04-02T10:00:00+02:00", context="mailing",
                newsletter_opened="april", platform="phone"),
            _by("s-h11", "h11-out", "opt_out", "2025-02-10T12:00:00+01:00", mailing="newsletter", channel="letter"),
            _by("s-h11", "h11-sent", "newsletter.sent", "2025-02-11T12:00:00+01:00", context="mailing",
                mailing="newsletter", email="t@example.org"),
            _by("s-h11", "h11-late-open", "newsletter.opened", "2025-02-12T10:00:00+01:00", context="mailing",
                newsletter_opened="february"),
            _by("s-h11", "h11-survey", "survey.opened", "2025-02-13T10:00:00+01:00", context="mailing",
                survey_opened="one"),
            _by("s-h11", "h11-legal", "infoletter.sent", "2025-03-01T10:00:00+01:00", context="mailing",
                legal_ground="product safety", name="Test Person", email="t@example.org"),
        ],
        until="2032-01-02T00:00:00Z",
        due=BOOKS
        | {
            ("A", "erase", None, "2025-02-10T11:00:00Z"),
            ("D.mail", "stop-use", None, "2025-02-10T11:00:00Z"),
        },
    ),
    "H14-refused": Case(
        clauses="ALLCALL-4W.5",
        events=[
            _asked("s-14"),
            _by("s-14", "h14-refused", "purchase.refused", "2024-09-01T10:00:00Z", order_id="o-s-14"),
        ],
        until="2036-01-01T00:00:00Z",
        due={("A", "erase", None, "2024-09-01T10:00:00Z")},
    ),
    "H14-accepted": Case(
        clauses="ALLCALL-4W.5 ALLCALL-5.2",
        events=[
            _asked("s-14b"),
            _by("s-14b", "h14-accepted", "purchase.completed", "2024-09-01T10:00:00Z", context="web",
                initiated_by="customer", order_id="o-s-14b", payment="card", **PERSON),
        ],
        until="2036-01-01T00:00:00Z",
        due=BOOKS | {("A", "erase", None, "2024-09-01T10:00:00Z")},
    ),
    "H15": Case(
        clauses="ALLCALL-6.2 R-ALL-15",
        events=[
            _bought("h15"),
            email("h15-order", "2024-02-29T14:00:00+01:00", key="s-h15", matter="contract", order_id="o-h15"),
            email("h15-general", "2025-04-01T10:00:00+02:00", key="s-h15"),
            _by("s-h15", "h15-opened", "case.opened", "2025-05-02T10:00:00+02:00", case_id="case-h15-complaint",
                matter="complaint"),
            email("h15-complaint", "2025-05-02T10:00:00+02:00", key="s-h15", matter="complaint"),
            _by("s-h15", "h15-review", "contact.social", "2025-05-20T10:00:00+02:00", channel="social",
                initiated_by="customer", social_review="five stars"),
            _by("s-h15", "h15-erasure", "erasure.requested", "2025-06-15T09:00:00+02:00"),
            _by("s-h15", "h15-closed", "case.closed", "2025-11-03T10:00:00+01:00", case_id="case-h15-complaint"),
        ],
        until="2036-01-01T00:00:00Z",
        due=BOOKS
        | mail_ends((None, "2025-06-15T07:00:00Z"), (None, "2025-11-03T09:00:00Z"))
        | {("D.web", "erase", None, "2025-06-15T07:00:00Z"), ("C.social", "erase", None, "2025-06-15T07:00:00Z")},
    ),
    "X12": Case(
        clauses="ALLCALL-5.2 ALLCALL-5.6 R-ALL-4",
        events=[
            email("x12-plain", "2024-02-29T14:00:00+01:00", key="s-x12", matter="contract"),
            email("x12-parted", "2024-12-31T14:00:00+01:00", key="s-x12", matter="bookkeeping", order_id="o-x12",
                  invoice_history="i-12"),
            email("x12-carried", "2025-02-01T14:00:00+01:00", key="s-x12", matter="other"),
            _by("s-x12", "x12-names", "voucher.retagged", "2025-03-03T10:00:00+01:00",
                records=["x12-plain", "x12-parted"]),
            _by("s-x12", "x12-carries", "voucher.retagged", "2025-03-03T11:00:00+01:00", records=["x12-carried"],
                name="Test Person", invoice_history="i-13"),
            _by("s-x12", "x12-late", "voucher.retagged", "2025-11-03T11:00:00+01:00", records=["x12-carried"]),
        ],
        until="2036-01-01T00:00:00Z",
        due=BOOKS  # of both e-mails of 2024
        | mail_ends(
            ("2027-02-28", "2027-02-28T23:00:00Z"),
            ("2027-12-31", "2027-12-31T23:00:00Z"),
            ("2025-11-01", "2025-11-01T23:00:00Z"),
        )
        | {("B", "erase", "2027-12-31", "2027-12-31T23:00:00Z")}
        | {(category, "erase", "2032-12-31", "2032-12-31T23:00:00Z") for category in ("A", "B")},
    ),
    "H18": Case(
        clauses="ALLCALL-5.2 ALLCALL-3.2",
        events=[
            _by("s-18", "h18-purchase", "purchase.completed", "2024-12-20T12:00:00+01:00", context="web",
                initiated_by="customer", order_id="o-18", national_id="19000101-0000", payment="card", **PERSON),
            _by("s-18", "h18-refund", "refund.issued", "2025-01-10T12:00:00+01:00", context="web",
                initiated_by="customer", order_id="o-18", payment="card", **PERSON),
        ],
        until="2036-01-01T00:00:00Z",
        due=BOOKS | {(category, "erase", "2032-12-31", "2032-12-31T23:00:00Z") for category in ("A", "B")},
    ),
}  # fmt: skip
