"""What really happened, below what a library calls it."""

import ssl

from notifier.errors import TransportError, whose_trouble


def explained(kind: str, error: BaseException) -> TransportError:
    """Return `error` as a TransportError of `kind`, or of "tls" if that is what it was.

    What this process lacks itself, such as file descriptors, is of kind "resources".

    Libraries have one name for trouble with TCP and with TLS while connecting, and their
    messages say less than the operating system's.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return TransportError("tls", cause.verify_message)
        if isinstance(cause, ssl.SSLError):
            return TransportError("tls", cause.reason or "handshake failed")
        if isinstance(cause, OSError) and cause.strerror:
            return TransportError(whose_trouble(cause.errno, kind), cause.strerror)
        if isinstance(cause, BaseExceptionGroup):  # trio: one per address that was tried
            cause = cause.exceptions[0]
            continue
        cause = cause.__cause__ or cause.__context__
    return TransportError(kind, type(error).__name__)
