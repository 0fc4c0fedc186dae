"""The naming rule of topics: `<controller>.<role>[.<what>].v<major>`."""

from dataclasses import dataclass

from pipeline.domain.vocabulary import Family


def inbox_reader(inbox: str) -> str:
    """Return how the reader of an inbox is named as a recipient: no other recipient is named so."""
    return f"inbox-{inbox}"


@dataclass(frozen=True, slots=True)
class Topics:
    """The topic names of one controller."""

    controller: str

    def _name(self, *parts: str) -> str:
        return ".".join((self.controller, *parts, "v1"))

    def source(self, family: Family) -> str:
        """Return where producers write events of a family."""
        return self._name("source", family)

    def tagged(self, family: Family) -> str:
        """Return where tagged events of a family go."""
        return self._name("tagged", family)

    def carrier(self, recipient: str) -> str:
        """Return the topic of a delivery partner."""
        return self._name("carrier", recipient)

    def share(self, recipient: str) -> str:
        """Return the topic of another recipient that a clause names."""
        return self._name("share", recipient)

    def inbox(self, matter: str) -> str:
        """Return the topic of one e-mail inbox class."""
        return self._name("inbox", matter)

    def erase_instruction(self, recipient: str) -> str:
        """Return where a recipient is told to erase what it got."""
        return self._name("erase-instruction", recipient)

    def subject_list(self, name: str) -> str:
        """Return where a list of subjects goes, such as `survey-frame`."""
        return self._name(name)

    @property
    def aggregate(self) -> str:
        """Counts by month, without any subject."""
        return self._name("aggregate")

    @property
    def control(self) -> str:
        """Facts that concern many keys; one partition."""
        return self._name("control")

    @property
    def obligation(self) -> str:
        """What must end, and why."""
        return self._name("obligation")

    @property
    def violation(self) -> str:
        """What was refused or reported."""
        return self._name("violation")

    @property
    def rights(self) -> str:
        """Who asked for what until when."""
        return self._name("rights")

    @property
    def export_instruction(self) -> str:
        """Return where systems that keep data are told what to export."""
        return self._name("export-instruction")

    @property
    def share_ledger(self) -> str:
        """Who got which fields."""
        return self._name("share-ledger")

    @property
    def dead_letter(self) -> str:
        """Undecodable input, sealed."""
        return self._name("dead-letter")

    @property
    def expiry(self) -> str:
        """What ended."""
        return self._name("expiry")

    @property
    def review(self) -> str:
        """What has no end and must be looked at again."""
        return self._name("review")

    @property
    def receipt(self) -> str:
        """What downstream systems confirmed."""
        return self._name("receipt")

    @property
    def tag_state(self) -> str:
        """Changelog of the tag lane's state; compacted."""
        return self._name("changelog", "tag")

    @property
    def schedule(self) -> str:
        """Changelog of the expire lane's schedule and cursor; compacted."""
        return self._name("schedule")


STATUS_TOPIC = "pipeline.status.v1"
POLICY_TOPIC = "pipeline.policy.v1"
