"""How well a typed name fits a commune, and which of several fitting ones come first.

Called by `places` only. Works on folded names; typed diacritics only decide between names that differ in nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from hotline.communes import Commune, Entry
from hotline.text import clean, has_diacritics, spelling

EXACT, STARTS, HAS_WORDS, NONE = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A commune that what was typed may mean. `via` is empty for today's name, else "tên cũ: …" for the page.

    `is_exact` says the typed words are the whole name, and for a former name that the commune was not split.
    """

    commune: Commune
    via: str = ""
    is_exact: bool = False


def fit(bare: str, kind: str, entry: Entry) -> int:
    """EXACT, STARTS, HAS_WORDS or NONE: how a typed folded name fits; a wrong kind is never exact."""
    if bare == entry.bare:
        return EXACT if kind in ("", entry.kind) else STARTS
    if entry.bare.startswith(bare):
        return STARTS
    return HAS_WORDS if _in_order(bare.split(), entry.words) else NONE


def _in_order(asked: Sequence[str], words: Sequence[str]) -> bool:
    """Whether each asked word begins some word of the name, in the order asked: "ha gi" in "ha giang 2"."""
    rest = iter(words)
    return all(any(word.startswith(start) for word in rest) for start in asked)


def has_exact(matches: Iterable[Match]) -> bool:
    """Whether any match is the whole name."""
    return any(match.is_exact for match in matches)


def unique(matches: Iterable[Match]) -> tuple[Match, ...]:
    """One match for each commune, the first kept; exact when any of them was."""
    first: dict[str, Match] = {}
    for match in matches:
        kept = first.setdefault(match.commune.code, match)
        if match.is_exact and not kept.is_exact:
            first[match.commune.code] = replace(kept, is_exact=True)
    return tuple(first.values())


def as_accented(query: str, matches: tuple[Match, ...]) -> tuple[Match, ...]:
    """Where names differ in diacritics alone (xã Sơn Hà, xã Sơn Hạ), those typed decide, if any were typed."""
    exact = [match for match in matches if match.is_exact and not match.via]
    if len(exact) < 2 or not has_diacritics(query):
        return matches
    typed = f" {spelling(clean(query))} "
    meant = [match for match in exact if f" {_bare_accented(match.commune)} " in typed]
    if not meant:
        return matches
    meant_names = {_bare_accented(match.commune) for match in meant}
    others = [
        replace(match, is_exact=match.is_exact and (bool(match.via) or _bare_accented(match.commune) in meant_names))
        for match in matches
        if match not in meant
    ]
    return (*meant, *others)


def _bare_accented(commune: Commune) -> str:
    return spelling(commune.name.lower().removeprefix(f"{commune.kind} "))
