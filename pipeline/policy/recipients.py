"""Recipients of a document: closed whitelists, checked against what the notice keeps to itself."""

from pipeline.domain.vocabulary import Stance
from pipeline.policy.document import RecipientShape
from pipeline.policy.operator import CARRIER_FIELDS
from pipeline.policy.policy_parts import Recipient
from pipeline.policy.reading import Reading
from pipeline.policy.source_file import Where

_EXACTLY = f"a carrier gets exactly {', '.join(CARRIER_FIELDS)}"


def read_recipient(reading: Reading, name: str, shape: RecipientShape) -> Recipient:
    """Return a recipient of the document; what an overlay grants is checked and in it."""
    where: Where = ("recipients", name)
    reading.check_events(shape.events, (*where, "events"))
    condition = reading.condition(shape.when, (*where, "when"))
    if shape.stance is not Stance.FORBIDDEN:
        _check_sharing(reading, shape, where)
    erase_after = None
    if shape.erase_after is not None:
        erase_after, _clauses = reading.retention(shape.erase_after, (*where, "erase_after"))
    fields = _shared_fields(reading, name, shape, where)
    return Recipient(
        id=name,
        carrier=shape.carrier,
        stance=shape.stance,
        granted=_granted(reading, name, shape),
        recipient_class=shape.recipient_class,
        fields=fields,
        exact=shape.exact or shape.carrier,
        events=shape.events,
        condition=condition.holds if condition else None,
        needs_state=bool(condition and condition.needs_state),
        erase_after=erase_after,
        purpose=shape.purpose or "",
        clauses=shape.clauses,
        rule=f"recipients.{name}",
    )


def _check_sharing(reading: Reading, shape: RecipientShape, where: Where) -> None:
    if not shape.events:
        reading.wrong(where, "a recipient needs events, on which it gets its share")
    if shape.purpose is None:
        reading.wrong(where, "a recipient needs a purpose, for which it gets its share")
    else:
        for name in reading.known((shape.purpose,), reading.shape.purposes, "purpose", (*where, "purpose")):
            reading.check_personal((name,), (*where, "purpose"))
            if reading.shape.purposes[name].never_shared:
                clauses = ", ".join(reading.shape.purposes[name].clauses)
                reading.wrong(
                    (*where, "purpose"), f"the notice never shares for {name} ({clauses}); remove the recipient"
                )
    if bool(shape.fields) == bool(shape.categories):
        reading.wrong(where, "a recipient has fields, or categories, one of the two")
    if shape.carrier and not set(shape.fields) <= set(CARRIER_FIELDS):
        reading.wrong((*where, "fields"), f"a carrier may get {', '.join(CARRIER_FIELDS)} at most; remove the rest")
    elif shape.carrier and (missing := [field for field in CARRIER_FIELDS if field not in shape.fields]):
        reading.wrong(
            (*where, "fields"), f"a carrier gets exactly {', '.join(CARRIER_FIELDS)}; add {', '.join(missing)}"
        )


def _shared_fields(reading: Reading, name: str, shape: RecipientShape, where: Where) -> tuple[str, ...]:
    categories = reading.categories(shape.categories, (*where, "categories"))
    known = {field for category in reading.shape.categories.values() for field in category.fields}
    for stranger in [field for field in shape.fields if field not in known]:
        reading.wrong((*where, "fields"), f"{stranger} is in no category; add it to one or remove it")
    listed = (field for category in categories for field in reading.shape.categories[category].fields)
    fields = tuple(dict.fromkeys((*shape.fields, *listed)))
    for category, item in reading.shape.categories.items():
        secret = [field for field in fields if item.confidential and field in item.fields]
        if secret:
            clauses = ", ".join(item.clauses)
            reading.wrong(
                where, f"{', '.join(secret)} of {category} never leaves the controller ({clauses}); remove it"
            )
    granted = name in reading.overlay.grants and shape.stance is Stance.SILENT
    return reading.overlay.grants[name].grant if granted else fields


def _granted(reading: Reading, name: str, shape: RecipientShape) -> bool:
    agreed = shape.requires is None or reading.expressions().value(
        shape.requires, ("recipients", name, "requires")
    ) is True  # fmt: skip
    return agreed and (
        shape.stance is Stance.ALLOW or (shape.stance is Stance.SILENT and name in reading.overlay.grants)
    )
