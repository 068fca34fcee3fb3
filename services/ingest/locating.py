"""Decides which place was meant by what was typed, and says the candidates when it cannot tell.

Called by `feedback.accept` and, for its radio list, by the citizen's form. A place is optional; the gazetteer is only
loaded when one is named. Never chooses between communes of the same name.
"""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from hotline.places import Commune, Gazetteer, Match, Place, UnknownPlace
from hotline.text import clean
from services.ingest.characters import refused_characters

MAX_DETAIL_CHARACTERS = 500
MAX_QUERY_CHARACTERS = 200
CANDIDATES = 8


class PlaceTyped(Struct, frozen=True, kw_only=True):
    """A place as it came: names (today's or old, with or without marks) or codes, and thôn, tổ or ấp as text.

    `province_is_default` says that a form offered the province by itself: a commune of another province typed in full
    may then still be found.
    """

    province: str = ""
    commune: str = ""
    commune_code: str = ""
    detail: str = ""
    province_is_default: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said about the place."""
        return not (
            self.commune or self.commune_code or self.detail or (self.province and not self.province_is_default)
        )


class AddFault(Protocol):
    """How a fault is noted."""

    def __call__(self, field: str, code: str, **params: str) -> None:
        """Note one fault of a field."""


def locate(typed: PlaceTyped, *, gazetteer: Callable[[], Gazetteer], add: AddFault) -> Place | None:
    """Return the place meant, None for none; faults of `place.province`, `.commune`, `.detail` go to `add`."""
    if typed.is_empty:
        return None
    detail = _read_detail(typed.detail, add)
    if any(len(name) > MAX_QUERY_CHARACTERS for name in (typed.province, typed.commune, typed.commune_code)):
        add("place.commune", "value_too_long", limit=str(MAX_QUERY_CHARACTERS))
        return None
    known = gazetteer()
    commune = _find_commune(typed, known, add)
    if commune is not None:
        province = known.province(commune.province_code)
        return Place(
            province_code=province.code,
            province_name=province.full_name,
            commune_code=commune.code,
            commune_name=commune.name,
            detail=detail,
        )
    return _province_alone(typed, known, detail, add)


def candidates(typed: PlaceTyped, known: Gazetteer) -> tuple[Match, ...]:
    """Return the communes that may be meant, best first, for a list to choose from; nothing typed gives nothing."""
    query = clean(typed.commune)[:MAX_QUERY_CHARACTERS]
    if not query:
        return ()
    province = known.province_named(typed.province) if typed.province else None
    found = known.find(query, province.code if province else None, limit=CANDIDATES)
    return found or known.find(query, limit=CANDIDATES)


def _find_commune(typed: PlaceTyped, known: Gazetteer, add: AddFault) -> Commune | None:
    if typed.commune_code:
        try:
            return known.commune(typed.commune_code.strip())
        except UnknownPlace:
            add("place.commune", "place_commune_code_unknown")
            return None
    if not typed.commune.strip():
        return None
    found = known.resolve(typed.province, typed.commune)
    if found == () and typed.province_is_default:
        found = known.resolve("", typed.commune)
    if isinstance(found, Commune):
        return found
    if typed.province and known.province_named(typed.province) is None:
        return None
    names = "; ".join(match.commune.full_name for match in found[:CANDIDATES])
    if found:
        add("place.commune", "place_commune_ambiguous", candidates=names)
    else:
        add("place.commune", "place_commune_unknown")
    return None


def _province_alone(typed: PlaceTyped, known: Gazetteer, detail: str, add: AddFault) -> Place | None:
    if not typed.province.strip():
        if not (typed.commune or typed.commune_code):
            add("place.province", "place_province_missing")
        return None
    province = known.province_named(typed.province)
    if province is None:
        add("place.province", "place_province_unknown")
        return None
    return Place(
        province_code=province.code,
        province_name=province.full_name,
        commune_code=None,
        commune_name=None,
        detail=detail,
    )


def _read_detail(said: str, add: AddFault) -> str:
    refused = refused_characters(said)
    if refused:
        add("place.detail", refused)
        return ""
    detail = " ".join(clean(said).split())
    if len(detail) > MAX_DETAIL_CHARACTERS:
        add("place.detail", "value_too_long", limit=str(MAX_DETAIL_CHARACTERS))
    return detail
