"""What can be wrong with a locality's profile: every fault, each as a sentence that names its row.

Called by `profile.read_profile` only. Checks what routing relies on: known bodies and codes, every code
covered on every day, no two rows for the same code on the same day, a catch-all at the end, and a body left
to turn to.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

from hotline.taxonomy import base_code

if TYPE_CHECKING:
    from services.respond.profile import Profile, Row

_CATCH_ALL = "*"


def find(profile: Profile, folder_name: str) -> Iterator[str]:
    """Every fault of a profile whose rows could be read."""
    if profile.locality != folder_name:
        yield f"locality {profile.locality!r} khác tên thư mục {folder_name!r}"
    ids = [row.id for row in profile.rows]
    yield from (f"{row_id}: mã dòng lặp lại" for row_id in sorted({i for i in ids if ids.count(i) > 1}))
    for row in profile.rows:
        yield from (f"{row.id}: {fault}" for fault in _row_faults(profile, row))
    yield from _last_resort_faults(profile)
    yield from _overlaps(profile)
    yield from _uncovered(profile)


def _row_faults(profile: Profile, row: Row) -> Iterator[str]:
    directory = profile.directory
    named = [row.lead, *row.co_leads, *row.concerns, *([row.lead_without_commune] if row.lead_without_commune else [])]
    named += [implementer.agency_id for implementer in row.implementers if implementer.agency_id]
    yield from (f"cơ quan không có trong danh bạ: {agency}" for agency in named if not directory.has(agency))
    for implementer in row.implementers:
        if implementer.office and not directory.has_office(implementer.office):
            yield f"xã, phường không có cơ quan loại {implementer.office}"
    if row.code and row.code != _CATCH_ALL and not profile.taxonomy.has(row.code):
        yield f"mã nội dung không có trong bộ chỉ số: {row.code}"
    if row.valid_to is not None and row.valid_to < row.valid_from:
        yield "ngày hết hiệu lực trước ngày có hiệu lực"
    if not row.source.strip():
        yield "thiếu nguồn (source)"
    if row.answers == "implementer" and not row.implementers:
        yield "giao cho đơn vị thực hiện trả lời mà không có đơn vị thực hiện"
    if directory.has(row.lead) and not directory.get(row.lead).has_accounts:
        yield f"đơn vị chủ trì {row.lead} không có tài khoản để trả lời"


def _last_resort_faults(profile: Profile) -> Iterator[str]:
    unknown = [agency for agency in profile.last_resorts if not profile.directory.has(agency)]
    yield from (f"last_resorts: cơ quan không có trong danh bạ: {agency}" for agency in unknown)
    if not profile.last_resorts:
        yield "last_resorts: phải có ít nhất một cơ quan"


def _overlaps(profile: Profile) -> Iterator[str]:
    for number, row in enumerate(profile.rows):
        for other in profile.rows[number + 1 :]:
            if (row.code, row.kind) == (other.code, other.kind) and _share_a_day(row, other):
                yield f"{row.id} và {other.id}: trùng thời gian hiệu lực cho cùng nội dung {row.code or row.kind}"


def _share_a_day(row: Row, other: Row) -> bool:
    latest_start = max(row.valid_from, other.valid_from)
    return all(end is None or latest_start <= end for end in (row.valid_to, other.valid_to))


def _uncovered(profile: Profile) -> Iterator[str]:
    if not profile.rows or profile.rows[-1].code != _CATCH_ALL:
        yield "thiếu dòng cuối cùng cho mọi nội dung còn lại (code = '*')"
    yield from (f"{row.id}: dòng '*' phải là dòng cuối cùng" for row in profile.rows[:-1] if row.code == _CATCH_ALL)
    for label in (*profile.taxonomy.labels, _CATCH_ALL):
        rows = [row for row in profile.rows if row.code in (label, base_code(label))]
        gap = _first_gap(rows, profile.valid_from)
        if gap is not None and (rows or label != _CATCH_ALL):
            yield f"thiếu dòng cho mã {label} từ ngày {gap:%d/%m/%Y}"


def _first_gap(rows: list[Row], first_day: date) -> date | None:
    """The first day from `first_day` on that no row covers; None when the cover never ends."""
    day = first_day
    for row in sorted(rows, key=lambda row: row.valid_from):
        if row.valid_from > day:
            return day
        if row.valid_to is None:
            return None
        day = max(day, row.valid_to + timedelta(days=1))
    return day
