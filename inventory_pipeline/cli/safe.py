"""Text from AWS, made harmless for where it is shown.

A name or key can hold anything: escape sequences that rewrite a terminal, formulas that a
spreadsheet runs.
"""

import re

# Full-width signs count as well: some spreadsheets read them as the plain ones.
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")


def safe(text: str) -> str:
    """`text` on one line, with every character a terminal could act upon as its escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def cell(text: str) -> str:
    """`text` for a cell of CSV: what could be a formula gets an apostrophe before it."""
    return f"'{text}" if _FORMULA.match(text) else text
