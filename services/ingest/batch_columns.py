"""Decides which column of a batch means what, in Vietnamese or English, with or without diacritics.

Called by the readers of CSV, XLSX and JSONL batches. Pure; a column that nobody knows is named, never guessed at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hotline.text import fold


class Column(StrEnum):
    """What a slip of a suggestion box may say."""

    TEXT = "text"
    BOX = "box"
    OPENED_AT = "opened_at"
    ROW = "row"
    PROVINCE = "province"
    COMMUNE = "commune"
    DETAIL = "detail"
    NAME = "name"
    PHONE = "phone"
    EMAIL = "email"
    EXTERNAL_ID = "external_id"


# One row a column: the names that clerks give it, folded. The first is the one the help shows.
NAMES: Mapping[Column, tuple[str, ...]] = {
    Column.TEXT: ("noi dung", "noi dung phan anh", "noi dung phan anh, kien nghi", "noi dung gop y", "phan anh",
                  "gop y", "y kien", "text", "content", "message"),
    Column.BOX: ("hom thu", "hom thu gop y", "ma hom thu", "so hom thu", "ten hom thu", "box", "box id", "box_id"),
    Column.OPENED_AT: ("ngay mo", "ngay mo hom thu", "thoi diem mo", "ngay gio mo", "mo ngay", "opened_at", "opened at",
                       "opened"),
    Column.ROW: ("so dong", "stt", "so thu tu", "so phieu", "dong", "row", "no", "no.", "number"),
    Column.PROVINCE: ("tinh", "tinh/thanh pho", "tinh, thanh pho", "tinh thanh", "thanh pho", "province"),
    Column.COMMUNE: ("xa/phuong", "xa, phuong", "xa phuong", "xa/phuong/dac khu", "xa, phuong, dac khu", "xa", "phuong",
                     "commune", "ward"),
    Column.DETAIL: ("thon/to/ap", "thon, to, ap", "thon/to", "thon", "to dan pho", "ap", "dia chi", "noi o", "address",
                    "detail"),
    Column.NAME: ("ho ten", "ho va ten", "nguoi gui", "nguoi phan anh", "ten", "name", "full name", "full_name"),
    Column.PHONE: ("dien thoai", "so dien thoai", "sdt", "dt", "di dong", "phone", "telephone", "mobile"),
    Column.EMAIL: ("email", "e-mail", "thu dien tu", "dia chi email"),
    Column.EXTERNAL_ID: ("ma ngoai", "ma so", "ma phieu", "external_id", "external id", "id"),
}  # fmt: skip

_COLUMN_OF = {name: column for column, names in NAMES.items() for name in names}


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Where each known column stands; `unknown` and `doubled` are the titles that are not used."""

    positions: Mapping[Column, int]
    unknown: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()


def column_named(title: str) -> Column | None:
    """Return what a column of this title means, None when nobody knows."""
    return _COLUMN_OF.get(fold(title).replace(" / ", "/").strip(" :*"))


def read_header(titles: Sequence[str]) -> Header:
    """Return where the known columns stand; of two with the same meaning the first counts."""
    positions: dict[Column, int] = {}
    unknown: list[str] = []
    doubled: list[str] = []
    for position, title in enumerate(titles):
        column = column_named(title)
        if column is None:
            unknown += [title.strip()] if title.strip() else []
        elif column in positions:
            doubled.append(title.strip())
        else:
            positions[column] = position
    return Header(positions=positions, unknown=tuple(unknown), doubled=tuple(doubled))
