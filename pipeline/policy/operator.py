"""What the operator decides: overlays, merged key by key, each value checked against what the notice leaves open."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfoNotFoundError

from pipeline.domain.calendar import Period, zone
from pipeline.domain.vocabulary import LegalBasis, Stance
from pipeline.policy.document import OperatorShape, PolicyShape
from pipeline.policy.overlay_document import GrantShape, OverlayShape
from pipeline.policy.shape import read
from pipeline.policy.source_file import Problems, SourceFile

CARRIER_FIELDS = ("name", "address", "phone")
"""What a delivery partner may get at most, under any policy."""

UNUSABLE = object()
"""Stands for a value that is missing or wrong and was told as such, so that nothing is told twice."""


@dataclass(frozen=True, slots=True)
class Given:
    """A value and where it was given."""

    value: object
    at: str


@dataclass(slots=True)
class Overlay:
    """All overlays of one version of a controller's policy, merged: later files win key by key."""

    values: dict[str, Given] = field(default_factory=dict)
    legal_basis: dict[str, tuple[LegalBasis, ...]] = field(default_factory=dict)
    grants: dict[str, GrantShape] = field(default_factory=dict)
    record: dict[str, str] = field(default_factory=dict)
    holidays: frozenset[date] | None = None
    """Days on which nobody answers; None leaves deadlines to answer where they fall."""
    sinks: tuple[str, ...] = ()
    """Systems that keep the data, each of which is told what to export."""
    parts: list[tuple[SourceFile, OverlayShape]] = field(default_factory=list)

    def content(self) -> Mapping[str, object]:
        """Return what the overlay decides, as an overlay file says it; names for the record decide nothing."""
        days = None if self.holidays is None else sorted(day.isoformat() for day in self.holidays)
        return {
            "operator": {name: given.value for name, given in self.values.items()},
            "legal_basis": {name: list(bases) for name, bases in self.legal_basis.items()},
            "recipients": {name: grant.model_dump(mode="json") for name, grant in self.grants.items()},
            "sinks": list(self.sinks),
            "answer_calendar": None if days is None else {"holidays": days},
        }


Part = tuple[SourceFile, OverlayShape]
"""One overlay file with its shape."""


def read_overlays(files: Iterable[SourceFile], problems: Problems) -> list[Part]:
    """Return the overlay files that can be read, in their order."""
    return [(source, shape) for source in files if (shape := read(OverlayShape, source, problems))]


def merge(parts: Iterable[Part], controller: str, version: str) -> Overlay:
    """Return what the operator decides for one version of a controller's policy.

    A file that names no version is for all of them; one that names a version goes before it, whatever their order.
    """
    concerned = [part for part in parts if part[1].controller == controller and part[1].version in (None, version)]
    overlay = Overlay()
    for source, shape in sorted(concerned, key=lambda part: part[1].version is not None):
        overlay.parts.append((source, shape))
        for name, value in shape.operator.items():
            overlay.values[name] = Given(value, source.at(("operator", name)))
        overlay.legal_basis |= shape.legal_basis
        overlay.grants |= shape.recipients
        overlay.record |= shape.record.model_dump(exclude_none=True)
        overlay.sinks = shape.sinks or overlay.sinks
        if shape.answer_calendar is not None:
            overlay.holidays = frozenset(shape.answer_calendar.holidays)
    return overlay


def check(policy: PolicyShape, source: SourceFile, overlay: Overlay, problems: Problems) -> dict[str, object]:
    """Return the operator's value for each key that the policy leaves open, after noting all that is out of bounds."""
    for file, shape in overlay.parts:
        _check_keys(policy, source, file, shape, problems)
        _check_bases(policy, file, shape, problems)
        _check_grants(policy, file, shape, problems)
    for name, wanted in policy.operator.items():
        if wanted.required and name not in overlay.values:
            problems.add(
                source,
                ("operator", name),
                f"the operator has not decided {name} ({wanted.says}); set operator.{name} in an overlay",
            )
    return {name: _usable(wanted, overlay.values.get(name)) for name, wanted in policy.operator.items()}


def _usable(wanted: OperatorShape, given: Given | None) -> object:
    if given is None:
        return UNUSABLE if wanted.required else None
    return UNUSABLE if _TYPES[wanted.type](given.value) else given.value


def _check_keys(
    policy: PolicyShape, source: SourceFile, file: SourceFile, shape: OverlayShape, problems: Problems
) -> None:
    for name, value in shape.operator.items():
        if name not in policy.operator:
            known = ", ".join(policy.operator) or "nothing"
            problems.add(
                file, ("operator", name), f"{source.name} does not leave {name} to the operator; it leaves {known}"
            )
            continue
        says = _TYPES[policy.operator[name].type](value)
        if says:
            problems.add(file, ("operator", name), f"{name} {says}")


def _check_bases(policy: PolicyShape, file: SourceFile, shape: OverlayShape, problems: Problems) -> None:
    for name in shape.legal_basis:
        where = ("legal_basis", name)
        if name not in policy.purposes:
            problems.add(file, where, f"there is no purpose {name}; there are {', '.join(policy.purposes)}")
        elif policy.purposes[name].legal_basis != (LegalBasis.UNSTATED,):
            problems.add(file, where, f"the notice names the legal basis of {name} itself; remove it from the overlay")


def _check_grants(policy: PolicyShape, file: SourceFile, shape: OverlayShape, problems: Problems) -> None:
    for name, grant in shape.recipients.items():
        where = ("recipients", name)
        recipient = policy.recipients.get(name)
        if recipient is None:
            known = ", ".join(policy.recipients) or "none"
            problems.add(file, where, f"there is no recipient {name} in the policy; there are {known}")
        elif recipient.stance is Stance.FORBIDDEN:
            clauses = ", ".join(recipient.clauses)
            problems.add(file, where, f"the notice forbids sharing with {name} ({clauses}); no overlay may grant it")
        elif recipient.stance is Stance.ALLOW:
            problems.add(file, where, f"the notice already allows {name}; remove the grant")
        else:
            allowed = CARRIER_FIELDS if recipient.carrier else recipient.fields
            beyond = [name for name in grant.grant if name not in allowed]
            if beyond:
                problems.add(
                    file, (*where, "grant"), f"{', '.join(beyond)} cannot be granted; at most {', '.join(allowed)} can"
                )
            elif recipient.carrier and len(set(grant.grant)) < len(CARRIER_FIELDS):
                says = f"a carrier gets exactly {', '.join(CARRIER_FIELDS)}; grant all of them or nothing"
                problems.add(file, (*where, "grant"), says)


def _month(value: object) -> str | None:
    return None if type(value) is int and 1 <= value <= 12 else "must be a month, 1 to 12"


def _years(value: object) -> str | None:
    return None if type(value) is int and 1 <= value <= 100 else "must be a number of years, 1 to 100"


def _period(value: object) -> str | None:
    try:
        Period.parse(str(value))
    except ValueError:
        return "must be an ISO 8601 period such as P1M or P2Y"
    return None


def _zone(value: object) -> str | None:
    try:
        zone(str(value))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "must be an IANA time zone such as Europe/Oslo"
    return None


def _yes_no(value: object) -> str | None:
    return None if isinstance(value, bool) else "must be true or false"


_TYPES: Mapping[str, Callable[[object], str | None]] = {
    "month": _month,
    "years": _years,
    "period": _period,
    "zone": _zone,
    "yes-no": _yes_no,
}
