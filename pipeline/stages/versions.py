"""Which policy versions decided in a partition, with their digests: none of them may be missing or changed later (X15).

Beside that, what was refused on the policy topic and who has to know. Keys of the state: `v|<version>`, `w|<alert>`.
"""

from collections.abc import Iterator
from datetime import datetime

from pipeline.domain.errors import ConfigurationError
from pipeline.domain.records import OutRecord
from pipeline.domain.topics import Topics
from pipeline.domain.vocabulary import Outcome
from pipeline.policy.book import PolicyAlert, PolicyBook
from pipeline.policy.compiled import CompiledPolicy
from pipeline.stages.workspace import Workspace


class DecidedVersions:
    """The versions that decided in one partition.

    Raises:
        ConfigurationError: one of them is not loaded here.
    """

    def __init__(self, work: Workspace, controller: str, book: PolicyBook) -> None:
        self._work = work
        self._known = {key[2:].decode(): digest.decode() for key, digest in work.scan_prefix(b"v|")}
        for version in self._known:
            if not book.knows(controller, version):
                raise ConfigurationError(
                    f"events of {controller} were decided by policy version {version!r}, which is not loaded: put its "
                    "document back into the policies folder, or publish it again as part of the baseline"
                )

    def note(self, policy: CompiledPolicy) -> None:
        """Remember that a version decides.

        Raises:
            ConfigurationError: it decided before, and its document or overlays were changed since.
        """
        known = self._known.get(policy.version)
        if known is None:
            self._known[policy.version] = policy.digest
            self._work.put(f"v|{policy.version}".encode(), policy.digest.encode())
        elif known != policy.digest:
            raise ConfigurationError(
                f"policy {policy.controller} version {policy.version!r} was changed (document or overlay) after it "
                "decided: give the changed one a new version, and keep the old file for what was collected"
            )


def alerts(topics: Topics, book: PolicyBook, work: Workspace, now: datetime) -> Iterator[OutRecord]:
    """Yield a violation for each publication that was refused, once; call it for one partition only."""
    for alert in book.alerts:
        key = f"w|{alert.alert_id}".encode()
        if alert.controller == topics.controller and work.get(key) is None:
            work.put(key, b"")
            yield _violation(topics, alert, now)


def _violation(topics: Topics, alert: PolicyAlert, now: datetime) -> OutRecord:
    value: dict[str, object] = {
        "violation_id": alert.alert_id,
        "event_id": alert.alert_id,
        "event_type": "policy.published",
        "controller": alert.controller,
        "code": alert.code,
        "outcome": str(Outcome.REFUSED),
        "fields": [],
        "message": alert.message,
        "rule": None,
        "clauses": [],
        "policy_version": alert.version,
        "at": now,
    }
    return OutRecord(topic=topics.violation, key=alert.alert_id, schema="violation", value=value)
