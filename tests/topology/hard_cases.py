"""The hard cases of the five notices as events, with the ends that were computed by hand.

Each case is what `pipeline simulate` reads; `due` lists every `expiry.due` of the case up to `until` that must come,
as (category, action, last day kept, due instant); nothing else may fall due.
"""

from typing import Any

from tests.topology.artgraphics_cases import ARTGRAPHICS_CASES
from tests.topology.case_words import ADDRESS, BOOKS, PERSON, Case, Due, email, event, mail_ends
from tests.topology.mail_cases import MAIL_CASES
from tests.topology.many_keys_cases import MANY_KEYS_CASES
from tests.topology.tek_zence_cases import TEK_ZENCE_CASES

__all__ = ["ADDRESS", "BOOKS", "CASES", "PERSON", "Case", "Due", "email", "event", "h32", "mail_ends"]

CASES: dict[str, Case] = {
    **MAIL_CASES,
    **MANY_KEYS_CASES,
    **TEK_ZENCE_CASES,
    **ARTGRAPHICS_CASES,
    "H01": Case(
        clauses="ALLCALL-5.2 ALLCALL-5.6 ALLCALL-5.8 ALLCALL-4T.2",
        events=[
            event(
                "h01-purchase", "purchase.completed", "2024-02-29T14:00:00+01:00", "allcall", "s-1",
                context="web", initiated_by="customer", order_id="o-1", national_id="19000101-0000",
                payment="card", invoice_history="i-1", ip="192.0.2.1", browser="b", **PERSON,
            ),
            email("h01-mail", "2024-02-29T14:00:00+01:00", matter="contract"),
        ],
        until="2034-03-02T00:00:00Z",
        due=BOOKS | mail_ends(("2027-02-28", "2027-02-28T23:00:00Z")),
    ),
    "H02": Case(
        clauses="ALLCALL-5.2",
        events=[
            event(
                "h02-purchase", "purchase.completed", "2024-12-31T23:30:00Z", "allcall", "s-2",
                context="store", initiated_by="customer", order_id="o-2", national_id="19000101-0000",
                payment="card", **PERSON,
            ),
        ],
        until="2035-01-02T00:00:00Z",
        due={(c, "erase", "2032-12-31", "2032-12-31T23:00:00Z") for c in ("A", "B")},
    ),
    "H03": Case(
        clauses="ALLCALL-5.5",
        events=[email("h03", "2024-05-31T09:00:00+02:00")],
        until="2025-12-31T00:00:00Z",
        due=mail_ends(("2025-02-28", "2025-02-28T23:00:00Z")),
    ),
    "H04": Case(
        clauses="ALLCALL-5.5",
        events=[email(f"h04-{day}", f"2023-05-{day}T12:00:00+02:00") for day in (28, 29, 30, 31)],
        until="2025-01-01T00:00:00Z",
        due=mail_ends(("2024-02-28", "2024-02-28T23:00:00Z"), ("2024-02-29", "2024-02-29T23:00:00Z")),
    ),
    "H05": Case(
        clauses="ALLCALL-5.5",
        events=[email("h05", "2024-03-31T22:15:00Z")],
        until="2025-12-31T00:00:00Z",
        due=mail_ends(("2025-01-01", "2025-01-01T23:00:00Z")),
    ),
    "H06": Case(
        clauses="ALLCALL-5.5",
        events=[email("h06-a", "2024-01-27T11:00:00Z"), email("h06-b", "2024-06-30T21:30:00Z")],
        until="2025-12-31T00:00:00Z",
        due=mail_ends(("2025-03-30", "2025-03-30T22:00:00Z"), ("2024-10-27", "2024-10-27T23:00:00Z")),
    ),
    "H13": Case(
        clauses="ALLCALL-6.1 ALLCALL-6.3",
        events=[
            event(f"h13-{number}", "access.requested", time, "allcall", "s-13", signed=signed, in_writing=signed)
            for number, (time, signed) in enumerate((
                ("2024-03-05T10:00:00+01:00", True),
                ("2024-06-01T10:00:00+02:00", False),
                ("2024-11-20T10:00:00+01:00", True),
                ("2024-12-31T23:30:00Z", True),
            ))
        ],
        until="2025-01-02T00:00:00Z",
        due=set(),
    ),
    "H16": Case(
        clauses="ALLCALL-4S.2 ALLCALL-4S.3 ALLCALL-5.9",
        events=[
            event(
                "h16-clip", "cctv.ingested", "2025-01-10T12:00:00Z", "allcall", "clip-1",
                context="store", collected_from="premises_camera", clip_id="clip-1", site="solna",
                cctv_clip="clip://1",
            ),
            *(
                event(f"h16-{kind}-{hold}", f"hold.{kind}", time, "allcall", "clip-1",
                      hold_id=hold, clip_id="clip-1", records=["h16-clip"], reason="investigation")
                for kind, hold, time in (
                    ("opened", "hold-1", "2025-02-05T09:00:00Z"),
                    ("opened", "hold-2", "2025-02-20T09:00:00Z"),
                    ("closed", "hold-1", "2025-03-01T09:00:00Z"),
                    ("closed", "hold-2", "2025-04-15T09:00:00+02:00"),
                )
            ),
        ],
        until="2026-01-01T00:00:00Z",
        due={("E.cctv", "erase", None, "2025-04-15T07:00:00Z")},
    ),
    "H19": Case(
        clauses="TEK-2.2 TEK-2.3 TEK-2.4",
        events=[
            event(
                "h19-purchase", "purchase.completed", "2022-03-15T10:00:00+01:00", "tek-zence", "s-19",
                order_id="o-19", order_number="o-19", order_lines="one", amounts="100", receipt="r-19",
                purchase_history="o-19", **PERSON,
            ),
            event(
                "h19-delivery", "delivery.ordered", "2022-03-16T10:00:00+01:00", "tek-zence", "s-19",
                order_id="o-19", access_notes="second floor",
                **{name: PERSON[name] for name in ("name", "address", "phone")},
            ),
            event("h19-delivered", "delivery.completed", "2022-03-18T10:00:00+01:00", "tek-zence", "s-19",
                  order_id="o-19"),
            event("h19-mail", "contact.email", "2022-05-01T10:00:00+02:00", "tek-zence", "s-19",
                  email_message="hello", email="t@example.org"),
            event("h19-call-1", "contact.phone", "2022-06-01T10:00:00+02:00", "tek-zence", "s-19",
                  called_at="2022-06-01", number="+47 900"),
            event("h19-call-2", "contact.phone", "2022-07-01T10:00:00+02:00", "tek-zence", "s-19",
                  called_at="2022-07-01", number="+47 900"),
            event("h19-erasure", "erasure.requested", "2024-03-15T10:00:00+01:00", "tek-zence", "s-19"),
        ],
        until="2030-01-01T00:00:00Z",
        due={
            ("delivery", "erase", None, "2022-03-18T09:00:00Z"),
            ("delivery-conditions", "erase", None, "2022-03-18T09:00:00Z"),
            ("profile", "erase", None, "2024-03-15T09:00:00Z"),
            ("correspondence", "erase", None, "2024-03-15T09:00:00Z"),
            ("call-log", "erase", None, "2024-03-15T09:00:00Z"),
            ("order", "restrict", None, "2024-03-15T09:00:00Z"),
            ("order", "erase", "2027-12-31", "2027-12-31T23:00:00Z"),
        },
    ),
    "H20": Case(
        clauses="TEK-2.1 TEK-2.4",
        events=[
            event(
                "h20-purchase", "purchase.completed", "2024-02-29T10:00:00+01:00", "tek-zence", "s-20",
                order_id="o-20", order_number="o-20", order_lines="one", amounts="100", receipt="r-20",
                purchase_history="o-20", **PERSON,
            ),
        ],
        until="2031-01-01T00:00:00Z",
        due={
            ("profile", "erase", "2029-02-28", "2029-02-28T23:00:00Z"),
            ("order", "restrict", "2029-02-28", "2029-02-28T23:00:00Z"),
            ("order", "erase", "2029-12-31", "2029-12-31T23:00:00Z"),
        },
    ),
    "H25": Case(
        clauses="ART-5.1 ART-5.3",
        events=[
            event("h25-mail", "contact.email", "2023-05-01T10:00:00Z", "artgraphics", "s-25",
                  case_id="c-25", name="T", email="t@example.org", message="help"),
            event("h25-closed-1", "case.closed", "2023-05-31T10:00:00Z", "artgraphics", "s-25",
                  case_id="c-25", topic="print", resolution="replaced"),
            event("h25-reopened", "case.reopened", "2024-02-10T10:00:00Z", "artgraphics", "s-25",
                  case_id="c-25", topic="print"),
            event("h25-mail-2", "contact.email", "2024-02-11T10:00:00Z", "artgraphics", "s-25",
                  case_id="c-25", name="T", email="t@example.org", message="again"),
            event("h25-closed-2", "case.closed", "2024-02-29T15:00:00Z", "artgraphics", "s-25",
                  case_id="c-25", topic="print", resolution="refunded"),
            event("h25-closed-2", "case.closed", "2024-02-29T15:00:00Z", "artgraphics", "s-25",
                  case_id="c-25", topic="print", resolution="refunded"),
            event("h25-stale", "case.reopened", "2024-02-20T10:00:00Z", "artgraphics", "s-25",
                  case_id="c-25", topic="print"),
        ],
        until="2026-01-01T00:00:00Z",
        due={
            ("contact", "erase", None, "2023-05-31T10:00:00Z"),
            ("conversation", "erase", None, "2023-05-31T10:00:00Z"),
            ("contact", "erase", None, "2024-02-29T15:00:00Z"),
            ("conversation", "erase", None, "2024-02-29T15:00:00Z"),
            ("case-record", "erase", "2025-02-28", "2025-03-01T00:00:00Z"),
        },
    ),
    "H27": Case(
        clauses="VIET-2 VIET-4 VIET-12",
        events=[
            event(
                "h27-order", "delivery.ordered", "2024-02-01T10:00:00+07:00", "viet-art-view", "s-27",
                order_id="o-27", amounts="cash 100", order_lines="one", **PERSON,
            ),
            event(
                "h27-no-phone", "delivery.ordered", "2024-02-01T11:00:00+07:00", "viet-art-view", "s-27b",
                order_id="o-27b", name="T", address=ADDRESS, email="t@example.org",
            ),
        ],
        until="2024-02-02T00:00:00Z",
        due=set(),
    ),
    "H28": Case(
        clauses="VIET-6 VIET-7",
        events=[
            event("h28-account", "account.opened", "2024-01-10T10:00:00+07:00", "viet-art-view", "s-28",
                  account_id="a-28", account_info="gold", name="T", phone="+84", address=ADDRESS),
            event("h28-purchase", "purchase.completed", "2024-02-28T17:30:00Z", "viet-art-view", "s-28",
                  order_id="o-28", order_number="o-28", payment="card", name="T", phone="+84", address=ADDRESS),
            event("h28-delivery", "delivery.ordered", "2024-02-29T09:00:00+07:00", "viet-art-view", "s-28",
                  order_id="o-28", name="T", phone="+84", address=ADDRESS),
            event("h28-delivered", "delivery.completed", "2024-03-04T15:00:00+07:00", "viet-art-view", "s-28",
                  order_id="o-28"),
            event("h28-erasure", "erasure.requested", "2024-12-31T17:05:00Z", "viet-art-view", "s-28"),
        ],
        until="2035-01-01T00:00:00Z",
        due={
            (category, "erase", None, "2024-12-31T17:05:00Z")
            for category in ("account", "customer", "transaction", "delivery")
        },
    ),
    "H29": Case(
        clauses="AK3D-4.1 AK3D-4.2 AK3D-4.3",
        events=[
            event("h29-account", "account.opened", "2023-01-10T10:00:00Z", "ak3d", "s-29", account_id="a-29",
                  account_info="gold", registration_details="web", security_data="2fa", account_records="r",
                  name="T", email="t@example.org", phone="+44"),
            event("h29-loyalty", "loyalty.updated", "2023-02-10T10:00:00Z", "ak3d", "s-29", account_id="a-29",
                  loyalty_data="10 points"),
            event("h29-visit", "web.visited", "2023-03-10T10:00:00Z", "ak3d", "s-29", account_id="a-29",
                  ip="192.0.2.1", journey="home", location="London"),
            event("h29-purchase", "purchase.completed", "2024-07-01T10:00:00Z", "ak3d", "s-29", account_id="a-29",
                  order_id="o-29", purchase_history="o-29", payment="card", financial_transaction="t-29",
                  name="T", email="t@example.org", phone="+44", address=ADDRESS),
            event("h29-closed", "account.closed", "2025-01-31T23:30:00Z", "ak3d", "s-29", account_id="a-29"),
        ],
        until="2032-01-01T00:00:00Z",
        due={
            (category, action, None, "2025-01-31T23:30:00Z")
            for category, action in (
                ("names-contact", "erase"), ("address", "erase"), ("account", "erase"), ("records", "erase"),
                ("security", "erase"), ("loyalty", "erase"), ("tracking", "erase"),
                # the purposes that the account served end with it; the fields stay for the law alone
                ("purchases", "erase"), ("payment", "erase"), ("transaction", "erase"),
            )
        }
        | {(c, "erase", "2031-03-31", "2031-03-31T23:00:00Z") for c in ("purchases", "payment", "transaction")},
    ),
    "H30": Case(
        clauses="AK3D-5.4",
        events=[
            event(f"h30-{number}", "access.requested", time, "ak3d", f"s-30-{number}")
            for number, time in enumerate((
                "2024-01-30T12:00:00Z", "2024-08-31T22:30:00Z", "2024-08-31T23:30:00Z", "2024-11-25T12:00:00Z",
                "2025-01-31T23:30:00Z",
            ))
        ],
        until="2025-02-02T00:00:00Z",
        due=set(),
    ),
    "H31": Case(
        clauses="AK3D-1.4 AK3D-2.1 AK3D-2.3 AK3D-5.1 AK3D-5.2 AK3D-5.3",
        events=[
            event("h31-account", "account.opened", "2023-01-10T10:00:00Z", "ak3d", "s-31", account_id="a-31",
                  name="T", email="t@example.org", phone="+44", account_info="gold", account_records="r"),
            event("h31-purchase", "purchase.completed", "2024-07-01T10:00:00Z", "ak3d", "s-31", account_id="a-31",
                  order_id="o-31", purchase_history="o-31", payment="card", financial_transaction="t-31",
                  name="T", email="t@example.org", phone="+44", address=ADDRESS),
            event("h31-preferences", "preferences.set", "2024-08-01T10:00:00Z", "ak3d", "s-31",
                  name="T", email="t@example.org", marketing_preferences="some"),
            event("h31-visit", "web.visited", "2024-09-01T10:00:00Z", "ak3d", "s-31",
                  ip="192.0.2.1", journey="home", location="London", viewing_history="chairs"),
            event("h31-withdrawn", "consent.withdrawn", "2025-02-01T12:00:00Z", "ak3d", "s-31"),
            event("h31-access", "access.requested", "2025-02-02T12:00:00Z", "ak3d", "s-31"),
            event("h31-portability", "portability.requested", "2025-02-03T12:00:00Z", "ak3d", "s-31"),
            event("h31-objection", "objection.raised", "2025-03-01T09:00:00Z", "ak3d", "s-31", purpose="marketing"),
        ],
        until="2025-03-02T00:00:00Z",
        due={
            (category, "erase", None, "2025-03-01T09:00:00Z")
            for category in ("names-contact", "preferences", "tracking", "viewing", "purchases")
        },
    ),
}  # fmt: skip


def h32() -> list[dict[str, Any]]:
    """Return the same purchase and delivery under each of the five policies."""
    found = []
    for controller in ("allcall", "tek-zence", "viet-art-view", "artgraphics", "ak3d"):
        common = {**PERSON, "date_of_birth": "1980-01-01", "order_id": "o-32"}
        found.append(
            event(f"h32-p-{controller}", "purchase.completed", "2025-06-01T10:00:00+02:00", controller, "s-32",
                  context="web", initiated_by="company", **common)
        )  # fmt: skip
        found.append(
            event(f"h32-d-{controller}", "delivery.ordered", "2025-06-01T11:00:00+02:00", controller, "s-32", **common)
        )
    return found
