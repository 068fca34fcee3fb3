"""Decides whether a person stands named in a text, so that a restricted matter is kept from whom it names.

Called by the review desk and by respond's `access`. Names are compared without diacritics and case, however either was
typed; nicknames and teencode of names are not recognised. Pure.
"""

import re

from hotline.text import fold

MIN_NAME_WORDS = 2
MIN_JOINED_LETTERS = 8
_WORDS = re.compile(r"[^\W_]+")


def is_named_in(full_name: str, text: str) -> bool:
    """Say whether a full name stands in a text: as whole words, or run together, without regard to diacritics.

    A name of one word is looked for too: of a restricted matter it is better to keep one person too many away.
    """
    name, words = _WORDS.findall(fold(full_name)), _WORDS.findall(fold(text))
    if not name:
        return False
    if f" {' '.join(name)} " in f" {' '.join(words)} ":
        return True
    joined = "".join(name)
    is_telling = len(name) >= MIN_NAME_WORDS and len(joined) >= MIN_JOINED_LETTERS
    return is_telling and any(joined in word for word in words)
