"""Which bodies a citizen's words name: "địa chính phường", "ubnd xã Ngọc Đường", "trạm y tế".

Called by classify (the fact it records) and respond (who must not get a denunciation, who decided). Matches
without diacritics and with the usual abbreviations; other teencode and misspellings are not understood. A
body named without its commune means that office in every commune: it excludes too much rather than too
little. It never says who is accused.
"""

from __future__ import annotations

from datetime import date

from hotline.agencies import AgencyDirectory
from hotline.place_words import expand, key


def find_named_agencies(text: str, directory: AgencyDirectory, on: date) -> frozenset[str]:
    """Ids of the bodies a text names, as of a day: an ended body stands for those that took its work over."""
    words = key(expand(text)).split()
    named: set[str] = set()
    at = 0
    while at < len(words):
        length, ids = _longest_name_at(words, at, directory)
        named |= ids
        at += length
    return frozenset(body.id for agency_id in named for body in directory.successors(agency_id, on))


def _longest_name_at(words: list[str], at: int, directory: AgencyDirectory) -> tuple[int, frozenset[str]]:
    for length in range(min(directory.longest_name_from(words[at]), len(words) - at), 0, -1):
        ids = directory.named(" ".join(words[at : at + length]))
        if ids:
            return length, ids
    return 1, frozenset()
