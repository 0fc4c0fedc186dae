"""Give an entry one progress per tag, each under the policy version that governs it, and carry over what was planned.

The version at collection governs a record for its life (X15). A profile lives on: each of its purposes is governed by
the version of the newest support that knows it, while what fed it ends by the version it was collected under.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.policy_parts import Ending
from pipeline.stages import expiry_records as say
from pipeline.stages.entries import Entry, ObligedTag, Planned, Progress
from pipeline.stages.evaluate import Evaluation
from pipeline.stages.expiry_records import Said


def renew(entry: Entry, evaluation: Evaluation) -> list[Said]:
    """Give an entry the progress of its tags as they are now; return what was scheduled and no longer is."""
    cancelled: list[Said] = []
    known = {(p.tag.rule, p.tag.category, p.tag.purpose): p for p in entry.progress}
    fresh = []
    for tag in _tags(entry, evaluation.policy_of):
        endings = evaluation.endings(entry, tag)
        before = known.get((tag.rule, tag.category, tag.purpose))
        if before is None:
            fresh.append(Progress(tag=tag, endings=[Planned() for _ending in endings]))
        elif governs_alike(before.tag, tag):
            fresh.append(replace(before, tag=tag))
        else:
            was = evaluation.endings(entry, before.tag)
            cancelled += _dropped(entry, before, tag, was, endings)
            fresh.append(_carried(before, tag, was, endings))
    entry.progress = fresh
    return cancelled


def _tags(entry: Entry, policy_of: Callable[[str], CompiledPolicy]) -> tuple[ObligedTag, ...]:
    """Return the tags of an entry; a profile's tags are the profile's own, over all fields that feed it."""
    if entry.profile is None:
        return entry.supports[0].tags
    versions = dict.fromkeys(support.policy_version for support in reversed(entry.supports))
    governing: dict[tuple[str, str], str] = {}
    for version in versions:
        for pair in policy_of(version).profiles[entry.profile].tags:
            governing.setdefault(pair, version)
    return tuple(
        ObligedTag(
            rule=entry.profile,
            category=category,
            purpose=purpose,
            fields=_fed(entry, category),
            policy_version=version,
            generation=entry.retags,
        )
        for (category, purpose), version in governing.items()
    )


def governing_tag(entry: Entry, tag: ObligedTag, policy_of: Callable[[str], CompiledPolicy]) -> ObligedTag | None:
    """Return a tag as what supports an entry governs it; None if no support knows its purpose.

    Given an entry as it was known at an instant, this is the version that governed then: a support that comes later
    moves a profile to its own version from then on.
    """
    if entry.profile is None:
        return tag
    pair = (tag.category, tag.purpose)
    return next((one for one in _tags(entry, policy_of) if (one.category, one.purpose) == pair), None)


def governs_alike(before: ObligedTag, tag: ObligedTag) -> bool:
    """Tell whether one version governs a tag before and after, and it was not moved in between."""
    return (before.policy_version, before.generation) == (tag.policy_version, tag.generation)


def _carried(before: Progress, tag: ObligedTag, was: Sequence[Ending], endings: Sequence[Ending]) -> Progress:
    """Return the progress under another version: what fired has fired, what keeps its id keeps its revisions."""
    left = list(zip(was, before.endings, strict=True))
    planned = []
    for ending in endings:
        found = next((pair for pair in left if pair[0].action is ending.action and _kept(pair[1], before, tag)), None)
        if found:
            left.remove(found)
        planned.append(found[1] if found else Planned())
    return Progress(tag=tag, endings=planned, over=before.over)


def _kept(planned: Planned, before: Progress, tag: ObligedTag) -> bool:
    return planned.fired or before.tag.generation == tag.generation


def _dropped(
    entry: Entry, before: Progress, tag: ObligedTag, was: Sequence[Ending], endings: Sequence[Ending]
) -> Iterator[Said]:
    carried = _carried(before, tag, was, endings).endings
    for ending, planned in zip(was, before.endings, strict=True):
        if planned.due_at is not None and not planned.fired and not any(planned is kept for kept in carried):
            yield say.said("expiry.cancelled", entry, before.tag, ending, planned)


def _fed(entry: Entry, category: str) -> tuple[str, ...]:
    names = (name for s in entry.supports for tag in s.tags if tag.category == category for name in tag.fields)
    return tuple(dict.fromkeys(names))
