"""Policies and facts for stories: the shipped policies, a small one of our own, and what happened before an event."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from pipeline.adapters.avro.schemas import Schemas
from pipeline.adapters.yaml_files import load_policies, parse_yaml
from pipeline.domain.events import ATTRIBUTES, EventHead
from pipeline.domain.facts import Fact, FactLog, Ref
from pipeline.domain.records import Tag
from pipeline.domain.vocabulary import RefKind
from pipeline.policy.book import PolicyBook
from pipeline.policy.compile import compile_policies
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.decide import decide
from pipeline.policy.decision import Decision
from pipeline.policy.source_file import SourceFile

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "tests" / "policies"
CONTROLLERS = ("ak3d", "allcall", "artgraphics", "tek-zence", "viet-art-view")

_REFERRING = {
    "order_id": RefKind.ORDER, "case_id": RefKind.CASE, "account_id": RefKind.ACCOUNT, "clip_id": RefKind.CLIP,
    "hold_id": RefKind.HOLD,
}  # fmt: skip


@cache
def event_names() -> frozenset[str]:
    """Return every event name of the catalogue."""
    return frozenset(Schemas.load(ROOT / "schemas").catalogue.types)


@cache
def shipped_book() -> PolicyBook:
    return load_policies(ROOT / "policies", [ROOT / "overlays"], events=event_names())


def shipped(controller: str) -> CompiledPolicy:
    return shipped_book().versions[controller][0]


@cache
def acme_file(name: str) -> SourceFile:
    return parse_yaml(name, (EXAMPLES / name).read_text())


@cache
def acme() -> CompiledPolicy:
    """Return the small policy that uses each feature of the language."""
    document, values = acme_file("acme.yaml"), acme_file("acme-values.yaml")
    return compile_policies([document], [values], events=event_names()).versions["acme"][0]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def fact(kind: str, time: str, **data: str) -> Fact:
    """Return a fact of subject `s`; ids become references, other attributes stay attributes."""
    refs = [Ref(kind=RefKind.SUBJECT, digest="s")]
    refs += [Ref(kind=_REFERRING[name], digest=value) for name, value in data.items() if name in _REFERRING]
    attributes = tuple((name, value) for name, value in data.items() if name not in _REFERRING)
    return Fact(at=at(time), type=kind, event_id=f"{kind}-{time}", refs=tuple(refs), attributes=attributes)


@dataclass
class Story:
    """An event and what is known of it: the facts are filed under each reference that they carry.

    Attributes:
        head: The event that is asked about.
        happened: Everything that ever happened.
        refs: What the event refers to, by kind.
    """

    head: EventHead
    happened: list[Fact] = field(default_factory=list)
    refs: Mapping[RefKind, str] = field(default_factory=dict)

    def facts(self, kind: RefKind) -> FactLog:
        log = FactLog()
        wanted = Ref(kind=kind, digest=self.refs.get(kind, "nothing"))
        for one in self.happened:
            if wanted in one.refs and one.at <= self.head.occurred_at:
                log.add(one)
        return log


def event(kind: str, time: str = "2024-06-03T10:00:00+00:00", *history: Fact, **data: Any) -> Story:
    """Return an event as decisions see it: attributes by name, other data as present fields."""
    attributes = {name: value for name, value in data.items() if name in ATTRIBUTES}
    undeclared = data.pop("undeclared", ())
    head = EventHead(
        event_id="e-1",
        type=kind,
        occurred_at=at(time),
        controller="any",
        key="s",
        attributes=attributes,
        present=frozenset(name for name in data if name not in ATTRIBUTES),
        undeclared=tuple(undeclared),
    )
    refs = {_REFERRING[name]: str(value) for name, value in attributes.items() if name in _REFERRING}
    return Story(head, list(history), {RefKind.SUBJECT: "s", **refs})


def decided(policy: CompiledPolicy, story: Story) -> Decision:
    return decide(policy, story)


def _tags(tags: Iterable[Tag]) -> list[dict[str, Any]]:
    return [
        {
            "rule": tag.rule,
            "category": tag.category,
            "purpose": tag.purpose,
            "legal_basis": [str(basis) for basis in tag.legal_basis],
            "fields": list(tag.fields),
            "clauses": list(tag.clauses),
        }
        for tag in tags
    ]


def told(decision: Decision) -> dict[str, Any]:
    """Return a whole decision as plain data, as cases want it."""
    return {
        "outcome": str(decision.outcome),
        "tags": _tags(decision.tags),
        **({"nameless": _tags(decision.nameless)} if decision.nameless else {}),
        **({"counted": _tags(decision.counted)} if decision.counted else {}),
        "keep": None if decision.keep is None else sorted(decision.keep),
        "grants": {grant.recipient.id: list(grant.fields) for grant in decision.grants},
        "inbox": decision.inbox,
        "profiles": list(decision.profiles),
        "reports": [
            {"code": report.code, "fields": list(report.fields), "rule": report.rule, "clauses": list(report.clauses)}
            for report in decision.reports
        ],
        "is_fact": decision.is_fact,
    }


def yaml_of(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text())
