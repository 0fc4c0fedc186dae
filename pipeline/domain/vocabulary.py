"""Closed sets of words with one meaning each, in the terms of GDPR, DPV 2.3 and CloudEvents 1.0."""

from enum import StrEnum


class LegalBasis(StrEnum):
    """Why processing is lawful, GDPR Art. 6(1)."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal-obligation"
    LEGITIMATE_INTEREST = "legitimate-interest"
    UNSTATED = "unstated"
    """The notice names none: `pipeline policy check` asks the operator; nothing is guessed."""


class Action(StrEnum):
    """What ends a tag, and so what a downstream system must do (DPV `Erase`, `Anonymise`, `Restrict`)."""

    ERASE = "erase"
    ANONYMISE = "anonymise"
    RESTRICT = "restrict"
    STOP_USE = "stop-use"


class Family(StrEnum):
    """The four source topics of a controller."""

    PURCHASE = "purchase"
    CONTACT = "contact"
    CCTV = "cctv"
    LIFECYCLE = "lifecycle"


class Outcome(StrEnum):
    """What becomes of a source event: exactly one of these."""

    ACCEPTED = "accepted"
    DROPPED = "dropped-by-rule"
    REFUSED = "refused"
    DEAD_LETTER = "dead-letter"


class Form(StrEnum):
    """In which form what serves a purpose may leave the pipeline."""

    PERSONAL = "personal"
    """As the person's own data, tagged, until it ends."""
    ANONYMOUS = "anonymous"
    """As a record that nothing joins to the person any more; it is no personal data, so nothing has to end it."""
    AGGREGATE = "aggregate"
    """As counts only, of all events of a calendar month."""


class RefKind(StrEnum):
    """What a reference names. References are keyed hashes, never the id itself."""

    SUBJECT = "subject"
    ORDER = "order"
    CASE = "case"
    ACCOUNT = "account"
    CLIP = "clip"
    RECORD = "record"
    HOLD = "hold"


class Stance(StrEnum):
    """What a notice says of a recipient: allowed, not mentioned (an overlay may grant), or ruled out (none may)."""

    ALLOW = "allow"
    SILENT = "silent"
    FORBIDDEN = "forbidden"


class RecipientClass(StrEnum):
    """What a recipient is in law."""

    PROCESSOR = "processor"
    INDEPENDENT_CONTROLLER = "independent-controller"
    AUTHORITY = "authority"
    UNNAMED = "unnamed"


class DataSubjects(StrEnum):
    """Categories of data subjects, GDPR Art. 30(1)(c)."""

    CUSTOMER = "customer"
    VISITOR = "visitor"
    PARTICIPANT = "participant"
    """Of a course or training."""


class Right(StrEnum):
    """What a person may ask for or decide (GDPR Art. 7(3), 15 to 18, 20, 21; opt-outs are as notices grant them)."""

    ACCESS = "access"
    RECTIFICATION = "rectification"
    ERASURE = "erasure"
    RESTRICTION = "restriction"
    PORTABILITY = "portability"
    OBJECTION = "objection"
    CONSENT_WITHDRAWAL = "consent-withdrawal"
    OPT_OUT = "opt-out"


class Bound(StrEnum):
    """Whether a period must at least or at most be kept."""

    MIN = "min"
    MAX = "max"


CONTROL_KEY = "control"
"""Partition key of an event that concerns many keys; it travels on the control topic."""
