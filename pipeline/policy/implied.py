"""What objections and withdrawals end: not listed by hand, but derived from the legal bases of the purposes.

An objection ends what rests on legitimate interest alone (GDPR Art. 21(1)), a withdrawn consent what rests on consent
alone (Art. 7(3)): a purpose with another basis beside goes on.
"""

from collections.abc import Iterable, Iterator

from pipeline.domain.vocabulary import LegalBasis, Right
from pipeline.policy.document import ExceptionShape, RightShape
from pipeline.policy.reading import Reading
from pipeline.policy.retention import FactPattern
from pipeline.policy.rights import EVENTS
from pipeline.policy.source_file import Where
from pipeline.policy.triggers import Scope, Trigger, read_scope, read_state

_ENDED_BY = {Right.OBJECTION: LegalBasis.LEGITIMATE_INTEREST, Right.CONSENT_WITHDRAWAL: LegalBasis.CONSENT}
"""The right that ends what rests on one legal basis alone."""


def implied_triggers(reading: Reading) -> Iterator[Trigger]:
    """Yield what the rights of a document end, after noting what is wrong with their exceptions."""
    for right, shape in reading.shape.rights.items():
        where: Where = ("rights", str(right), "exceptions")
        if shape.exceptions and right not in _ENDED_BY:
            reading.wrong(where, f"only {' and '.join(_ENDED_BY)} have exceptions; write a trigger for {right}")
        elif right in _ENDED_BY:
            exceptions = [_read(reading, one, (*where, index)) for index, one in enumerate(shape.exceptions)]
            for purpose in _resting_on(reading, _ENDED_BY[right]):
                yield from _of_purpose(reading, right, shape, purpose, exceptions)


def _read(reading: Reading, shape: ExceptionShape, where: Where) -> tuple[ExceptionShape, Scope, Where]:
    if shape.stays == (shape.defer_while is not None):
        reading.wrong(where, "an exception has stays: true, or defer_while, one of the two")
    return shape, read_scope(reading, shape, where), where


def _resting_on(reading: Reading, basis: LegalBasis) -> Iterator[str]:
    for name, purpose in reading.shape.purposes.items():
        if set(reading.overlay.legal_basis.get(name, purpose.legal_basis)) == {basis}:
            yield name


def _of_purpose(
    reading: Reading,
    right: Right,
    shape: RightShape,
    purpose: str,
    exceptions: Iterable[tuple[ExceptionShape, Scope, Where]],
) -> Iterator[Trigger]:
    """Yield what ends the tags of one purpose: each exception for its own tags, then the right for all others."""
    names = (purpose, *reading.shape.purposes[purpose].also_called)
    event = FactPattern(types=(EVENTS[right],), where=tuple(("purpose", name) for name in names))
    whole = Scope(purposes=frozenset({purpose}))
    spared: tuple[Scope, ...] = ()
    for exception, scope, where in exceptions:
        if not exception.stays:
            yield Trigger(
                id=f"rights.{right}.{purpose}", event=event, scopes=(whole, scope), spares=spared, effect="end",
                defer_while=read_state(reading, exception.defer_while, (*where, "defer_while")),
                clauses=tuple(dict.fromkeys((*shape.clauses, *exception.clauses))),
            )  # fmt: skip
        spared = (*spared, scope)
    yield Trigger(
        id=f"rights.{right}.{purpose}", event=event, scopes=(whole,), spares=spared, effect="end", clauses=shape.clauses
    )
