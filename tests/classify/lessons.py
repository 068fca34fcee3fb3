"""A small world to learn in: two codes, whose fixed set is said in words that only corrections teach."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hotline.taxonomy import PetitionKind
from services.classify.learning import Material, Outcome, is_held_out, learn
from services.classify.store import Label
from services.classify.training_data import WRITTEN, Example

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
HEALTH, SCHOOL = "6.1", "6.2"
PLAIN = PetitionKind.PHAN_ANH_KIEN_NGHI
KNOWN = {HEALTH: "Bác sĩ trạm xá hết thuốc", SCHOOL: "Cô giáo lớp học thiếu bàn ghế"}
STRANGE = {HEALTH: "Vắc xin tiêm phòng chậm trễ", SCHOOL: "Bán trú nấu ăn mất vệ sinh"}
SECRET = ("Chủ tịch nhận phong bì đút lót", "4.3")
EACH = 12
STREETS = ("Hoa Ban", "Chợ Cũ", "Bản Lủng", "Suối Nậm", "Đồi Chè", "Bến Phà", "Cầu Treo", "Dốc Đá")


def example(text: str, code: str) -> Example:
    is_secret = code == SECRET[1]
    kind = PetitionKind.TO_CAO if is_secret else PLAIN
    return Example(id=text, text=text, code=code, kind=kind, origin=WRITTEN, urgent=is_secret)


def messages(*, fixed: bool, words: dict[str, str], count: int = EACH) -> list[Example]:
    """Return messages of each code in these words, all of the fixed set or none."""
    found = []
    for code, said in words.items():
        numbered = (example(f"{said} {STREETS[n % 8]} {STREETS[n // 8 % 8]}", code) for n in range(64 * 9))
        distinct = {one.text: one for one in numbered if is_held_out(one) is fixed}
        found += list(distinct.values())[:count]
    return found


MATERIAL = Material(
    messages=(
        *messages(fixed=False, words=KNOWN),
        *messages(fixed=False, words={SECRET[1]: SECRET[0]}),
        *messages(fixed=True, words=STRANGE, count=8),
        *messages(fixed=True, words={SECRET[1]: SECRET[0]}, count=4),
    ),
    cues=(),
)


def label(number: int, text: str, code: str, at: datetime = NOW) -> Label:
    """Return a person's word on feedback `f<number>`."""
    return Label(
        feedback_id=f"f{number:03}", text=text, code=code, petition_kind=PLAIN, urgent=False, model_version="m1",
        was_correct=False, at=at + timedelta(minutes=number),
    )  # fmt: skip


def corrections(*, right: bool = True, first: int = 0) -> list[Label]:
    """Return what persons said of texts in the strange words: the right code, or the other one."""
    other = {HEALTH: SCHOOL, SCHOOL: HEALTH}
    texts = messages(fixed=False, words=STRANGE)
    codes = [one.code or "" for one in texts]
    return [
        label(first + n, one.text, code if right else other[code])
        for n, (one, code) in enumerate(zip(texts, codes, strict=True))
    ]


def learned(models_dir: Path, labels: list[Label], at: datetime = NOW) -> Outcome:
    """Learn in the small world."""
    return learn(models_dir, labels, at=at, material=MATERIAL)


def restricted_words() -> Label:
    """Return a label that no model may learn, though somebody made one."""
    return replace(label(900, "Tố cáo cán bộ vòi tiền", "4.3"), petition_kind=PetitionKind.TO_CAO)
