"""Translates a library's connection error by its cause, which says more than its type."""

import ssl

from notifier.errors import TransportError, whose_trouble


def explained(kind: str, error: BaseException) -> TransportError:
    """Return `error` as a TransportError of `kind`, or of "tls" when TLS was the cause.

    A lack of this process's own, such as of file descriptors, is of kind "resources".

    Libraries raise one type for trouble with TCP and with TLS while connecting, and their
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
        if isinstance(cause, BaseExceptionGroup):  # trio: one for each address that was tried
            cause = cause.exceptions[0]
            continue
        cause = cause.__cause__ or cause.__context__
    return TransportError(kind, type(error).__name__)
