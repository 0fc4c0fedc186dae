"""What can be wrong with bytes: one code and one sentence each. Never a value of the event."""

from pipeline.domain.errors import InvalidEvent

MESSAGES = {
    "not_json": "the event is no valid JSON object in UTF-8: send one CloudEvents 1.0 JSON object",
    "missing_attribute": "a CloudEvents attribute is missing or empty: set it",
    "invalid_time": "a time is no RFC 3339 date and time with an offset between the years 1 and 9999: correct it; "
    "a leap second is sent as second 59",
    "invalid_field": "a field has the wrong type or an impossible value: the page of event types says what it must be",
    "duplicate-key": "a JSON object names the same key twice: send each once",
    "invalid_text": "a text holds NUL or half a surrogate pair: remove it",
    "unknown-schema": "the value begins with no framing of a known schema: use a schema of the schemas folder",
    "truncated": "the record ends before its last field: send it whole",
    "trailing-bytes": "bytes follow the record's last field: send one record a message",
    "malformed": "the bytes cannot be what the schema says: encode the event with the schema that the framing names",
    "too_large": "more than 900,000 bytes in a record, 512 in an id or list item, 1,024 in an attribute, or 100 items "
    "in a list: send a reference instead of the content",
    "too_deep": "values are nested too deeply: flatten them",
    "too-many-fields": "too many fields outside the schema: send those of the page of event types",
    "missing": "a field that the recipient must get is absent: send the event again, whole, under a new id",
}
"""Error codes with what to do about them; part of the contract with producers."""

MAX_BYTES = 900_000
"""No larger record is looked at: a tagged one, larger by its tags, must fit the 2 MiB that its topic takes."""

MAX_DEPTH = 32
"""No deeper nesting is followed, neither in JSON nor in recursive schemas."""

MAX_UNDECLARED = 256
"""No event with more fields outside its schema is taken apart to report them."""


def fault(code: str, field: str | None = None) -> InvalidEvent:
    """Return the error of a code, naming at most a field of the schema or an attribute."""
    where = f"`{field}`: " if field else ""
    return InvalidEvent(code, where + MESSAGES[code], field=field)
