"""What a citizen's text names, and where: persons, numbers, places and bodies; and the text without what is personal.

Called by classify (labels kept for training are redacted, the review desk suggests a commune) and by the measure of
docs/spans.md. Pure and deterministic: own rules and kept lists, no model. Time grows with the length of the text only.
"""

from __future__ import annotations

from collections.abc import Iterable

from hotline.agencies import AgencyDirectory
from hotline.named_agencies import agencies_in
from hotline.place_words import COMMUNE_WORDS, expand, key, without
from hotline.places import Commune, load_gazetteer
from hotline.reading import Reading, read
from hotline.span import Found, Span, SpanKind
from hotline.span_agencies import find_bodies
from hotline.span_numbers import find_numbers
from hotline.span_people import find_people
from hotline.span_places import find_hamlets, find_houses, find_places, find_streets

__all__ = ["Span", "SpanKind", "find_spans", "named_communes", "redact"]

NEUTRAL = {
    SpanKind.PERSON: "[tên]",
    SpanKind.PHONE: "[số điện thoại]",
    SpanKind.CITIZEN_ID: "[số căn cước]",
    SpanKind.EMAIL: "[thư điện tử]",
    SpanKind.BANK_ACCOUNT: "[số tài khoản]",
    SpanKind.PLATE: "[biển số xe]",
    SpanKind.HOUSE: "[số nhà]",
}


def find_spans(text: str, directory: AgencyDirectory | None = None) -> tuple[Span, ...]:
    """Return everything named in a text, by place, in its NFC form (`hotline.text.nfc`).

    Spans do not overlap, but a place may stand within a body ("UBND xã Ngọc Đường"). With a directory its own names
    and aliases are bodies too, and their ids the value. Any text is taken; nothing is refused.
    """
    reading = read(text)
    return tuple(sorted((_span(reading, found) for found in _found(reading, directory)), key=_by_place))


def redact(text: str) -> str:
    """Return the NFC text with neutral words for persons, numbers, addresses and plates; the rest stays as written.

    Places, streets and bodies stay: they say what the matter is about. What the finders miss stays too, see
    docs/spans.md: the result is fewer people's business, not anonymous.
    """
    reading = read(text)
    kept, at = [], 0
    for span in sorted((_span(reading, found) for found in _found(reading, None)), key=_by_place):
        if span.kind in NEUTRAL:
            kept += [reading.text[at : span.start], NEUTRAL[span.kind]]
            at = span.end
    return "".join([*kept, reading.text[at:]])


def named_communes(text: str, province_code: str = "") -> tuple[Commune, ...]:
    """Return today's communes that a text names for certain, by code.

    They lie in the province that the text names, else in the one given, else anywhere. A name that several communes
    have, or whose commune was split, is none; so is a name without its kind, a province or a district.
    """
    places = [span.value for span in find_spans(text) if span.kind is SpanKind.PLACE]
    gazetteer = load_gazetteer()
    provinces = {found.code for place in places if (found := gazetteer.province_named(place))}
    province = provinces.pop() if len(provinces) == 1 else province_code
    communes = (place for place in places if without(COMMUNE_WORDS, key(expand(place)))[0])
    named = (gazetteer.resolve(province, place) for place in communes)
    return tuple(sorted({found for found in named if isinstance(found, Commune)}, key=lambda commune: commune.code))


def _found(reading: Reading, directory: AgencyDirectory | None) -> list[Found]:
    numbers = _apart((), find_numbers(reading))
    named = agencies_in(reading, directory) if directory else ()
    bodies = _apart(numbers, _longest_first((*named, *find_bodies(reading))))
    inside, outside = _within(bodies, find_places(reading))
    local = (*outside, *find_streets(reading), *find_houses(reading), *find_hamlets(reading))
    everything = [*numbers, *bodies, *_apart((*numbers, *bodies), local)]
    people = find_people(reading, _taken_words(reading, everything))
    return [*everything, *inside, *people]


def _within(bodies: Iterable[Found], places: Iterable[Found]) -> tuple[list[Found], list[Found]]:
    """The places that stand within one body's name, and the others."""
    body_at = {place: number for number, body in enumerate(bodies) for place in range(body.start, body.end)}
    parted: tuple[list[Found], list[Found]] = ([], [])
    for place in places:
        body = body_at.get(place.start)
        parted[0 if body is not None and body == body_at.get(place.end - 1) else 1].append(place)
    return parted


def _longest_first(found: Iterable[Found]) -> list[Found]:
    return sorted(found, key=lambda one: (one.start - one.end, one.start))


def _apart(taken: Iterable[Found], found: Iterable[Found]) -> list[Found]:
    """Those that overlap neither what is taken nor one that came before."""
    covered = {place for one in taken for place in range(one.start, one.end)}
    kept = []
    for one in found:
        if covered.isdisjoint(range(one.start, one.end)):
            covered.update(range(one.start, one.end))
            kept.append(one)
    return kept


def _taken_words(reading: Reading, found: Iterable[Found]) -> list[bool]:
    covered = {place for one in found for place in range(one.start, one.end)}
    return [word.start in covered for word in reading.words]


def _span(reading: Reading, found: Found) -> Span:
    start, end = reading.place_of(found.start, found.end)
    return Span(start=start, end=end, kind=found.kind, value=found.value)


def _by_place(span: Span) -> tuple[int, int]:
    return span.start, -span.end
