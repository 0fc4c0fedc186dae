"""Several versions of one notice in force: the version at collection governs a record for its life (X15)."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.bootstrap.simulation import Simulation, open_simulation
from pipeline.domain.errors import PolicyError
from pipeline.policy.book import ALERTS, PolicyAlert
from tests.topology.hard_cases import event
from tests.topology.stories import due, instant, values
from tests.topology.version_stories import FIRST, SECOND, write


def _letter(number: int, time: str) -> dict[str, object]:
    return event(f"l-{number}", "contact.email", time, "tek-zence", "s-1", email_message="hello")


def _sale(number: int, time: str, subject: str = "s-1") -> dict[str, object]:
    return event(f"p-{number}", "purchase.completed", time, "tek-zence", subject, name="Jane", phone="1")


def _opened(tmp_path: Path, *versions: Mapping[str, str]) -> Simulation:
    return open_simulation(write(tmp_path / "policies", *versions))


def test_the_version_at_collection_governs_a_record_for_its_life(tmp_path: Path) -> None:
    """X15, ALLCALL-0.1: the second version shortens the period, and changes nothing for what was collected before."""
    pipeline = _opened(tmp_path, FIRST, SECOND)
    pipeline.pipe(_letter(1, "2024-05-31T21:59:59Z"))
    pipeline.pipe(_letter(2, "2024-05-31T22:00:00Z"))

    pipeline.advance_to(instant("2030-01-01T00:00:00Z"))

    said = {
        v["event_id"]: (v["policy_version"], v["rule"], v["kept_until"])
        for v in values(pipeline, "tek-zence.expiry.v1")
    }
    assert said == {"l-1": ("1", "letters", "2025-05-31"), "l-2": ("2", "post", "2024-07-01")}


def test_a_late_record_is_governed_by_the_version_of_its_own_time(tmp_path: Path) -> None:
    pipeline = _opened(tmp_path, FIRST, SECOND)
    pipeline.pipe({**_letter(1, "2024-05-01T10:00:00Z"), "ingesttime": "2024-06-20T10:00:00Z"})

    assert {v["policy_version"] for v in values(pipeline, "tek-zence.tagged.contact.v1")} == {"1"}


@pytest.mark.parametrize("late", [False, True])
def test_a_profile_that_two_versions_support_ends_with_the_longest_of_them(tmp_path: Path, *, late: bool) -> None:
    """Architecture 8.2: each support by its own version, whatever the rules are called, in any order of arrival."""
    pipeline = _opened(tmp_path, FIRST, SECOND)
    sales = [_sale(1, "2024-03-01T10:00:00Z"), _sale(2, "2024-07-01T10:00:00Z")]
    for sale in reversed(sales) if late else sales:
        pipeline.pipe({**sale, "ingesttime": "2024-07-01T10:00:00Z"})

    pipeline.advance_to(instant("2030-01-01T00:00:00Z"))

    assert due(pipeline, "tek-zence") == [("contact", "care", "erase", "2025-03-01T23:00:00Z")]


def test_a_profile_follows_the_version_of_its_newest_support(tmp_path: Path) -> None:
    """A purpose that the newest version no longer has goes on under the version that had it, and ends by it."""
    first = FIRST | {
        "held_for": "care, answer",
        "kept": "    keep: {period: P2Y, from: {last: purchase.completed, of: subject}}",
    }
    second = SECOND | {"kept": "    keep: {period: P1M, from: {last: purchase.completed, of: subject}}"}
    pipeline = _opened(tmp_path, first, second)
    pipeline.pipe(_sale(1, "2024-03-01T10:00:00Z"))
    pipeline.pipe(_sale(2, "2024-07-01T10:00:00Z"))

    pipeline.advance_to(instant("2030-01-01T00:00:00Z"))

    assert due(pipeline, "tek-zence") == [
        ("contact", "care", "erase", "2024-08-01T22:00:00Z"),
        ("contact", "answer", "erase", "2026-07-01T22:00:00Z"),
    ]


def test_an_overlay_may_be_for_one_version_only(tmp_path: Path) -> None:
    """A value that only the second version asks for does not change the first, nor its digest."""
    asks = SECOND | {"operator": "  months: {says: how long letters are kept, type: period}", "period": "$months"}
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text('controller: tek-zence\nversion: "2"\noperator: {months: P2M}\n')
    folder = write(tmp_path / "policies", FIRST, asks)

    with_overlay = open_simulation(folder, [overlay])
    alone = open_simulation(write(tmp_path / "first", FIRST))

    with_overlay.pipe(_letter(1, "2024-07-01T10:00:00Z"))
    [said] = values(with_overlay, "tek-zence.expiry.v1")
    assert said["kept_until"] == "2024-09-01"
    digests = [sim.parts.book.versions["tek-zence"][0].digest for sim in (with_overlay, alone)]
    assert digests[0] == digests[1]


def test_an_overlay_for_a_version_that_is_not_there_is_refused(tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text('controller: tek-zence\nversion: "3"\n')

    with pytest.raises(PolicyError, match=r"overlay.yaml:2: there is no version 3 of tek-zence; there are 1, 2"):
        open_simulation(write(tmp_path / "policies", FIRST, SECOND), [overlay])


def test_two_versions_may_not_take_effect_at_the_same_instant(tmp_path: Path) -> None:
    """One of them would never govern, and which one would depend on its name."""
    twin = SECOND | {"published": FIRST["published"], "effective": "2023-12-31T23:00:00Z"}

    with pytest.raises(
        PolicyError, match=r"shop-2.yaml:8: version 2 takes effect at the same instant as the version in"
    ):
        open_simulation(write(tmp_path / "policies", FIRST, twin))


def test_a_version_that_takes_effect_before_it_is_published_is_refused(tmp_path: Path) -> None:
    """ALLCALL-8.1, H32."""
    hasty = SECOND | {"published": "2024-06-02T00:00:00+02:00"}

    with pytest.raises(PolicyError, match=r"shop-2.yaml:8: a version governs only after it was published"):
        open_simulation(write(tmp_path / "policies", FIRST, hasty))


def test_what_a_record_of_an_old_version_waits_for_is_heard_under_every_version(tmp_path: Path) -> None:
    """X15: kept until an opt-out under the first version, of which the second knows nothing."""
    folder = write(tmp_path / "policies", FIRST, SECOND)
    old = (folder / "shop-1.yaml").read_text()
    (folder / "shop-1.yaml").write_text(
        old.replace("keep: {period: P1Y}, clauses: SHOP-1", "keep: {until: opt_out, of: subject}, clauses: SHOP-1")
    )
    pipeline = open_simulation(folder)
    pipeline.pipe(_letter(1, "2024-05-01T10:00:00Z"))
    pipeline.pipe(event("o", "opt_out", "2024-07-01T10:00:00Z", "tek-zence", "s-1", mailing="newsletter"))

    assert due(pipeline, "tek-zence") == [("letter", "answer", "erase", "2024-07-01T10:00:00Z")]


def test_a_version_that_is_published_later_hears_at_once_what_it_waits_for(tmp_path: Path) -> None:
    """What was decided before a version was there is not remembered for it."""
    first = open_simulation(write(tmp_path / "policies", FIRST))
    second = open_simulation(
        write(tmp_path / "both", FIRST, SECOND | {"sale": "sale", "kept": "    keep: {until: opt_out, of: subject}"})
    )
    first.pipe(event("o-1", "opt_out", "2024-05-01T10:00:00Z", "tek-zence", "s-2", mailing="newsletter"))
    first.govern(second.parts.book)
    first.pipe(_sale(1, "2024-06-02T10:00:00Z"))
    first.pipe(
        {
            **event("o-2", "opt_out", "2024-05-31T21:00:00Z", "tek-zence", "s-1", mailing="newsletter"),
            "ingesttime": "2024-06-02T11:00:00Z",
        }
    )
    first.pipe(event("o-3", "opt_out", "2024-06-03T10:00:00Z", "tek-zence", "s-1", mailing="newsletter"))

    assert due(first, "tek-zence") == [("contact", "care", "erase", "2024-06-03T10:00:00Z")]


def test_what_was_refused_on_the_policy_topic_is_a_violation_once(tmp_path: Path) -> None:
    """Also where several partitions, and the lanes of several controllers, know of it."""
    pipeline = _opened(tmp_path, FIRST)
    alert = PolicyAlert(
        alert_id="a", controller="tek-zence", version="2", code="policy_version_too_late", message="later"
    )
    other = replace(alert, alert_id="b", controller="allcall")
    book = pipeline.parts.book.with_alert(alert).with_alert(other)
    for _ in range(2):
        pipeline.govern(book)
    pipeline.pipe(_letter(1, "2024-05-01T10:00:00Z"))

    [told] = values(pipeline, "tek-zence.violation.v1")
    assert (told["code"], told["policy_version"], told["outcome"]) == ("policy_version_too_late", "2", "refused")


def test_a_flood_of_wrong_versions_does_not_grow_a_book_without_bound(tmp_path: Path) -> None:
    book = _opened(tmp_path, FIRST).parts.book
    for number in range(ALERTS + 1):
        book = book.with_alert(
            PolicyAlert(
                alert_id=str(number), controller="tek-zence", version="2", code="policy_version_invalid", message=""
            )
        )

    assert [alert.alert_id for alert in book.alerts] == [str(number) for number in range(1, ALERTS + 1)]
