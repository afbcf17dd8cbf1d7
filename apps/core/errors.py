"""Every error that people or programs may see, with its stable code and HTTP status.

`public_message` says what went wrong and what to do next. It never holds a payload, a URL or a
secret, because it is stored on rows, shown in the admin and answered by the API.
"""

from __future__ import annotations


class AppError(Exception):
    """The base of all errors that this product raises on purpose.

    code: stable, lower case with underscores; programs may rely on it.
    public_message: one or two sentences for people.
    """

    status = 400

    def __init__(self, code: str, public_message: str) -> None:
        super().__init__(f"{code}: {public_message}")
        self.code = code
        self.public_message = public_message


class ConfigurationError(AppError):
    """Something that was asked for cannot be set like this."""


class Conflict(ConfigurationError):  # noqa: N818 - named as people say it
    """What was asked for does not fit the state of the thing."""

    status = 409


class VerificationError(AppError):
    """The request is not proven to come from the source."""

    status = 401


class PayloadError(AppError):
    """The body is not what the source's documentation promises; `path` names the place."""

    status = 400

    def __init__(self, code: str, public_message: str, *, path: str = "") -> None:
        super().__init__(code, public_message)
        self.path = path


class TooLarge(AppError):  # noqa: N818 - named as people say it
    """The body is over the size cap of its source."""

    status = 413


class UnsupportedBody(AppError):  # noqa: N818 - named as people say it
    """The body is encoded in a way that is not read here."""

    status = 415


class UnsupportedEvent(AppError):  # noqa: N818 - named as people say it
    """A genuine event for which no handler exists. Counted and shown, never an error for the sender."""

    status = 202

    def __init__(self, name: str) -> None:
        super().__init__("unsupported_event", f"There is no card for the event “{name}” yet.")
        self.name = name


class TransportError(AppError):
    """A request of ours to another server failed.

    permanent: trying again cannot help.
    status: the HTTP status answered, or None when there was no answer.
    retry_after: seconds that the other side asked us to wait.
    ambiguous: the request may have been carried out all the same (time-out after sending).
    """

    status = 502

    def __init__(
        self,
        code: str,
        public_message: str,
        *,
        permanent: bool,
        status: int | None = None,
        retry_after: float | None = None,
        ambiguous: bool = False,
    ) -> None:
        super().__init__(code, public_message)
        self.permanent = permanent
        self.answer_status = status
        self.retry_after = retry_after
        self.ambiguous = ambiguous


class CommandError(AppError):
    """A chat command that cannot be carried out; the message is the answer in the chat."""

    status = 200


class ActionError(AppError):
    """An action in a source that cannot be carried out."""

    status = 422


class NotFound(AppError):  # noqa: N818 - named as people say it
    """No such thing, or none that the caller may see."""

    status = 404


class TooMany(AppError):  # noqa: N818 - named as people say it
    """More requests than are welcome. wait: seconds until the next one is."""

    status = 429

    def __init__(self, code: str, public_message: str, wait: float) -> None:
        super().__init__(code, public_message)
        self.wait = wait
