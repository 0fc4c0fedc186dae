"""What the operator must still decide, or has decided where the notice is silent: one sentence each, with its place."""

from collections.abc import Iterator, Mapping

from pipeline.domain.vocabulary import LegalBasis, Stance
from pipeline.policy.policy_parts import Purpose
from pipeline.policy.reading import Reading


def open_questions(reading: Reading, purposes: Mapping[str, Purpose]) -> Iterator[str]:
    """Yield one sentence, with file and line, for each thing that the notice leaves to the operator."""
    for name, purpose in purposes.items():
        at = reading.source.at(("purposes", name))
        if purpose.legal_basis == (LegalBasis.UNSTATED,):
            yield f"{at}: the notice names no legal basis for {name}; decide it, then set legal_basis.{name}"
        elif len(purpose.legal_basis) > 1:
            bases = ", ".join(purpose.legal_basis)
            yield f"{at}: the notice names several legal bases for {name} ({bases}); decide which one applies when"
    for name, wanted in reading.shape.operator.items():
        given = reading.overlay.values.get(name)
        if given:
            yield f"{given.at}: {name} = {given.value} is the operator's value, not the notice's ({wanted.says})"
        else:
            yield f"{reading.source.at(('operator', name))}: {name} is not decided ({wanted.says})"
    for name, recipient in reading.shape.recipients.items():
        if recipient.stance is Stance.SILENT:
            granted = name in reading.overlay.grants
            says = "an overlay grants it" if granted else "nothing is shared unless an overlay grants it"
            yield f"{reading.source.at(('recipients', name))}: the notice is silent on {name}; {says}"
