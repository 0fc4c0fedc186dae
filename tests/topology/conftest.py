"""The shipped policies, loaded once; a fresh pipeline for each test."""

import pytest

from pipeline.bootstrap.parts import Parts, input_topics, load_parts, output_topics, state_topics
from pipeline.bootstrap.simulation import Simulation
from pipeline.bootstrap.worlds import MemoryWorld
from pipeline.settings import load_settings
from tests.topology.stories import Open


@pytest.fixture(scope="session")
def parts() -> Parts:
    """Return schemas and shipped policies."""
    settings = load_settings({})
    return load_parts(schemas=settings.schemas, policies=settings.policies, overlays=settings.overlays)


@pytest.fixture(scope="session")
def open_pipeline(parts: Parts) -> Open:
    """Return what opens a fresh pipeline, with one or more partitions."""

    def opened(partitions: int = 1) -> Simulation:
        policies = [versions[-1] for versions in parts.book.versions.values()]
        outputs = [topic for policy in policies for topic in output_topics(policy)]
        inputs = [topic for policy in policies for topic in (*input_topics(policy), *state_topics(policy))]
        return Simulation(parts, lambda clock: MemoryWorld(clock, outputs, inputs, partitions))

    return opened


@pytest.fixture
def pipeline(open_pipeline: Open) -> Simulation:
    """Return a fresh pipeline."""
    return open_pipeline()
