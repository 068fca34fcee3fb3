"""A locality's profile stops the start with every fault it has; a good one always has a row."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

import hotline
from hotline.agencies import UnknownLocality
from hotline.taxonomy import PetitionKind
from services.respond.profile import ProfileInvalid, load_profile, profiles, read_profile

PACKAGED = Path(hotline.__file__).parent / "data" / "profiles" / "ha-giang-2023"
Change = Callable[[str], str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PACKAGED, tmp_path / "ha-giang-2023"))


def change(folder: Path, name: str, how: Change) -> None:
    path = folder / name
    before = path.read_text(encoding="utf-8")
    after = how(before)
    assert after != before
    path.write_text(after, encoding="utf-8")


def faults(folder: Path) -> tuple[str, ...]:
    with pytest.raises(ProfileInvalid) as refused:
        read_profile(folder)
    assert all(fault in str(refused.value) for fault in refused.value.faults)
    return refused.value.faults


def swap(old: str, new: str) -> Change:
    return lambda text: text.replace(old, new, 1)


def row(row_id: str, old: str, new: str) -> Change:
    def apply(text: str) -> str:
        at = text.index(f'id = "{row_id}"')
        return text[:at] + text[at:].replace(old, new, 1)

    return apply


def append(**cells: str) -> Change:
    lines = {"lead": '"phong-noi-vu-hg"', "answers": '"lead"', "source": '"x"'} | cells
    return lambda text: text + "\n[[route]]\n" + "\n".join(f"{name} = {value}" for name, value in lines.items()) + "\n"


def without_row(row_id: str) -> Change:
    def apply(text: str) -> str:
        tables = text.split("[[route]]")
        return "[[route]]".join(table for table in tables if f'id = "{row_id}"' not in table)

    return apply


def test_the_packaged_copy_is_without_fault(folder: Path):
    assert read_profile(folder) == load_profile("ha-giang-2023")
    assert profiles() == ("ha-giang-2023",)


def test_every_row_says_where_it_is_from_and_what_is_not_in_the_plan():
    for line in load_profile("ha-giang-2023").rows:
        assert line.source.startswith("seed 001, dòng ") != line.is_inferred
        assert line.is_unverified


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (row("hg-1.1", '"phong-vhtt-hg"', '"phong-la"'), "hg-1.1: cơ quan không có trong danh bạ: phong-la"),
        (row("hg-3.3", '"toa-an-tp-hg"', '"toa-la"'), "hg-3.3: cơ quan không có trong danh bạ: toa-la"),
        (row("hg-7.2", '"so-nnmt-tq"', '"so-la"'), "hg-7.2: cơ quan không có trong danh bạ: so-la"),
        (row("hg-4.2", 'concerns = ["ttyt-tp-hg"]', 'concerns = ["ai"]'), "hg-4.2: cơ quan không có trong danh bạ: ai"),
        (row("hg-1.1", '"@ubnd-xa"', '"@hop-tac-xa"'), "hg-1.1: xã, phường không có cơ quan loại hop-tac-xa"),
        (row("hg-8.3", 'code = "8.3"', 'code = "8.4"'), "hg-8.3: mã nội dung không có trong bộ chỉ số: 8.4"),
        (row("hg-1.1", 'source = "seed 001, dòng 194"', 'source = " "'), "hg-1.1: thiếu nguồn (source)"),
        (
            row("hg-7.2", '"lead"', '"implementer"'),
            "hg-7.2: giao cho đơn vị thực hiện trả lời mà không có đơn vị thực hiện",
        ),
        (
            row("hg-7.2", '"phong-kinh-te-hg"', '"dien-luc-hg"'),
            "hg-7.2: đơn vị chủ trì dien-luc-hg không có tài khoản để trả lời",
        ),
        (
            row("hg-7.2", 'answers = "lead"', 'answers = "dân"'),
            "dòng thứ 41 (hg-7.2): answers phải là lead hoặc implementer, không phải 'dân'",
        ),
        (
            row("hg-1.1", 'code = "1.1"', 'code = "1.1"\nkind = "to_cao"'),
            "dòng thứ 2 (hg-1.1): phải có đúng một trong hai: code, kind",
        ),
        (
            row("hg-1.1", 'id = "hg-1.1"', 'id = "hg-1.1"\nvalid_to = 2023-01-01'),
            "hg-1.1: ngày hết hiệu lực trước ngày có hiệu lực",
        ),
        (without_row("hg-6.3-dien"), "thiếu dòng cho mã 6.3#dien từ ngày 01/05/2023"),
        (without_row("hg-0"), "thiếu dòng cho mã 0 từ ngày 01/05/2023"),
        (without_row("hg-con-lai"), "thiếu dòng cuối cùng cho mọi nội dung còn lại (code = '*')"),
        (
            row("hg-7.3", 'id = "hg-7.3"', 'id = "hg-7.3"\nvalid_to = 2025-06-30'),
            "thiếu dòng cho mã 7.3 từ ngày 01/07/2025",
        ),
        (
            row("hg-7.3", 'id = "hg-7.3"', 'id = "hg-7.3"\nvalid_from = 2024-01-01'),
            "thiếu dòng cho mã 7.3 từ ngày 01/05/2023",
        ),
        (append(id='"thua"', code='"1.1"'), "hg-1.1 và thua: trùng thời gian hiệu lực cho cùng nội dung 1.1"),
        (append(id='"hg-1.1"', code='"2.1#x"'), "hg-1.1: mã dòng lặp lại"),
        (append(id='"cuoi"', code='"9.1"'), "hg-con-lai: dòng '*' phải là dòng cuối cùng"),
    ],
)
def test_a_fault_in_the_table_is_named_with_its_row(folder: Path, broken: Change, fault: str):
    change(folder, "routes.toml", broken)
    assert fault in faults(folder)


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        (swap('directory = "ha-giang-2023"', 'directory = "xa-la"'), "không có dữ liệu cho địa phương 'xa-la'"),
        (swap('scheme = "HG-2023"', 'scheme = "PAPI"'), "không có bộ chỉ số PAPI"),
        (swap('locality = "ha-giang-2023"', 'locality = "khac"'), "locality 'khac' khác tên thư mục 'ha-giang-2023'"),
        (swap('"thanh-tra-chinh-phu"', '"bo-la"'), "last_resorts: cơ quan không có trong danh bạ: bo-la"),
        (
            swap('["thanh-tra-tinh-hg", "thanh-tra-chinh-phu"]', "[]"),
            "last_resorts: phải có ít nhất một cơ quan",
        ),
    ],
)
def test_a_fault_in_the_head_is_named(folder: Path, broken: Change, fault: str):
    change(folder, "profile.toml", broken)
    assert fault in faults(folder)


def test_all_faults_are_named_together(folder: Path):
    for broken in (
        row("hg-1.1", '"phong-vhtt-hg"', '"phong-la"'),
        row("hg-8.3", 'code = "8.3"', 'code = "8.4"'),
        row("hg-7.2", 'answers = "lead"', 'answers = "dân"'),
        without_row("hg-con-lai"),
        append(id='"thua"', code='"1.2"'),
    ):
        change(folder, "routes.toml", broken)
    assert set(faults(folder)) >= {
        "hg-1.1: cơ quan không có trong danh bạ: phong-la",
        "hg-8.3: mã nội dung không có trong bộ chỉ số: 8.4",
        "dòng thứ 41 (hg-7.2): answers phải là lead hoặc implementer, không phải 'dân'",
        "thiếu dòng cuối cùng cho mọi nội dung còn lại (code = '*')",
        "hg-1.2 và thua: trùng thời gian hiệu lực cho cùng nội dung 1.2",
        "thiếu dòng cho mã 8.3 từ ngày 01/05/2023",
    }


@pytest.mark.parametrize("name", ["profile.toml", "routes.toml"])
def test_a_missing_or_garbled_file_is_named(folder: Path, name: str):
    (folder / name).write_text("[[", encoding="utf-8")
    assert any(fault.startswith(f"{name}: ") for fault in faults(folder))
    (folder / name).unlink()
    assert any(fault.startswith(f"{name}: ") for fault in faults(folder))


def test_a_cell_nobody_knows_is_named(folder: Path):
    change(folder, "routes.toml", row("hg-1.1", 'id = "hg-1.1"', 'id = "hg-1.1"\ncolour = "red"'))
    assert any(fault.startswith("dòng thứ 2 (hg-1.1): ") and "colour" in fault for fault in faults(folder))


def test_a_row_may_follow_another_for_the_same_content(folder: Path):
    change(folder, "routes.toml", row("hg-7.3", 'id = "hg-7.3"', 'id = "hg-7.3"\nvalid_to = 2025-06-30'))
    later = '[[route]]\nid = "moi"\ncode = "7.3"\nlead = "so-nnmt-tq"\nanswers = "lead"\nsource = "x"\n'
    later += "valid_from = 2025-07-01\n\n"
    change(folder, "routes.toml", swap('[[route]]\nid = "hg-8.1"', later + '[[route]]\nid = "hg-8.1"'))
    profile = read_profile(folder)
    kind = PetitionKind.PHAN_ANH_KIEN_NGHI
    assert profile.row_for("7.3", kind, date(2025, 6, 30)).id == "hg-7.3"
    assert profile.row_for("7.3", kind, date(2025, 7, 1)).id == "moi"


def test_an_unknown_locality_is_refused():
    with pytest.raises(UnknownLocality):
        load_profile("atlantis")
