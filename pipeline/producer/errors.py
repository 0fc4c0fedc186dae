"""What sending an event can come to, told apart by what to do next. No message holds a value of the event."""

from pipeline.domain.errors import InvalidEvent, PipelineError


class EventRejected(InvalidEvent):
    """The event breaks its contract; nothing was sent. Mend the code that builds it.

    Attributes:
        field: The field that is wrong; its value is never part of an error.
        rule: Kebab-case name of the rule that it breaks, fit for a metric.
        hint: How to mend it.
    """

    def __init__(self, field: str, rule: str, hint: str) -> None:
        super().__init__(rule, f"event rejected: {field}: {hint}", field=field)
        self.rule = rule
        self.hint = hint


class BufferFull(PipelineError):
    """As many events wait for Kafka as are allowed: slow down, or wait for some to be delivered, then send again."""

    retriable = True

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"{limit} events wait for Kafka, which is the limit; send again in a moment, or give `send` a longer wait."
        )
        self.limit = limit


class DeliveryFailed(PipelineError):
    """An event was not confirmed. Where it is retriable, sending the same event again is safe: ids make it one.

    Attributes:
        retriable: True if the same event may be delivered later without any change.
        event_id: The event, or None if several are concerned.
        code: Kafka's name of the reason, fit for a metric.
    """

    def __init__(self, reason: str, *, code: str, retriable: bool, event_id: str | None = None) -> None:
        super().__init__(f"event {event_id} was not delivered: {reason}" if event_id else reason)
        self.retriable = retriable
        self.event_id = event_id
        self.code = code
