"""The hard cases of TEK-ZENCE as events, with the ends that were computed by hand."""

from typing import Any

from tests.topology.case_words import PERSON, Case, event

DELIVERED_TO = {name: PERSON[name] for name in ("name", "address", "phone")}


def tek(identity: str, kind: str, time: str, key: str, **data: Any) -> dict[str, Any]:
    """Return one event of TEK-ZENCE."""
    return event(identity, kind, time, "tek-zence", key, **data)


def bought(identity: str, time: str, key: str, order: str) -> dict[str, Any]:
    """Return a purchase with everything that an order and a profile hold."""
    return tek(
        identity, "purchase.completed", time, key, order_id=order, order_number=order, order_lines="one",
        amounts="100", receipt=f"r-{order}", purchase_history=order, **PERSON,
    )  # fmt: skip


def _with_product(purchase: dict[str, Any]) -> dict[str, Any]:
    return {**purchase, "data": {**purchase["data"], "products": ["p-24"]}}


def _erased_customer() -> list[dict[str, Any]]:
    """Return a customer who bought product p-24 and was erased, as in H19."""
    purchase = _with_product(bought("h24-old", "2022-03-15T10:00:00+01:00", "s-24-erased", "o-24"))
    return [purchase, tek("h24-erasure", "erasure.requested", "2024-03-15T10:00:00+01:00", "s-24-erased")]


TEK_ZENCE_CASES: dict[str, Case] = {
    "H21": Case(
        clauses="TEK-2.1 TEK-2.3 TEK-2.4",
        events=[
            bought("h21-first", "2020-05-31T10:00:00+02:00", "s-21", "o-21a"),
            bought("h21-second", "2023-08-31T10:00:00+02:00", "s-21", "o-21b"),
            tek("h21-complaint", "complaint.lodged", "2028-08-20T10:00:00+02:00", "s-21",
                case_id="c-21", order_id="o-21b", email_message="it broke"),
            tek("h21-closed", "case.closed", "2028-11-05T12:00:00+01:00", "s-21", case_id="c-21"),
        ],
        until="2030-01-01T00:00:00Z",
        due={
            ("profile", "erase", None, "2028-11-05T11:00:00Z"),
            ("correspondence", "erase", None, "2028-11-05T11:00:00Z"),
            ("order", "erase", None, "2028-11-05T11:00:00Z"),  # the first: its books ended with 2025
            ("order", "restrict", None, "2028-11-05T11:00:00Z"),  # the second
            ("order", "erase", "2028-12-31", "2028-12-31T23:00:00Z"),
        },
    ),
    "H22": Case(
        clauses="TEK-2.1 TEK-2.3",
        events=[bought("h22-purchase", "2023-12-31T23:15:00Z", "s-22", "o-22")],
        until="2031-01-01T00:00:00Z",
        due={
            ("profile", "erase", "2029-01-01", "2029-01-01T23:00:00Z"),
            ("order", "restrict", "2029-01-01", "2029-01-01T23:00:00Z"),
            ("order", "erase", "2029-12-31", "2029-12-31T23:00:00Z"),
        },
    ),
    "H23": Case(
        clauses="TEK-3.1 TEK-4.1 TEK-5.1 TEK-6.1 TEK-7.1",
        events=[
            tek("h23-opt-out", "opt_out", "2024-05-01T10:00:00+02:00", "s-23"),
            bought("h23-purchase", "2024-05-30T10:00:00+02:00", "s-23", "o-23"),
            *(
                tek(f"h23-{kind}", f"{kind}.ordered", "2024-05-30T10:05:00+02:00", "s-23",
                    order_id="o-23", access_notes="second floor", email=PERSON["email"], **DELIVERED_TO)
                for kind in ("delivery", "installation")
            ),
            tek("h23-delivered", "delivery.completed", "2024-06-03T15:20:00+02:00", "s-23", order_id="o-23"),
            tek("h23-mail", "notice.sent", "2024-06-17T09:00:00+02:00", "s-23",
                order_id="o-23", email=PERSON["email"], email_message="clear the wall", channel="email"),
            tek("h23-installed", "installation.completed", "2024-06-20T11:00:00+02:00", "s-23", order_id="o-23"),
        ],
        until="2024-12-31T00:00:00Z",
        due={
            # the access notes end with the service that each of them was given for
            ("delivery", "erase", None, "2024-06-03T13:20:00Z"),
            ("delivery-conditions", "erase", None, "2024-06-03T13:20:00Z"),
            ("delivery", "erase", None, "2024-06-20T09:00:00Z"),
            ("delivery-conditions", "erase", None, "2024-06-20T09:00:00Z"),
            ("correspondence", "erase", None, "2024-06-20T09:00:00Z"),
            ("mail-address", "erase", None, "2024-06-20T09:00:00Z"),
        },
    ),
    "H24": Case(
        clauses="TEK-8.1 TEK-10.1 TEK-10.2 TEK-1.2",
        events=[
            *_erased_customer(),
            tek("h24-call", "contact.phone", "2024-04-01T10:00:00+02:00", "s-24",
                number="+47 900 00 000", called_at="10:00", direction="in", initiated_by="customer"),
            tek("h24-complaint", "contact.phone", "2024-04-02T10:00:00+02:00", "s-24",
                number="+47 900 00 000", called_at="10:00", direction="in", initiated_by="customer",
                needs_follow_up=True, matter="complaint", case_id="c-24", case_notes="it broke", name="T"),
            tek("h24-again", "contact.phone", "2024-04-03T10:00:00+02:00", "s-24-erased",
                number="+46 8 000 00", called_at="10:00", direction="in", initiated_by="customer"),
            tek("h24-closed", "case.closed", "2024-05-02T10:00:00+02:00", "s-24", case_id="c-24"),
            _with_product(bought("h24-new", "2024-05-10T10:00:00+02:00", "s-24-objects", "o-24b")),
            tek("h24-objection", "objection.raised", "2024-05-20T10:00:00+02:00", "s-24-objects"),
            tek("h24-recall", "recall.issued", "2024-06-01T10:00:00+02:00", "control", products=["p-24"]),
        ],
        until="2025-01-01T00:00:00Z",
        due={
            ("profile", "erase", None, "2024-03-15T09:00:00Z"),
            ("order", "restrict", None, "2024-03-15T09:00:00Z"),
            ("profile", "erase", None, "2024-05-02T08:00:00Z"),
            ("correspondence", "erase", None, "2024-05-02T08:00:00Z"),
            ("call-log", "erase", None, "2024-05-02T08:00:00Z"),
            ("profile", "erase", None, "2024-05-20T08:00:00Z"),  # follow-up only: recall and liability go on
        },
    ),
}  # fmt: skip
