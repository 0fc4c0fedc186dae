"""DPV facts as one JSON-LD document, and back: what is read is what was written."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from pipeline.policy.describe import in_words
from pipeline.policy.papers import terms
from pipeline.policy.papers.dpv import Facts, Process, Sharing, Stage, Storage
from pipeline.policy.papers.durations import duration, retention

SCHEMA_VERSION = 1
Node = dict[str, object]
Read = Mapping[str, Any]


def document(policies: Iterable[Facts]) -> Node:
    """Return the document of some policy versions: one process for each, with a process for each purpose in it."""
    return {
        "schema_version": SCHEMA_VERSION,
        "@context": {"@version": 1.1, **terms.CONTEXT},
        "@graph": [_policy(facts) for facts in policies],
    }


def facts_in(read: Read) -> tuple[Facts, ...]:
    """Return the facts of a document.

    Raises:
        KeyError: a part is missing.
        ValueError: a duration is of a type that there is none of.
    """
    return tuple(_facts(node) for node in read["@graph"])


# -- writing ---------------------------------------------------------------------------------------------------------


def _policy(facts: Facts) -> Node:
    base = f"pp:{facts.controller}"
    version = f"{base}/{quote(facts.version)}"
    return {
        "@id": version,
        "@type": "dpv:Process",
        "dct:title": facts.name,
        "dct:identifier": facts.controller,
        "dct:hasVersion": facts.version,
        "dct:conformsTo": {"@id": terms.VERSION},
        "dpv:hasDataController": {"@id": base, "@type": "dpv:DataController", "dpv:hasName": facts.name},
        "dpv:hasTechnicalOrganisationalMeasure": _ids(facts.measures),
        "dpv:hasProcess": [_process(one, base, version) for one in sorted(facts.processes, key=_purpose)],
    }


def _purpose(one: Process) -> str:
    return one.purpose


def _process(one: Process, base: str, version: str) -> Node:
    return {
        "@id": f"{version}/{one.purpose}",
        "@type": "dpv:Process",
        "dpv:hasPurpose": {
            "@id": f"{base}/purpose/{one.purpose}",
            "@type": "dpv:Purpose",
            "dct:identifier": one.purpose,
            "skos:broader": _ids(one.broader),
        },
        "dpv:hasLegalBasis": _ids(one.legal_bases),
        "dpv:hasDataSubject": _ids(one.data_subjects),
        "dpv:hasProcessing": _ids(one.processing),
        "dpv:hasPersonalData": [_category(name, fields, base) for name, fields in sorted(one.personal_data)],
        "dpv:hasStorageCondition": [_storage(storage, base) for storage in sorted(one.storage, key=_order)],
        "dpv:hasRecipient": [_sharing(sharing, base) for sharing in sorted(one.sharing, key=lambda one: one.recipient)],
        "dct:source": sorted(one.clauses),
    }


def _category(name: str, fields: Iterable[str], base: str) -> Node:
    return {
        "@id": f"{base}/category/{name}",
        "@type": "dpv:PersonalData",
        "dct:identifier": name,
        "skos:narrower": _fields(fields),
    }


def _fields(names: Iterable[str]) -> list[Node]:
    return [
        {
            "@id": f"pp:field/{name}",
            "dct:identifier": name,
            "skos:broader": {"@id": terms.FIELDS.get(name, "dpv:PersonalData")},
        }
        for name in sorted(names)
    ]


def _order(storage: Storage) -> tuple[list[str], str]:
    return sorted(storage.categories), repr(storage.stages)


def _storage(storage: Storage, base: str) -> Node:
    return {
        "@type": ["dpv:StorageDuration", "dpv:StorageDeletion"],
        "dpv:hasPersonalData": _ids(f"{base}/category/{name}" for name in storage.categories),
        "pp:with-its-supports": storage.profile,
        "pp:stages": {"@list": [_stage(stage) for stage in storage.stages]},
    }


def _stage(stage: Stage) -> Node:
    return {
        "dpv:hasProcessing": {"@id": stage.action},
        "dpv:hasDuration": duration(stage.after),
        "dct:description": in_words(stage.after),
        "pp:findable-by": {"@list": list(stage.findable_by)},
    }


def _sharing(sharing: Sharing, base: str) -> Node:
    written: Node = {
        "@id": f"{base}/recipient/{sharing.recipient}",
        "@type": ["dpv:Recipient", sharing.kind],
        "dct:identifier": sharing.recipient,
        "pp:gets": _fields(sharing.fields),
    }
    if sharing.erase_after:
        written["dpv:hasStorageCondition"] = {
            "@type": ["dpv:StorageDuration", "dpv:StorageDeletion"],
            "dpv:hasDuration": duration(sharing.erase_after),
        }
    return written


def _ids(names: Iterable[str]) -> list[Node]:
    return [{"@id": name} for name in sorted(names)]


# -- reading ---------------------------------------------------------------------------------------------------------


def _facts(node: Read) -> Facts:
    return Facts(
        controller=node["dct:identifier"],
        name=node["dct:title"],
        version=node["dct:hasVersion"],
        processes=frozenset(_process_in(one) for one in node["dpv:hasProcess"]),
        measures=_ids_in(node["dpv:hasTechnicalOrganisationalMeasure"]),
    )


def _process_in(node: Read) -> Process:
    return Process(
        purpose=node["dpv:hasPurpose"]["dct:identifier"],
        broader=_ids_in(node["dpv:hasPurpose"]["skos:broader"]),
        legal_bases=_ids_in(node["dpv:hasLegalBasis"]),
        data_subjects=_ids_in(node["dpv:hasDataSubject"]),
        processing=_ids_in(node["dpv:hasProcessing"]),
        personal_data=frozenset(
            (one["dct:identifier"], _names_in(one["skos:narrower"])) for one in node["dpv:hasPersonalData"]
        ),
        storage=frozenset(_storage_in(one) for one in node["dpv:hasStorageCondition"]),
        sharing=frozenset(_sharing_in(one) for one in node["dpv:hasRecipient"]),
        clauses=frozenset(node["dct:source"]),
    )


def _storage_in(node: Read) -> Storage:
    return Storage(
        categories=frozenset(one.rpartition("/")[2] for one in _ids_in(node["dpv:hasPersonalData"])),
        profile=node["pp:with-its-supports"],
        stages=tuple(
            Stage(
                action=one["dpv:hasProcessing"]["@id"],
                after=retention(one["dpv:hasDuration"]),
                findable_by=tuple(one["pp:findable-by"]["@list"]),
            )
            for one in node["pp:stages"]["@list"]
        ),
    )


def _sharing_in(node: Read) -> Sharing:
    stored = node.get("dpv:hasStorageCondition")
    return Sharing(
        recipient=node["dct:identifier"],
        kind=node["@type"][-1],
        fields=_names_in(node["pp:gets"]),
        erase_after=retention(stored["dpv:hasDuration"]) if stored else None,
    )


def _ids_in(nodes: Iterable[Read]) -> frozenset[str]:
    return frozenset(node["@id"] for node in nodes)


def _names_in(nodes: Iterable[Read]) -> frozenset[str]:
    return frozenset(node["dct:identifier"] for node in nodes)
