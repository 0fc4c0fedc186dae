"""Our words in the W3C Data Privacy Vocabulary 2.3.

What it has no term for becomes a term of our own, below the nearest of its.
"""

from collections.abc import Mapping

from pipeline.domain.vocabulary import Action, DataSubjects, Form, LegalBasis, RecipientClass

VERSION = "https://w3id.org/dpv/2.3"
"""The release that the terms were checked against; the addresses of the terms themselves bear no version."""

CONTEXT: Mapping[str, str] = {
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "fin": "https://w3id.org/dpv/sector/finance#",
    "tech": "https://w3id.org/dpv/tech#",
    "dct": "http://purl.org/dc/terms/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "pp": "urn:privacy-pipeline:",
}
"""Prefixes of a JSON-LD document; `pp` holds our own terms."""

LEGAL_BASES: Mapping[LegalBasis, str] = {
    LegalBasis.CONSENT: "eu-gdpr:A6-1-a",
    LegalBasis.CONTRACT: "eu-gdpr:A6-1-b-contract-performance",
    LegalBasis.LEGAL_OBLIGATION: "eu-gdpr:A6-1-c",
    LegalBasis.LEGITIMATE_INTEREST: "eu-gdpr:A6-1-f-controller",
    LegalBasis.UNSTATED: "pp:unstated-legal-basis",
}

ACTIONS: Mapping[Action, str] = {
    Action.ERASE: "dpv:Erase",
    Action.ANONYMISE: "dpv:Anonymise",
    Action.RESTRICT: "dpv:Restrict",
    Action.STOP_USE: "pp:stop-use",
}

FORMS: Mapping[Form, frozenset[str]] = {
    Form.PERSONAL: frozenset(),
    Form.ANONYMOUS: frozenset({"dpv:Anonymise"}),
    Form.AGGREGATE: frozenset({"dpv:Aggregate"}),
}
"""What is done to data whose purpose wants them in another form."""

PEOPLE: Mapping[DataSubjects, str] = {
    DataSubjects.CUSTOMER: "dpv:Customer",
    DataSubjects.VISITOR: "dpv:Visitor",
    DataSubjects.PARTICIPANT: "dpv:Participant",
}

RECIPIENTS: Mapping[RecipientClass, str] = {
    RecipientClass.PROCESSOR: "dpv:DataProcessor",
    RecipientClass.INDEPENDENT_CONTROLLER: "dpv:DataController",
    RecipientClass.AUTHORITY: "dpv:Authority",
    RecipientClass.UNNAMED: "dpv:ThirdParty",
}

MEASURES = (
    "dpv:AccessControlMethod", "dpv:DataDeletionPolicy", "dpv:DataErasurePolicy", "dpv:DataStoragePolicy",
    "dpv:Pseudonymisation",
)  # fmt: skip
"""What the pipeline does for every policy."""

FIELDS: Mapping[str, str] = {
    "name": "pd:Name", "address": "pd:PhysicalAddress", "phone": "pd:TelephoneNumber", "number": "pd:TelephoneNumber",
    "email": "pd:EmailAddress", "national_id": "pd:OfficialID", "date_of_birth": "pd:BirthDate",
    "social_handle": "pd:Username",
    "payment": "pd:Transactional", "account_details": "pd:BankAccount", "amounts": "pd:Transactional",
    "financial_transaction": "pd:Transaction", "invoice_history": "pd:Transactional", "receipt": "pd:Transactional",
    "purchase_history": "pd:Purchase", "order_lines": "pd:Purchase", "order_number": "pd:Purchase",
    "email_message": "pd:EmailContent", "message": "pd:Communication", "chat_transcript": "pd:Communication",
    "case_notes": "pd:Communication", "survey_comment": "pd:Communication", "survey_review": "pd:Communication",
    "case_id": "pd:UID", "topic": "pd:Communication", "resolution": "pd:Communication",
    "timestamps": "pd:Communication", "call_audio": "pd:VoiceCommunicationRecording", "called_at": "pd:CallLog",
    "social_comment": "pd:SocialMediaCommunication", "social_review": "pd:SocialMediaCommunication",
    "ip": "pd:IPAddress", "browser": "pd:UserAgent", "traffic": "pd:BrowsingBehaviour",
    "platform": "pd:UserAgent", "journey": "pd:BrowsingBehaviour", "viewing_history": "pd:BrowsingBehaviour",
    "newsletter_opened": "pd:BrowsingBehaviour", "survey_opened": "pd:BrowsingBehaviour",
    "link_opened": "pd:BrowsingBehaviour", "location": "pd:Location",
    "photograph": "pd:Picture", "image": "pd:Picture", "video": "pd:Picture", "cctv_clip": "pd:Picture",
    "account_id": "pd:UID", "credentials_ref": "pd:UID", "account_info": "pd:IndividualProfile",
    "account_history": "pd:IndividualProfile", "account_records": "pd:IndividualProfile",
    "registration_details": "pd:IndividualProfile", "loyalty_data": "pd:IndividualProfile",
    "security_data": "pd:IndividualProfile", "marketing_preferences": "pd:PrivacyPreference",
    "access_notes": "pd:PhysicalAddress",
}  # fmt: skip
"""The nearest category of personal data for each field: a field has one name in all policies."""
