"""The fields that events may carry, by group, as the source schemas declare them."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Json = JsonValue
"""Any JSON value; it travels as JSON text."""
Text = str | None
Ids = Sequence[str] | None
Flag = bool | None

Context = Literal["web", "store", "mailing", "email", "course_own", "course_other"]
Channel = Literal["email", "phone", "chat", "social", "post", "app", "letter"]


class FieldGroup(BaseModel):
    """Fields that belong together; strict, closed, frozen, and silent about values."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Address(FieldGroup):
    """A postal address; a part that is not known is empty."""

    street: str = Field(default="", repr=False)
    postcode: str = Field(default="", repr=False)
    city: str = Field(default="", repr=False)
    country: str = Field(default="", repr=False)


class DecisionFields(FieldGroup):
    """What rules look at beside the type of an event; references are pseudonymous."""

    policy_version: Text = None
    context: Context | None = None
    channel: Channel | None = None
    direction: Literal["in", "out"] | None = None
    initiated_by: Literal["customer", "company"] | None = None
    collected_from: Text = None
    order_id: Text = None
    case_id: Text = None
    account_id: Text = None
    clip_id: Text = None
    hold_id: Text = None
    matter: Text = None
    purpose: Text = None
    mailing: Literal["newsletter", "survey"] | None = None
    legal_ground: Text = None
    approval: Text = None
    reason: Text = None
    site: Text = None
    store: Text = None
    month: Annotated[str | None, Field(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")] = None
    quota: Annotated[int | None, Field(ge=1)] = None
    signed: Flag = None
    in_writing: Flag = None
    needs_follow_up: Flag = None
    records: Ids = None
    participants: Ids = None
    consents: Ids = None
    products: Ids = None


class ContactFields(FieldGroup):
    """Who somebody is and how to reach them."""

    name: Text = None
    address: Address | None = None
    phone: Text = None
    email: Text = None
    national_id: Text = None
    date_of_birth: Text = None
    social_handle: Json = None


class TransactionFields(FieldGroup):
    """What was paid, and how."""

    payment: Json = None
    account_details: Json = None
    invoice_history: Json = None
    purchase_history: Json = None
    financial_transaction: Json = None


class OrderFields(FieldGroup):
    """What was ordered."""

    order_number: Text = None
    order_lines: Json = None
    amounts: Json = None
    receipt: Json = None


class DeliveryFields(FieldGroup):
    """What a delivery must know about the place."""

    access_notes: Json = None


class DigitalFields(FieldGroup):
    """Traces of a visit or a mailing."""

    ip: Text = None
    browser: Json = None
    traffic: Json = None
    platform: Json = None
    location: Json = None
    journey: Json = None
    viewing_history: Json = None
    newsletter_opened: Json = None
    survey_opened: Json = None
    link_opened: Json = None


class EmailFields(FieldGroup):
    """An e-mail."""

    email_message: Json = None


class CaseNoteFields(FieldGroup):
    """What staff noted."""

    case_notes: Json = None


class MessageFields(FieldGroup):
    """Messages that are no e-mail."""

    message: Json = None
    image: Json = None
    chat_transcript: Json = None


class CallFields(FieldGroup):
    """A telephone call."""

    called_at: Json = None
    number: Json = None
    call_audio: Json = None


class OpinionFields(FieldGroup):
    """What somebody said in a survey or on a social platform."""

    survey_comment: Json = None
    survey_review: Json = None
    social_comment: Json = None
    social_review: Json = None


class MediaFields(FieldGroup):
    """Pictures, or references to them."""

    photograph: Json = None
    video: Json = None
    cctv_clip: Json = None


class AccountFields(FieldGroup):
    """An account and its security."""

    account_info: Json = None
    registration_details: Json = None
    account_records: Json = None
    account_history: Json = None
    security_data: Json = None
    credentials_ref: Json = None
    loyalty_data: Json = None


class PreferenceFields(FieldGroup):
    """What somebody wants to hear of."""

    marketing_preferences: Json = None


class CaseFields(FieldGroup):
    """The record of a case."""

    topic: Json = None
    resolution: Json = None
    timestamps: Json = None
