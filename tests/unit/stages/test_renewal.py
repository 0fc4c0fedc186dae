"""Another version governs a tag: what fired has fired, what no longer is planned is cancelled, the rest goes on."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from pipeline.adapters.memory_state import MemoryState
from pipeline.domain.calendar import zone
from pipeline.domain.vocabulary import Action
from pipeline.policy.ends import End
from pipeline.policy.policy_parts import Ending
from pipeline.policy.retention import AtOnce
from pipeline.stages.due_dates import Seen
from pipeline.stages.entries import Entry, ObligedTag, Planned, Support
from pipeline.stages.evaluate import Evaluation
from pipeline.stages.renewal import renew
from pipeline.stages.state import FactStore
from pipeline.stages.workspace import Workspace

T0 = datetime(2024, 1, 1, tzinfo=UTC)
TAG = ObligedTag(rule="letters", category="A", purpose="answer", fields=("email",), policy_version="1")


def _version(*actions: Action) -> Any:
    endings = tuple(Ending(action=action, retention=AtOnce()) for action in actions)
    return SimpleNamespace(rights={}, rules={"letters": SimpleNamespace(tags={("A", "answer"): endings})})


def _entry(tag: ObligedTag) -> Entry:
    support = Support(
        event_id="e", occurred_at=T0, refs=(), tags=(tag,), matter=None, policy_version=tag.policy_version
    )
    return Entry(obligation_id="record|e", kind="record", policy_version="1", generation=0, refs=(), supports=[support])


def _moved(entry: Entry, **change: Any) -> None:
    [support] = entry.supports
    entry.supports = [replace(support, tags=tuple(replace(tag, **change) for tag in support.tags))]


def _evaluation(**versions: Any) -> Evaluation:
    return Evaluation(lambda name: versions[f"v{name}"], FactStore(Workspace(MemoryState())))


def test_an_ending_that_the_other_version_has_too_keeps_its_revisions() -> None:
    evaluation = _evaluation(v1=_version(Action.RESTRICT, Action.ERASE), v2=_version(Action.ERASE))
    entry = _entry(TAG)
    renew(entry, evaluation)
    restrict, erase = entry.progress[0].endings
    restrict.due_at, erase.due_at, erase.revision = T0, T0, 3
    _moved(entry, policy_version="2")

    cancelled = renew(entry, evaluation)

    assert [(one.type, one.ending.action, one.due_at) for one in cancelled] == [
        ("expiry.cancelled", Action.RESTRICT, T0)
    ]
    assert entry.progress[0].endings == [erase]


def test_what_has_fired_stays_so_in_a_new_generation_and_the_rest_begins_anew() -> None:
    """A new generation has ids of its own: the old ones are cancelled (architecture 8.1)."""
    evaluation = _evaluation(
        v1=_version(Action.RESTRICT, Action.ERASE), v2=_version(Action.STOP_USE, Action.RESTRICT, Action.ERASE)
    )
    entry = _entry(TAG)
    renew(entry, evaluation)
    restrict, erase = entry.progress[0].endings
    restrict.due_at, restrict.fired, erase.due_at = T0, True, T0
    _moved(entry, policy_version="2", generation=1)

    cancelled = renew(entry, evaluation)

    assert [one.ending.action for one in cancelled] == [Action.ERASE]
    assert entry.progress[0].endings == [Planned(), restrict, Planned()]


def test_nothing_changes_where_the_version_is_the_same() -> None:
    evaluation = _evaluation(v1=_version(Action.ERASE))
    entry = _entry(TAG)
    renew(entry, evaluation)
    before = entry.progress[0].endings[0]

    assert renew(entry, evaluation) == []
    assert entry.progress[0].endings[0] is before


def _profile(**tags: tuple[Action, ...]) -> Any:
    endings = {
        ("A", purpose): tuple(Ending(action=action, retention=AtOnce()) for action in actions)
        for purpose, actions in tags.items()
    }
    return SimpleNamespace(rights={}, profiles={"customer": SimpleNamespace(tags=endings)}, tz=zone("Etc/UTC"))


def test_a_profile_is_seen_as_the_version_of_that_time_governed_it() -> None:
    """A version that came later says nothing of what was due before it."""
    evaluation = _evaluation(
        v1=_profile(answer=(Action.ERASE,)), v2=_profile(answer=(Action.RESTRICT, Action.ERASE), care=(Action.ERASE,))
    )
    entry = replace(_entry(TAG), profile="customer")
    seen = Seen(T0, entry, evaluation)
    answer = ObligedTag(rule="customer", category="A", purpose="answer", fields=(), policy_version="2")
    restrict, erase = (Ending(action=action, retention=AtOnce()) for action in (Action.RESTRICT, Action.ERASE))

    assert [end.due_at for end in seen.ends(answer, (restrict, erase))] == [None, T0]
    assert seen.ends(replace(answer, purpose="care"), (erase,)) == [End()]
