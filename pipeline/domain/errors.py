"""Errors, told apart by what to do next. No message ever holds a value of personal data."""


class PipelineError(Exception):
    """Something the pipeline cannot go on from; its message says what, where and how to mend it.

    Attributes:
        retriable: True if the same call may succeed later without any change.
        exit_code: What a command returns when this error reaches it (1 failed, 2 usage, 3 changes pending, 75 restart).
    """

    retriable: bool = False
    exit_code: int = 1


class ConfigurationError(PipelineError):
    """A file, a setting or an option is wrong: mend it and start again."""

    exit_code = 2


class PolicyError(ConfigurationError):
    """One or more policy documents are wrong; `problems` names each with file and line.

    Attributes:
        problems: One sentence each, prefixed by `file:line`.
    """

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class InvalidEvent(PipelineError):
    """An event breaks its contract; it is dead-lettered or handed back, never guessed at.

    Attributes:
        code: Snake-case error code, fit for metrics and headers.
        field: The field or attribute that is wrong, if one can be named (its value never is).
    """

    def __init__(self, code: str, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.field = field


class UnavailableError(PipelineError):
    """Something outside does not answer: start it or correct its address, then try again."""

    retriable = True


class FencedError(PipelineError):
    """Another owner took over: stop at once and let the supervisor start a fresh process."""

    exit_code = 75


class UnknownOutcomeError(PipelineError):
    """A commit may or may not have happened: drop the producer, initialise anew, read the position back."""

    retriable = True
    exit_code = 75


class LogTruncatedError(PipelineError):
    """A log ends before a position read from it: the local view belongs to another log, forget it and read anew."""

    retriable = True
