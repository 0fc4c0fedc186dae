"""What may come into force: the same answer in every worker, whenever it asks."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from pipeline.adapters.yaml_files import parse_yaml
from pipeline.policy.book import PolicyBook
from pipeline.policy.compile import compile_policies
from pipeline.policy.compiled import CompiledPolicy
from pipeline.policy.publication import (
    NOTICE,
    STALE,
    Judged,
    Publication,
    Verdict,
    disagreements,
    judge,
    plan_publication,
    publication_of,
)
from pipeline.policy.source_file import SourceFile
from pipeline.stages.tag import TagSettings
from tests.unit.policy.policy_stories import EXAMPLES, acme, acme_file, at, event_names

GOVERNS = at("2025-01-01T00:00:00+01:00")
IN_TIME = GOVERNS - NOTICE
BOOK = PolicyBook({"acme": (acme(),)})


def _version(
    version: str = "2", starts: str = "2025-01-01T00:00:00+01:00", old: str = "", new: str = ""
) -> CompiledPolicy:
    text = (
        (EXAMPLES / "acme.yaml")
        .read_text()
        .replace('version: "1"', f'version: "{version}"\n  effective_from: {starts}')
    )
    document = parse_yaml("acme-2.yaml", text.replace(old, new, 1) if old else text)
    return compile_policies([document], [acme_file("acme-values.yaml")], events=event_names()).versions["acme"][0]


def _judged(one: Publication, book: PolicyBook = BOOK, appended: Any = IN_TIME) -> Judged:
    return judge(book, one, appended, events=event_names())


def test_a_version_that_is_announced_in_time_governs_as_it_did_on_disk() -> None:
    """Compiled from the topic it is the same policy: same digest, same rules in the same order."""
    policy = _version()

    judged = _judged(publication_of(policy))

    assert judged.verdict is Verdict.TAKEN
    assert judged.policy is not None
    assert judged.policy.digest == policy.digest
    assert list(judged.policy.rules) == list(policy.rules)
    assert judged.policy.canonical == policy.canonical


def test_everything_that_an_overlay_decides_is_published_with_the_document() -> None:
    """An overlay with every section that changes a decision, written by one worker and read by another."""
    values = acme_file("acme-values.yaml")
    assert isinstance(values.data, dict)
    more = SourceFile(name="more.yaml", data={"controller": "acme", "answer_calendar": {"holidays": ["2024-12-25"]}})
    document = parse_yaml("acme.yaml", (EXAMPLES / "acme.yaml").read_text())
    [policy] = compile_policies([document], [values, more], events=event_names()).versions["acme"]

    judged = _judged(
        replace(publication_of(policy), version=policy.version), PolicyBook({}), policy.effective_from - NOTICE
    )

    assert judged.policy is not None
    assert judged.policy.canonical == policy.canonical
    assert '"answer_calendar":{"holidays":["2024-12-25"]}' in policy.canonical


def test_what_is_known_already_is_told_apart_by_its_content() -> None:
    policy = _version()
    book = BOOK.with_version(policy)

    assert _judged(publication_of(policy), book).verdict is Verdict.KNOWN
    assert _judged(publication_of(_version(old="P1Y", new="P2Y")), book).verdict is Verdict.CHANGED
    assert not _judged(publication_of(policy), book).refused


@pytest.mark.parametrize(
    ("late", "verdict"), [(timedelta(0), Verdict.TAKEN), (timedelta(microseconds=1), Verdict.TOO_LATE)]
)
def test_a_version_must_be_there_its_notice_before_it_governs(late: timedelta, verdict: Verdict) -> None:
    """Or somebody might have decided without it (architecture 9.7)."""
    assert _judged(publication_of(_version()), appended=IN_TIME + late).verdict is verdict


def test_the_notice_covers_what_a_worker_may_not_have_read_and_clocks_that_run_ahead() -> None:
    assert TagSettings(controller="acme").ahead + STALE < NOTICE


def test_a_baseline_only_says_what_workers_have_on_disk() -> None:
    assert _judged(publication_of(acme(), baseline=True)).verdict is Verdict.KNOWN
    missing = _judged(publication_of(_version(), baseline=True))
    assert (missing.verdict, missing.refused) == (Verdict.NOT_ON_DISK, True)


@pytest.mark.parametrize(
    ("change", "verdict", "says"),
    [
        ({"document": "{}"}, Verdict.UNREADABLE, "not what its digest says"),
        ({"version": "3"}, Verdict.INVALID, "says other than its document"),
        ({"effective_from": GOVERNS + NOTICE}, Verdict.INVALID, "says other than its document"),
    ],
)
def test_a_record_that_contradicts_its_document_changes_nothing(
    change: dict[str, Any], verdict: Verdict, says: str
) -> None:
    judged = _judged(replace(publication_of(_version()), **change))

    assert judged.verdict is verdict
    assert says in judged.says


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[", "is not JSON"),
        ("[1]", "must be a mapping"),
        ('{"document": {}}', "must be"),
        ('{"overlay": {}}', "is missing"),
    ],
)
def test_a_document_with_mistakes_changes_nothing(text: str, says: str) -> None:
    broken = replace(acme(), version="2", effective_from=GOVERNS, canonical=text, digest="")
    one = publication_of(broken)
    one = replace(one, digest=sha256(text.encode()).hexdigest())

    judged = _judged(one)

    assert judged.verdict is Verdict.INVALID
    assert says in judged.says


def test_a_version_is_published_under_a_key_that_names_its_content() -> None:
    """Compaction keeps the newest record of a key: two contents of one version must both stay to be told apart."""
    assert publication_of(acme()).key == f"acme|1|{acme().digest}"


def test_two_versions_cannot_begin_at_the_same_instant() -> None:
    book = BOOK.with_version(_version())

    judged = _judged(publication_of(_version("3")), book)

    assert (judged.verdict, "same instant" in judged.says) == (Verdict.INVALID, True)


def test_the_first_time_what_governs_is_published_as_the_baseline_and_the_rest_as_new() -> None:
    book = BOOK.with_version(_version())

    planned = plan_publication(book, {}, IN_TIME)

    assert [(one.version, one.baseline) for one in planned.publish] == [("1", True), ("2", False)]
    assert planned.problems == ()


def test_later_only_what_is_announced_in_time_is_published() -> None:
    first, second = publication_of(acme(), baseline=True), publication_of(_version())
    on_topic = {("acme", one.version): one for one in (first, second)}
    book = BOOK.with_version(_version()).with_version(_version("3", "2025-01-02T00:00:00+01:00"))

    planned = plan_publication(book, on_topic, GOVERNS)
    late = plan_publication(book, on_topic, GOVERNS + timedelta(days=1))

    assert [policy.version for policy in planned.unchanged] == ["1", "2"]
    assert [one.version for one in planned.publish] == ["3"]
    assert late.publish == ()
    assert "version 3 of acme would govern from 2025-01-02T00:00:00+01:00 on" in late.problems[0]


def test_a_version_that_begins_too_soon_is_no_baseline() -> None:
    """Nor one that began, once anything is published: workers may have decided without it."""
    book = BOOK.with_version(_version())
    first = {("acme", "1"): publication_of(acme(), baseline=True)}

    assert "move effective_from" in plan_publication(book, {}, GOVERNS - timedelta(seconds=1)).problems[0]
    assert "move effective_from" in plan_publication(book, first, GOVERNS).problems[0]


def test_a_changed_version_is_not_published_again() -> None:
    on_topic = {("acme", "1"): replace(publication_of(acme()), digest="another")}

    assert "published with other content" in plan_publication(BOOK, on_topic, GOVERNS).problems[0]


def test_a_version_on_disk_that_the_topic_lacks_is_told_once_anything_is_published() -> None:
    first = {("acme", "1"): publication_of(acme(), baseline=True)}
    book = BOOK.with_version(_version())

    assert list(disagreements(book, {}, ["acme"])) == []
    assert list(disagreements(book, first, ["nobody"])) == []
    [problem] = disagreements(book, first, ["acme"])
    assert problem.startswith("version 2 of acme is on this worker's disk and not on the policy topic")
