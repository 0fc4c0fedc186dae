"""The parts that every way of running shares: schemas, codec, slice engine, policies, and what lanes are made of."""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.adapters.avro.codec import AvroCodec
from pipeline.adapters.avro.schemas import Schemas
from pipeline.adapters.avro.slicer import SlicerEngine
from pipeline.adapters.yaml_files import load_policies
from pipeline.domain.topics import Topics, inbox_reader
from pipeline.domain.vocabulary import Family, Form
from pipeline.lanes.opening import RecordOpener, SourceOpener
from pipeline.lanes.views import LaneSpec
from pipeline.policy.book import PolicyBook
from pipeline.policy.compiled import CompiledPolicy
from pipeline.ports import Codec, SliceEngine
from pipeline.stages.expire import ExpireStage
from pipeline.stages.state import References
from pipeline.stages.tag import TagSettings, TagStage


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is loaded once and shared by all lanes of a process."""

    schemas: Schemas
    codec: Codec
    engine: SliceEngine
    book: PolicyBook


def load_parts(*, schemas: Path, policies: Path, overlays: Sequence[Path]) -> Parts:
    """Return schemas and policies, loaded and compiled.

    Raises:
        ConfigurationError: a schema or policy file is wrong; every problem at once, with file and line.
    """
    loaded = Schemas.load(schemas)
    book = load_policies(policies, overlays, events=loaded.catalogue.types)
    return Parts(schemas=loaded, codec=AvroCodec(loaded), engine=SlicerEngine(loaded), book=book)


def tag_lane(parts: Parts, controller: str, key: bytes, entropy: Callable[[int], bytes]) -> LaneSpec:
    """Return the tag lane of one controller, under a key of its own: no reference joins two controllers' data."""
    topics = Topics(controller)
    references = References(hmac.digest(key, controller.encode(), "sha256"), entropy)
    return LaneSpec(
        controller=controller,
        stage=TagStage(TagSettings(controller=controller), parts.book, parts.schemas.catalogue, references),
        open=SourceOpener(parts.engine, topics.control),
        sources=tuple(topics.source(family) for family in Family),
        changelog=topics.tag_state,
        control=topics.control,
    )


def expire_lane(parts: Parts, controller: str, *, announce: bool) -> LaneSpec:
    """Return the expire lane of one controller."""
    topics = Topics(controller)
    return LaneSpec(
        controller=controller,
        stage=ExpireStage(controller, parts.book, announce=announce),
        open=RecordOpener(parts.codec),
        sources=(topics.obligation,),
        changelog=topics.schedule,
    )


def input_topics(policy: CompiledPolicy) -> tuple[str, ...]:
    """Return the name of every topic that producers write to."""
    topics = Topics(policy.controller)
    return (topics.control, *(topics.source(family) for family in Family))


def state_topics(policy: CompiledPolicy) -> tuple[str, ...]:
    """Return the name of every changelog."""
    topics = Topics(policy.controller)
    return (topics.tag_state, topics.schedule)


def outputs_of(book: PolicyBook) -> frozenset[str]:
    """Return the name of every topic that the lanes write for others to read, under any version of any policy."""
    return frozenset(
        topic for versions in book.versions.values() for policy in versions for topic in output_topics(policy)
    )


def output_topics(policy: CompiledPolicy) -> tuple[str, ...]:
    """Return the name of every topic that the lanes write for others to read."""
    topics = Topics(policy.controller)
    fixed = (
        topics.obligation, topics.violation, topics.rights, topics.share_ledger, topics.dead_letter, topics.expiry,
        topics.export_instruction, topics.review,
    )  # fmt: skip
    tagged = (topics.tagged(family) for family in Family)
    inboxes = (
        name
        for inbox in sorted(set(policy.inboxes.values()))
        for name in (topics.inbox(inbox), topics.erase_instruction(inbox_reader(inbox)))
    )
    recipients = (
        name
        for recipient in policy.recipients.values()
        if recipient.granted
        for name in (
            topics.carrier(recipient.id) if recipient.carrier else topics.share(recipient.id),
            topics.erase_instruction(recipient.id),
        )
    )
    lists = (topics.subject_list(name) for name in policy.lists)
    counted = any(purpose.form is Form.AGGREGATE for purpose in policy.purposes.values())
    return (*fixed, *tagged, *inboxes, *recipients, *lists, *([topics.aggregate] if counted else []))
