"""Coverage tells the truth: 109 clauses, each with what implements and what tests it, or the word missing."""

from collections import Counter

from pipeline.adapters.yaml_files import read_policies
from pipeline.policy.coverage import Status, clause_ids, coverage
from pipeline.policy.document import PolicyShape
from pipeline.policy.shape import read
from pipeline.policy.source_file import Problems, SourceFile
from tests.unit.policy.policy_stories import ROOT, acme_file

EXPECTED = {"allcall": 45, "tek-zence": 17, "viet-art-view": 14, "artgraphics": 17, "ak3d": 16}


def shaped(source: SourceFile) -> tuple[SourceFile, PolicyShape]:
    shape = read(PolicyShape, source, Problems())
    assert shape is not None
    return source, shape


def test_all_clauses_of_the_five_notices_are_listed() -> None:
    documents, _overlays = read_policies(ROOT / "policies")

    rows = coverage([shaped(source) for source in documents], {})

    assert Counter(row.controller for row in rows) == EXPECTED
    assert len(rows) == 109


def test_each_clause_is_told_as_it_stands() -> None:
    tests = {"test_acme.py": "as ACME-1 and ACME-4 say", "test_other.py": "ACME-1."}

    rows = {row.clause: row for row in coverage([shaped(acme_file("acme.yaml"))], tests)}

    assert {clause: row.status for clause, row in rows.items()} == {
        "ACME-1": Status.TESTED,
        "ACME-2": Status.IMPLEMENTED,
        "ACME-3": Status.IMPLEMENTED,
        "ACME-4": Status.NOTICE_ONLY,
        "ACME-5": Status.IMPLEMENTED,
        "ACME-6": Status.IMPLEMENTED,
        "ACME-7": Status.IMPLEMENTED,
        "ACME-8": Status.IMPLEMENTED,
        "ACME-9": Status.IMPLEMENTED,
    }
    assert rows["ACME-1"].tests == ("test_acme.py", "test_other.py")
    assert rows["ACME-4"].reason == "It asks something of the customer."


def test_a_clause_that_nothing_cites_is_missing() -> None:
    source, shape = shaped(acme_file("acme.yaml"))
    header = shape.policy.model_copy(update={"authority": None})

    rows = coverage([(source, shape.model_copy(update={"policy": header}))], {"test.py": "ACME-9"})

    assert {row.clause for row in rows if row.status is Status.MISSING} == {"ACME-9"}


def test_an_element_is_told_with_its_line() -> None:
    rows = {row.clause: row for row in coverage([shaped(acme_file("acme.yaml"))], {})}

    assert [(element.kind, element.id, element.at) for element in rows["ACME-2"].elements] == [
        ("category", "order.lines", "acme.yaml:30"),
        ("category", "order.money", "acme.yaml:31"),
        ("purpose", "books", "acme.yaml:45"),
        ("retention", "books", "acme.yaml:58"),
        ("rule", "order", "acme.yaml:82"),
        ("end", "order restrict", "acme.yaml:88"),
    ]


def test_an_id_is_not_taken_for_a_longer_one() -> None:
    text = "SHOP-1, SHOP-12 (SHOP-5.2). SHOP-4W.1; SHOP-2.A: UTF-8x xSHOP-3 H01"

    assert clause_ids(text) == {"SHOP-1", "SHOP-12", "SHOP-5.2", "SHOP-4W.1", "SHOP-2.A"}
