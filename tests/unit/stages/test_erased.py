"""What is known of somebody after an erasure."""

from datetime import UTC, datetime, timedelta

from pipeline.adapters.memory_state import MemoryState
from pipeline.domain.facts import Fact, Ref
from pipeline.domain.vocabulary import RefKind
from pipeline.policy.retention import State
from pipeline.stages.erased import let_go
from pipeline.stages.state import FactStore
from pipeline.stages.workspace import Workspace

T0 = datetime(2024, 1, 1, tzinfo=UTC)
SUBJECT = Ref(kind=RefKind.SUBJECT, digest="s")
ORDER = Ref(kind=RefKind.ORDER, digest="o")
ACCOUNT = State(name="account-open", opens=("account.opened",), closes=("account.closed",))


def known_after(*types: str) -> list[str]:
    """Return the types of what a subject's log holds after these things happened, a day apart."""
    facts = FactStore(Workspace(MemoryState()))
    for day, name in enumerate(types):
        facts.add(Fact(at=T0 + timedelta(days=day), type=name, event_id=str(day), refs=(SUBJECT, ORDER)))
    let_go(facts, SUBJECT, [ACCOUNT])
    assert len(facts.log(ORDER).facts) == len(types)
    return [fact.type for fact in facts.log(SUBJECT).facts]


def test_an_erasure_leaves_choices_holds_and_what_is_open() -> None:
    assert known_after("purchase.completed", "opt_out", "hold.opened", "account.opened", "erasure.requested") == [
        "opt_out", "hold.opened", "account.opened", "erasure.requested",
    ]  # fmt: skip


def test_what_was_closed_before_an_erasure_is_not_known_after_it() -> None:
    assert known_after("account.opened", "account.closed", "erasure.requested") == ["erasure.requested"]


def test_what_happens_after_an_erasure_is_known() -> None:
    after = ["erasure.requested", "purchase.completed"]

    assert known_after("purchase.completed", *after) == after


def test_nothing_is_let_go_without_an_erasure_or_twice() -> None:
    assert known_after("purchase.completed") == ["purchase.completed"]
    assert known_after("opt_out", "erasure.requested") == ["opt_out", "erasure.requested"]
