"""Which bodies a citizen's words name, and where: "địa chính phường", "ubnd xã Ngọc Đường", "CA xã", "trạm y tế".

Called by respond (who must not get a denunciation, who decided) and by `spans`: one finder for both. Matches without
diacritics, with the usual abbreviations of addresses and of bodies (`agency_words`); other teencode and misspellings
are not understood. A body named without its commune means that office in every commune: it excludes too much rather
than too little. It never says who is accused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date

from hotline.agencies import AgencyDirectory
from hotline.agency_words import SHORT_BODIES
from hotline.place_words import ABBREVIATIONS
from hotline.reading import Reading, Tracked, read, tracked
from hotline.span import Found, SpanKind

_SPACES = re.compile(r"[^\S\n]+")
_COMMAS = re.compile(r"\s*[,;\n/][,;\n/\s]*")
_WORD = re.compile(r"[a-z0-9]+")
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")


def find_named_agencies(text: str, directory: AgencyDirectory, on: date) -> frozenset[str]:
    """Ids of the bodies a text names, as of a day: an ended body stands for those that took its work over."""
    named = {agency_id for found in agencies_in(read(text), directory) for agency_id in found.value.split()}
    return frozenset(body.id for agency_id in named for body in directory.successors(agency_id, on))


def agencies_in(reading: Reading, directory: AgencyDirectory) -> Iterator[Found]:
    """The names and aliases of a directory that a text holds, the longest at each place, in order.

    The value of each is the ids of all bodies called so, ended ones too, sorted, with spaces between.
    """
    spelt_out = _spelt_out(reading)
    places = [match.span() for match in _WORD.finditer(spelt_out.letters)]
    words = [spelt_out.letters[start:end] for start, end in places]
    at = 0
    while at < len(words):
        length, ids = _longest_name_at(words, at, directory)
        if ids:
            start, end = spelt_out.starts[places[at][0]], spelt_out.ends[places[at + length - 1][1] - 1]
            yield Found(start=start, end=end, kind=SpanKind.AGENCY, value=" ".join(sorted(ids)))
        at += length


def _spelt_out(reading: Reading) -> Tracked:
    """The text as `agency_words.body_key` writes a name out, each letter with its place."""
    text = tracked(reading).sub(_SPACES, " ").sub(_COMMAS, ", ")
    for pattern, words in ABBREVIATIONS:
        text = text.sub(pattern, words)
    text = text.sub(_NOT_A_WORD, " ")
    for pattern, words in SHORT_BODIES:
        text = text.sub(pattern, words, reading.shown)
    return text


def _longest_name_at(words: Sequence[str], at: int, directory: AgencyDirectory) -> tuple[int, frozenset[str]]:
    for length in range(min(directory.longest_name_from(words[at]), len(words) - at), 0, -1):
        ids = directory.named(" ".join(words[at : at + length]))
        if ids:
            return length, ids
    return 1, frozenset()
