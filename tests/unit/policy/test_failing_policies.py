"""Every mistake is told with file and line, and how to mend it; each file in failing/ makes one."""

from pathlib import Path

import pytest

from pipeline.adapters.yaml_files import parse_yaml
from pipeline.domain.errors import PolicyError
from pipeline.domain.vocabulary import LegalBasis
from pipeline.policy.compile import compile_policies
from tests.unit.policy.policy_stories import EXAMPLES, acme, acme_file, event_names, yaml_of

FAILING = sorted((EXAMPLES / "failing").glob("*.yaml"))
BASES = ("acme.yaml", "acme-values.yaml")


def problems_of(changed: str, old: str, new: str) -> tuple[str, ...]:
    text = (EXAMPLES / changed).read_text()
    assert text.count(old) == 1
    try:
        files = {name: acme_file(name) for name in BASES} | {changed: parse_yaml(changed, text.replace(old, new))}
        compile_policies([files["acme.yaml"]], [files["acme-values.yaml"]], events=event_names())
    except PolicyError as error:
        return error.problems
    return ()


@pytest.mark.parametrize("path", FAILING, ids=lambda path: path.stem)
def test_a_mistake_is_told_with_file_and_line(path: Path) -> None:
    mistake = yaml_of(path)

    assert list(problems_of(mistake["file"], mistake["old"], mistake["new"])) == mistake["problems"]


def test_the_policy_that_the_mistakes_are_made_in_passes() -> None:
    assert acme().controller == "acme"


def test_all_mistakes_of_all_files_are_told_at_once() -> None:
    document = (EXAMPLES / "acme.yaml").read_text()
    document = document.replace("zone: $place", "zone: Europe/Olso").replace("keep: window", "keep: windows")
    values = (EXAMPLES / "acme-values.yaml").read_text().replace("years: 5", "years: five")

    with pytest.raises(PolicyError) as raised:
        compile_policies([parse_yaml("acme.yaml", document)], [parse_yaml("acme-values.yaml", values)])

    assert [problem.split(": ")[0] for problem in raised.value.problems] == [
        "acme-values.yaml:4", "acme.yaml:8", "acme.yaml:121",
    ]  # fmt: skip


def test_one_version_in_two_files_is_refused() -> None:
    text = (EXAMPLES / "acme.yaml").read_text()
    files = [parse_yaml("one.yaml", text), parse_yaml("two.yaml", text)]
    values = [parse_yaml("values.yaml", (EXAMPLES / "acme-values.yaml").read_text())]

    with pytest.raises(PolicyError, match=r"two.yaml:6: version 1 of acme is also in one.yaml"):
        compile_policies(files, values)


def test_versions_are_ordered_by_the_instant_from_which_they_govern() -> None:
    text = (EXAMPLES / "acme.yaml").read_text()
    later = text.replace('version: "1"', 'version: "2"').replace(
        "  zone: $place", "  effective_from: 2025-01-01T00:00:00+01:00\n  zone: $place"
    )
    values = [parse_yaml("values.yaml", (EXAMPLES / "acme-values.yaml").read_text())]

    book = compile_policies([parse_yaml("two.yaml", later), parse_yaml("one.yaml", text)], values)

    assert [policy.version for policy in book.versions["acme"]] == ["1", "2"]


def test_a_version_that_governs_before_it_was_published_is_refused() -> None:
    """A change is in force only after it was published: ALLCALL-8.1."""
    text = (EXAMPLES.parents[1] / "policies" / "allcall.yaml").read_text()
    early = text.replace(
        "  published_at: 2024-01-01T00:00:00+01:00",
        "  published_at: 2025-06-01T10:00:00+02:00\n  effective_from: 2025-05-15T00:00:00+02:00\n ",
    )
    values = (EXAMPLES.parents[1] / "overlays" / "allcall.yaml").read_text()

    with pytest.raises(PolicyError, match=r"a.yaml:10: a version governs only after it was published"):
        compile_policies([parse_yaml("a.yaml", early)], [parse_yaml("v.yaml", values)])


def test_an_overlay_may_decide_what_the_notice_leaves_open() -> None:
    values = (EXAMPLES / "acme-values.yaml").read_text()
    decided = (
        "legal_basis: {mail: consent}\n"
        "recipients: {delivery: {grant: [name, address, phone], because: parcels are delivered at the door}}\n"
    )

    book = compile_policies([acme_file("acme.yaml")], [parse_yaml("values.yaml", values + decided)])

    policy = book.versions["acme"][0]
    assert policy.purposes["mail"].legal_basis == (LegalBasis.CONSENT,)
    delivery = policy.recipients["delivery"]
    assert (delivery.granted, delivery.fields) == (True, ("name", "address", "phone"))
