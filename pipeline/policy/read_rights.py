"""The rights of a document."""

from pipeline.domain.calendar import Period
from pipeline.domain.events import ATTRIBUTES
from pipeline.domain.vocabulary import Right
from pipeline.policy.document import FeeShape, RightShape
from pipeline.policy.reading import Reading
from pipeline.policy.rights import RightRule
from pipeline.policy.source_file import Where


def read_right(reading: Reading, right: Right, shape: RightShape) -> RightRule:
    """Return a right of the document, with the operator's calendar for deadlines."""
    where: Where = ("rights", str(right))
    if bool(shape.needs) != bool(shape.until_then):
        reading.wrong(where, "needs goes with until_then, the outcome of a request that lacks something")
    if shape.defers_deletion_for and right is not Right.RESTRICTION:
        reading.wrong((*where, "defers_deletion_for"), "only a restriction defers deletion")
    return RightRule(
        right=right,
        answer_within=_period(reading, shape.answer_within, (*where, "answer_within")),
        holidays=reading.overlay.holidays,
        fee=shape.fee is not None,
        free_per_year=shape.fee.free if isinstance(shape.fee, FeeShape) else None,
        needs=reading.known(shape.needs, dict.fromkeys(ATTRIBUTES), "attribute", (*where, "needs")),
        defers_deletion_for=shape.defers_deletion_for,
        until_then=shape.until_then or "",
        clauses=shape.clauses,
    )


def _period(reading: Reading, written: str | None, where: Where) -> Period | None:
    if written is None:
        return None
    try:
        return Period.parse(written)
    except ValueError as error:
        reading.wrong(where, str(error))
        return None
