"""What an id must look like that ends in clear in keys, records and ledgers: it may name nobody."""

import re
from typing import Final

OPAQUE: Final = "1 to 200 ASCII letters, digits and . _ : / -"
"""The form in words, for pages and errors."""

_OPAQUE = re.compile(r"[A-Za-z0-9._:/-]{1,200}")


def is_opaque(identity: str) -> bool:
    """Return whether an event id or partition key has the form of an opaque id.

    A closed form: no `@`, no blank, no leading `+`, so no e-mail address, name in two words or international
    telephone number. What else a producer puts into an id nobody can see: that it is a pseudonym is its promise.

    >>> [is_opaque(one) for one in ("order-1/completed", "urn:uuid:7c9e6679-7425-40de", "jane@example.org", "+46701")]
    [True, True, False, False]
    """
    return _OPAQUE.fullmatch(identity) is not None
