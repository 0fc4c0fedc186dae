"""Which policy versions decided in a partition, with their digests: none of them may be missing or changed later (X15).

Key of the state: `v|<version>`.
"""

from pipeline.domain.errors import ConfigurationError
from pipeline.policy.compiled import CompiledPolicy, PolicyBook
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
