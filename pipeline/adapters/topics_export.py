"""Write topics as YAML for other tools, so that nobody must run our applier."""

from collections.abc import Iterable
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from pipeline.domain.topic_plan import TopicSpec


def export_strimzi(specs: Iterable[TopicSpec], cluster: str) -> str:
    """Return one `KafkaTopic` resource per topic, for Strimzi's topic operator."""
    return _documents(
        {
            "apiVersion": "kafka.strimzi.io/v1",
            "kind": "KafkaTopic",
            "metadata": {"name": spec.name, "labels": {"strimzi.io/cluster": cluster}},
            "spec": {"partitions": spec.partitions, "replicas": spec.replicas, "config": dict(spec.config)},
        }
        for spec in specs
    )


def export_jikkou(specs: Iterable[TopicSpec]) -> str:
    """Return one `KafkaTopic` resource per topic, for Jikkou."""
    return _documents(
        {
            "apiVersion": "kafka.jikkou.io/v1beta2",
            "kind": "KafkaTopic",
            "metadata": {"name": spec.name, "labels": {"role": spec.role}},
            "spec": {"partitions": spec.partitions, "replicas": spec.replicas, "configs": dict(spec.config)},
        }
        for spec in specs
    )


def _documents(documents: Iterable[dict[str, object]]) -> str:
    yaml: Any = YAML(typ="safe")
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False
    yaml.explicit_start = True
    out = StringIO()
    for document in documents:
        yaml.dump(document, out)
    return out.getvalue()
