"""Lists of a document: whom an event on the control topic lists."""

from collections.abc import Mapping

from pipeline.policy.document import ListShape
from pipeline.policy.policy_parts import Profile, Rule, SubjectList
from pipeline.policy.profiles import lifetime
from pipeline.policy.reading import Reading
from pipeline.policy.source_file import Where

_NAMES = ("-frame", "-list")


def read_list(
    reading: Reading, name: str, shape: ListShape, profiles: Mapping[str, Profile], rules: Mapping[str, Rule]
) -> SubjectList | None:
    """Return a list of the document, or None if nothing says who is on it."""
    where: Where = ("lists", name)
    reading.check_events((*shape.events, *shape.bought_on), where)
    if not name.endswith(_NAMES):
        reading.wrong(where, "a list gives its topic the name; let it end in -list or -frame")
    if shape.bought_on and shape.profile is None:
        reading.wrong((*where, "bought_on"), "name the profile with which it is forgotten what somebody bought")
    reading.check_personal(reading.known((shape.purpose,), reading.shape.purposes, "purpose", where), where)
    parts = ((f"profile_exists({shape.profile})", shape.profile), (f"({shape.when})", shape.when))
    condition = reading.condition(" and ".join(text for text, given in parts if given) or None, where)
    if shape.when is None and shape.profile is None:
        reading.wrong(where, "say who is listed: when, a profile, or both")
    if condition is None:
        return None
    profile = profiles.get(shape.profile or "")
    return SubjectList(
        id=name,
        events=shape.events,
        condition=condition.holds,
        profile_ends=lifetime(profile, rules, reading.tz) if profile else None,
        bought_on=shape.bought_on,
        sample=shape.sample,
        purpose=shape.purpose,
        clauses=shape.clauses,
        rule=f"lists.{name}",
    )
