"""What happens around a sale at each controller: the events that its systems send, as its notice foresees them."""

from collections.abc import Callable, Mapping

from pipeline.demo.scene import Event, Events, Scene


def allcall(scene: Scene) -> Events:
    """A Swedish shop: bookkeeping, mail sorted by matter, a newsletter, cameras in the shop."""
    if scene.invoice.cancelled:
        yield scene.tell("refund.issued", {"context": "store", "order_id": scene.order, "payment": scene.payment()})
        return
    web = scene.person is not None and not scene.one_in(3, "in the shop")
    yield scene.tell(
        "purchase.completed",
        {
            "context": "web" if web else "store",
            "initiated_by": "customer",
            "order_id": scene.order,
            **scene.contact("name", "address", "national_id", "phone", "email"),
            "payment": scene.payment(),
            "purchase_history": scene.lines(),
            **({"browser": "Browser of a demo 1.0", **scene.contact("ip")} if web else {}),
        },
    )
    if not web:
        yield from _camera(scene)
    if scene.person:
        yield from _allcall_mail(scene)
        if scene.first:
            yield from _allcall_customer(scene)


def _camera(scene: Scene) -> Events:
    clip = {"context": "store", "site": "shop-floor", "clip_id": scene.clip}
    material = {"file": f"camera-1/{scene.clip}.mp4", "seconds": 40}
    yield scene.tell(
        "cctv.ingested",
        {**clip, "collected_from": "premises_camera", "cctv_clip": material},
        minutes=1,
        key=scene.clip,
    )
    if scene.one_in(3, "incident"):
        hold = {"hold_id": f"HOLD-{scene.clip}", "clip_id": scene.clip, "reason": "investigation"}
        yield scene.tell("hold.opened", hold, days=9, key=scene.clip)
        yield scene.tell("hold.closed", hold, days=120, key=scene.clip)


def _allcall_mail(scene: Scene) -> Events:
    mail = {"context": "email", "channel": "email", "initiated_by": "customer", **scene.contact("name", "email")}
    order = {**mail, "direction": "out", "matter": "contract", "order_id": scene.order}
    yield scene.tell("contact.email", {**order, "email_message": scene.mail("Your order")}, minutes=2)
    if scene.first and scene.one_in(3, "question"):
        question = {**mail, "direction": "in", "matter": "other", "email_message": scene.mail("A question")}
        yield scene.tell("contact.email", question, days=5)
    if scene.first and scene.one_in(4, "complaint"):
        case = {"case_id": scene.case, "matter": "complaint"}
        yield scene.tell("case.opened", {**case, "order_id": scene.order}, days=20)
        complaint = {**mail, **case, "direction": "in", "email_message": scene.mail("Broken")}
        yield scene.tell("contact.email", complaint, days=20, minutes=150)
        yield scene.tell("case.closed", {"case_id": scene.case}, days=70)


def _allcall_customer(scene: Scene) -> Events:
    if scene.one_in(2, "newsletter"):
        choice = {"mailing": "newsletter", "channel": "email"}
        yield scene.tell("opt_in", {**choice, **scene.contact("name", "email")}, minutes=10)
        opened = {"context": "mailing", "mailing": "newsletter", "newsletter_opened": "Spring letter of the shop"}
        yield scene.tell("newsletter.opened", opened, days=100)
        yield scene.tell("opt_out", choice, days=400)
        yield scene.tell("newsletter.opened", {**opened, "newsletter_opened": "Late letter of the shop"}, days=410)
    if scene.one_in(6, "erasure"):
        yield scene.tell("erasure.requested", {"channel": "letter", "signed": True, "in_writing": True}, days=500)


def tek_zence(scene: Scene) -> Events:
    """A Norwegian shop: liability and a profile for five years, deliveries and installations by partners."""
    fields = {"order_number": scene.order, "order_lines": scene.lines(), "amounts": scene.amounts()}
    if scene.invoice.cancelled:
        yield scene.tell("refund.issued", {"order_id": scene.order, **scene.contact("name", "email"), **fields})
        return
    yield scene.tell(
        "purchase.completed",
        {
            "context": "web" if scene.person else "store",
            "order_id": scene.order,
            **scene.contact("name", "address", "phone", "email"),
            **fields,
            "purchase_history": scene.lines(),
            "receipt": f"Receipt for {scene.order}",
        },
    )
    if scene.person:
        yield from _service(scene, "delivery", days=4)
        if scene.one_in(3, "installation"):
            yield from _service(scene, "installation", days=9)
        if scene.first:
            yield from _tek_zence_contact(scene)


def _service(scene: Scene, kind: str, *, days: int, fields: tuple[str, ...] = ("name", "address", "phone")) -> Events:
    """Order a service of a partner and let it be done."""
    notes = {"access_notes": f"Ring at the {scene.invoice.number} gate"} if scene.one_in(2, "notes") else {}
    data = {"order_id": scene.order, **scene.contact(*fields, "email"), **notes}
    if scene.person and scene.one_in(11, "old system"):
        # an address in one line breaks the contract: it cannot be read, so it must not be guessed at
        data["address"] = ", ".join(scene.person.address.values())
    yield scene.tell(f"{kind}.ordered", data, minutes=30 + days)
    yield scene.tell(f"{kind}.completed", {"order_id": scene.order}, days=days)


def _tek_zence_contact(scene: Scene) -> Events:
    call = {"channel": "phone", "direction": "in", "initiated_by": "customer"}
    if scene.one_in(3, "call"):
        rang = {"called_at": f"about {scene.order}", "number": scene.person and scene.person.phone}
        yield scene.tell("contact.phone", {**call, "needs_follow_up": False, **rang}, days=12)
    if scene.one_in(5, "complaint"):
        case = {"case_id": scene.case, "matter": "complaint"}
        yield scene.tell("case.opened", {**case, "order_id": scene.order}, days=300)
        mail = {**case, "channel": "email", "needs_follow_up": True, "email_message": scene.mail("Warranty")}
        yield scene.tell("contact.email", mail, days=300, minutes=150)
        yield scene.tell("case.closed", {"case_id": scene.case}, days=345)
    if scene.one_in(6, "erasure"):
        yield scene.tell("erasure.requested", {"channel": "email"}, days=730)


def viet_art_view(scene: Scene) -> Events:
    """A Vietnamese gallery: kept while the service lasts, destroyed on request, deliveries with just three fields."""
    if scene.person is None:
        return  # the gallery sells on written request only: it always knows who
    contact = scene.contact("name", "phone", "address", "email")
    if scene.invoice.cancelled:
        back = {"case_id": scene.case, "order_id": scene.order, "email_message": scene.mail("Return")}
        yield scene.tell("case.opened", {"case_id": scene.case, "matter": "return", "order_id": scene.order})
        yield scene.tell("return.requested", {**contact, **back}, minutes=5)
        yield scene.tell("case.closed", {"case_id": scene.case}, days=30)
        return
    mail = {"channel": "email", "direction": "in", "initiated_by": "customer", "email_message": scene.mail("Request")}
    if scene.first:
        yield scene.tell("contact.email", {**contact, **mail}, minutes=-90)
    yield scene.tell(
        "purchase.completed",
        {
            "context": "web",
            "order_id": scene.order,
            **contact,
            "order_number": scene.order,
            "order_lines": scene.lines(),
            "amounts": scene.amounts(),
            "payment": scene.payment(),
        },
    )
    known = ("name", "address") if scene.one_in(9, "no phone") else ("name", "address", "phone")
    yield from _service(scene, "delivery", days=6, fields=known)
    if scene.first:
        yield from _viet_customer(scene)


def _viet_customer(scene: Scene) -> Events:
    if scene.one_in(3, "account"):
        account = {"account_id": scene.account}
        yield scene.tell("account.opened", {**account, **scene.contact("name", "email")}, minutes=-60)
        yield scene.tell("account.closed", account, days=900)
    if scene.one_in(5, "erasure"):
        yield scene.tell("erasure.requested", {"channel": "email"}, days=365)


def artgraphics(scene: Scene) -> Events:
    """A customer service: cases over four channels, listening and recording under conditions, nothing shared."""
    if scene.person is None:
        # the notice does not speak of purchases: what a till sends by mistake must not get through
        yield scene.tell("purchase.completed", {"order_id": scene.order, "payment": scene.payment()})
        return
    case = {"case_id": scene.case, "matter": "claim" if scene.invoice.cancelled else "question"}
    record = {"topic": f"About {scene.order}", "timestamps": "opened in December"}
    yield scene.tell("case.opened", {**case, **record}, days=1)
    yield _art_contact(scene, case)
    money = {"payment": scene.payment(), "order_lines": scene.lines()}
    yield scene.tell("transaction.accessed", {**case, **money}, days=1, minutes=200)
    yield from _art_calls(scene, case)
    closed = {"case_id": scene.case, "resolution": f"Settled {scene.order}"}
    yield scene.tell("case.closed", closed, days=25)
    if scene.one_in(4, "reopened"):
        yield scene.tell("case.reopened", {"case_id": scene.case}, days=200)
        yield scene.tell("case.closed", closed, days=230)


def _art_contact(scene: Scene, case: Mapping[str, object]) -> Event:
    told = f"Please look into {scene.order} for me"
    channels: tuple[tuple[str, dict[str, object]], ...] = (
        ("email", {"message": told, **scene.contact("name", "email", "date_of_birth")}),
        ("chat", {"chat_transcript": [told, "We do"], **scene.contact("name", "email")}),
        ("phone", {"message": told, **scene.contact("name", "phone")}),
        ("social", {"message": told, "social_handle": f"@{scene.key}", **scene.contact("name")}),
    )
    channel, data = next(
        (found for n, found in enumerate(channels[:3], start=2) if scene.one_in(n, found[0])), channels[-1]
    )
    attributes = {"channel": channel, "direction": "in", "initiated_by": "customer"}
    return scene.tell(f"contact.{channel}", {**case, **attributes, **data}, days=1, minutes=150)


def _art_calls(scene: Scene, case: Mapping[str, object]) -> Events:
    if scene.one_in(4, "call"):
        if scene.one_in(2, "agreed"):
            yield scene.tell("consent.given", {"purpose": "recording"}, days=2)
        audio = {"call_audio": f"recordings/{scene.case}.ogg"}
        yield scene.tell("call.recorded", {**case, **audio}, days=3)
        purpose = "training" if scene.one_in(3, "training") else "sales"
        yield scene.tell("call.monitored", {**case, "purpose": purpose}, days=3, minutes=150)
    if scene.one_in(7, "debt"):
        debt = {"case_id": scene.case, "reason": "outstanding-refund"}
        yield scene.tell("obligation.opened", debt, days=10)
        yield scene.tell("obligation.settled", debt, days=600)


def ak3d(scene: Scene) -> Events:
    """A British studio: accounts, purchases kept for the law, marketing until somebody objects."""
    account = {"account_id": scene.account}
    origin = {"collected_from": "data_subject"}
    if scene.person and scene.first:
        details = {"account_info": f"Account {scene.account}", "security_data": f"Second factor of {scene.account}"}
        opened = {**account, **origin, **scene.contact("name", "email", "phone"), **details}
        yield scene.tell("account.opened", opened, minutes=-45)
        yield from _ak3d_customer(scene)
    kind = "refund.issued" if scene.invoice.cancelled else "purchase.completed"
    yield scene.tell(
        kind,
        {
            "context": "web",
            **origin,
            **(account if scene.person else {}),
            "order_id": scene.order,
            **scene.contact("name", "email", "phone", "address"),
            "purchase_history": scene.lines(),
            "payment": scene.payment(),
            "financial_transaction": scene.amounts(),
        },
    )


def _ak3d_customer(scene: Scene) -> Events:
    origin = {"collected_from": "data_subject"}
    if scene.one_in(2, "visit"):
        seen = {"journey": f"Looked around after {scene.order}", **scene.contact("ip")}
        yield scene.tell("web.visited", {**origin, **seen, "account_id": scene.account}, days=1)
        likes = {"marketing_preferences": f"Wants offers like {scene.order}", **scene.contact("name", "email")}
        yield scene.tell("preferences.set", {**origin, **likes}, minutes=15)
        yield scene.tell("objection.raised", {"purpose": "updates-marketing", "channel": "email"}, days=250)
    if scene.one_in(3, "loyalty"):
        yield scene.tell(
            "loyalty.updated",
            {**origin, "account_id": scene.account, "loyalty_data": f"Bronze card {scene.order}"},
            days=2,
        )
    if scene.one_in(5, "complaint"):
        yield scene.tell("case.opened", {"case_id": scene.case, "matter": "complaint"}, days=700)
        lodged = {**origin, "case_id": scene.case, **scene.contact("name", "email")}
        yield scene.tell("complaint.lodged", lodged, days=700, minutes=150)
        yield scene.tell("case.closed", {"case_id": scene.case}, days=1000)
    yield scene.tell("account.closed", {"account_id": scene.account}, days=800)


PLOTS: Mapping[str, Callable[[Scene], Events]] = {
    "ak3d": ak3d,
    "allcall": allcall,
    "artgraphics": artgraphics,
    "tek-zence": tek_zence,
    "viet-art-view": viet_art_view,
}
"""How each controller's story goes."""
