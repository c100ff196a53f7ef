"""Makes foreign text fit for chat messages of any service: it is cleaned, and it pings no one.

Every chat service has its own words that notify people: `@channel`, `@everyone`, `<@U123>`.
They hold an `@`, and some services look for them inside of code as well. So each `@` becomes
U+FF20, the full-width one, which looks alike and means nothing. Marks without an `@`, such as
`<!here>`, are up to the escaping of the format.
"""

from notifier.texts.cleaning import clean_text

_AT = "\N{FULLWIDTH COMMERCIAL AT}"


def chat_text(text: str) -> str:
    """Return `text` cleaned (`notifier.texts.cleaning`) and without any `@`."""
    return clean_text(text).replace("@", _AT)
