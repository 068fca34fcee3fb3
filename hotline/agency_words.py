"""How the words that name a body are compared: folded, addresses written out, and the short forms of bodies too.

Called by `agencies` (the names of the directory) and `named_agencies` (a citizen's text), so that both say the same:
"UB xã", "CA phường", "PCT UBND xã", "TYT". A short form counts only where it is typed without marks: "cả xã" is no
police.
"""

from __future__ import annotations

import re

from hotline.place_words import expand, key

_LEVEL = r"(?=\s+(?:xa|phuong|thi tran|huyen|quan|thi xa|thanh pho|tinh|dac khu)\b)"
_OFFICE = r"(?=\s+(?:ubnd|uy ban|xa|phuong|thi tran|huyen|thanh pho|tinh)\b)"

SHORT_BODIES = (
    (re.compile(r"\bub\b(?=\s+nhan dan\b)"), "uy ban"),
    (re.compile(rf"\bub\b{_LEVEL}"), "uy ban"),
    (re.compile(r"\bubx\b"), "ubnd xa"),
    (re.compile(r"\bubp\b"), "ubnd phuong"),
    (re.compile(r"\bcax\b"), "cong an xa"),
    (re.compile(rf"\bca\b{_LEVEL}"), "cong an"),
    (re.compile(rf"\bpct\b{_OFFICE}"), "pho chu tich"),
    (re.compile(rf"\bct\b{_OFFICE}"), "chu tich"),
    (re.compile(rf"\bcb\b{_LEVEL}"), "can bo"),
    (re.compile(r"\btyt\b"), "tram y te"),
    (re.compile(r"\bttyt\b"), "trung tam y te"),
    (re.compile(r"\bmttq\b"), "mat tran to quoc"),
)


def body_key(name: str) -> str:
    """A body's name as it is compared: "CA P. Hà Giang 1" -> "cong an phuong ha giang 1"."""
    folded = key(expand(name))
    for pattern, words in SHORT_BODIES:
        folded = pattern.sub(words, folded)
    return folded
