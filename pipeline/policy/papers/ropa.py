"""The record of processing activities, GDPR Art. 30(1), as the policy that is in force makes it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pipeline.domain.vocabulary import Form
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.describe import endings_in_words, in_words
from pipeline.policy.papers.activities import Activity, Kept, activities
from pipeline.policy.papers.markdown import bullets, listed, page, table
from pipeline.policy.policy_parts import Recipient
from pipeline.policy.wording import Wording, wording_of

MEASURES = (
    "Recipients get a closed list of fields, built up from the policy; nothing else of an event can reach them.",
    "Log and schedule know people, orders and cases as keyed hashes only.",
    "What the policy does not name is not kept; what cannot be read is sealed for the privacy officer.",
    "Every end of a storage period is emitted on its day, with the fields to erase, the rule and the clauses.",
)
"""Technical and organisational measures that the pipeline itself takes, Art. 30(1)(g)."""

OPERATORS: Mapping[str, str] = {
    "contact": "Contact details of the controller (a)",
    "representative": "Representative (a)",
    "data_protection_officer": "Data protection officer (a)",
    "transfers": "Transfers to third countries (e)",
    "security": "Further security measures (g)",
}
"""What the record needs and only the operator knows; it stands in an overlay under `record`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Who gets which fields for an activity, Art. 30(1)(d)."""

    recipient: str
    says: str
    recipient_class: str
    fields: tuple[str, ...]
    told_to_erase: str | None
    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimit:
    """The envisaged time limit of some categories in words, Art. 30(1)(f), and which elements of the policy set it."""

    categories: tuple[str, ...]
    until: str
    elements: tuple[str, ...]
    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityRecord:
    """One activity: its purpose, basis, people, data, recipients and time limits."""

    purpose: str
    says: str
    legal_basis: tuple[str, ...]
    data_subjects: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]
    recipients: tuple[Share, ...]
    time_limits: tuple[TimeLimit, ...]
    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingRecord:
    """The record of one version of one controller's policy; `operator` holds None where the operator has not said."""

    controller: str
    name: str
    version: str
    effective_from: str
    notice: str
    supervisory_authority: str | None
    operator: Mapping[str, str | None]
    measures: tuple[str, ...]
    activities: tuple[ActivityRecord, ...]
    open: tuple[str, ...]


def processing_record(policy: CompiledPolicy) -> ProcessingRecord:
    """Return the record of processing activities of one policy version, in English.

    Guarantees: one activity for each purpose; its time limits are said from the expressions that the machine runs.
    """
    say = wording_of(policy, "en")
    return ProcessingRecord(
        controller=policy.controller,
        name=policy.name,
        version=policy.version,
        effective_from=policy.effective_from.isoformat(),
        notice=policy.notice,
        supervisory_authority=policy.authority or None,
        operator={key: policy.record.get(key) for key in OPERATORS},
        measures=MEASURES,
        activities=tuple(_activity(policy, one, say) for one in activities(policy)),
        open=tuple(_open(policy)),
    )


def _activity(policy: CompiledPolicy, activity: Activity, say: Wording) -> ActivityRecord:
    purpose = activity.purpose
    return ActivityRecord(
        purpose=purpose.id,
        says=say.term("purposes", purpose.id),
        legal_basis=tuple(map(str, purpose.legal_basis)),
        data_subjects=tuple(map(str, purpose.data_subjects)),
        categories={name: policy.categories[name].fields for name in activity.categories},
        recipients=tuple(_share(one, say) for one in activity.recipients),
        time_limits=tuple(_time_limit(kept, say) for kept in activity.kept),
        clauses=activity.clauses,
    )


def _share(one: Recipient, say: Wording) -> Share:
    return Share(
        recipient=one.id,
        says=say.term("recipients", one.id),
        recipient_class=str(one.recipient_class),
        fields=one.fields,
        told_to_erase=in_words(one.erase_after, say) if one.erase_after else None,
        clauses=one.clauses,
    )


def _time_limit(kept: Kept, say: Wording) -> TimeLimit:
    return TimeLimit(
        categories=kept.categories,
        until=kept_in_words(kept, say),
        elements=kept.elements,
        clauses=kept.clauses,
    )


def kept_in_words(kept: Kept, say: Wording) -> str:
    """Return how long some categories are kept, or in which form they are no personal data any more."""
    if kept.form is not Form.PERSONAL:
        return say.say(kept.form)
    return say.say("profile") if kept.supported else endings_in_words(kept.endings, say)


def _open(policy: CompiledPolicy) -> Iterator[str]:
    for key, what in OPERATORS.items():
        if key not in policy.record:
            yield f"{what}: not given; set record.{key} in an overlay"
    yield from policy.notes


def record_markdown(record: ProcessingRecord) -> str:
    """Return a record as a page: who, one section for each activity, measures, and what is still open."""
    who = [
        ("Controller (a)", record.name),
        *((what, record.operator[key] or "open") for key, what in OPERATORS.items()),
        ("Supervisory authority", record.supervisory_authority or "none named in the notice"),
    ]
    return page(
        f"# Record of processing activities: {record.name}",
        f"GDPR Art. 30(1), letters in brackets. Made from policy `{record.controller}`, version {record.version}, in "
        f"force from {record.effective_from}.",
        table(("what", "says"), who),
        *(part for activity in record.activities for part in _section(activity)),
        "## Measures (g)",
        bullets(record.measures),
        "## Open: what the operator answers for",
        bullets(record.open),
    )


def _section(activity: ActivityRecord) -> Iterator[str]:
    yield f"## {activity.says[:1].upper()}{activity.says[1:]}"
    yield table(("what", "says"), [
        ("Purpose (b)", f"`{activity.purpose}`"),
        ("Legal basis", listed(activity.legal_basis)),
        ("Data subjects (c)", listed(activity.data_subjects)),
        ("Personal data (c)", "; ".join(f"{name}: {listed(fields)}" for name, fields in activity.categories.items())),
        ("Recipients (d)", "; ".join(_shared(one) for one in activity.recipients) or "nobody"),
        ("Clauses", listed(activity.clauses)),
    ])  # fmt: skip
    if activity.time_limits:
        yield table(
            ("categories", "time limit (f)", "set by"),
            [(listed(one.categories), one.until, listed(one.elements)) for one in activity.time_limits],
        )


def _shared(one: Share) -> str:
    erased = f", told to erase {one.told_to_erase}" if one.told_to_erase else ""
    return f"{one.says} ({one.recipient_class}): {listed(one.fields)}{erased}"
