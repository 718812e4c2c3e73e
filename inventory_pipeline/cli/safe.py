"""Text from AWS, made harmless for where it is shown.

A name or key can hold anything: escape sequences that rewrite a terminal, formulas that a
spreadsheet runs. A terminal may also lack the characters altogether.
"""

import codecs
import re

# Full-width signs count as well: some spreadsheets read them as the plain ones.
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")

# How our own signs are written where an encoding has none of them.
_SIGNS = {"→": "->", "≥": ">=", "·": "-", "–": "-", "—": "-"}


def safe(text: str) -> str:
    """`text` on one line, with every character a terminal could act upon as its escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def cell(text: str) -> str:
    """`text` for a cell of CSV: what could be a formula gets an apostrophe before it."""
    return f"'{text}" if _FORMULA.match(text) else text


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """What is written for characters that an encoding lacks: signs in ASCII, the rest escaped."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    escaped = (c.encode("ascii", "backslashreplace").decode() for c in lacking)
    return "".join(_SIGNS.get(c, e) for c, e in zip(lacking, escaped, strict=True)), error.end


IN_ASCII = "inventory_in_ascii"
"""Name of the way to handle encoding errors on a terminal."""

codecs.register_error(IN_ASCII, _in_ascii)
