"""A suspected denunciation: seen by the named screener and the inspectors alone, and by none of them whom it names."""

import logging
from collections.abc import Iterator

import pytest

from hotline.plumbing.log import JsonLines
from hotline.roles import Role
from tests.journeys.town import LEAD, Town, forms_on, words_of

pytestmark = pytest.mark.slow

WORDS = (
    "Cán bộ địa chính phường đòi 5 triệu đồng mới trả sổ đỏ cho nhà tôi. Tôi đã hỏi ông thanh tra Vũ Đình Khoa, ông ấy "
    "bảo muốn nhanh thì cứ đưa."
)
TELLING = ("5 triệu", "sổ đỏ", "Đình Khoa", "địa chính")
ROAD = "Đường tổ 3 hỏng nặng, đề nghị sửa. Chị địa chính tên Hoa đòi 200 nghìn tiền xăng xe mới xuống đo."
MORE = "Tôi còn giữ tin nhắn của ông Khoa"


class Lines(logging.Handler):
    """Every line that the process would write to standard error, as it would write it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line."""
        self.lines.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """Return the lines logged during the test, at the most talkative level."""
    handler, root = Lines(), logging.getLogger()
    level = root.level
    # The product keeps no access log (`server.listening`), which would hold paths; the tests' own server does.
    logging.getLogger("aiohttp.access").setLevel(logging.CRITICAL)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler.lines
    root.removeHandler(handler)
    root.setLevel(level)
    logging.getLogger("aiohttp.access").setLevel(logging.NOTSET)


async def test_a_denunciation_reaches_the_screener_and_nobody_else(town: Town, lines: list[str]) -> None:
    await town.hire_everyone()
    await town.hire("sangloc", Role.TRIAGE_OFFICER, "Lý Thị Sáng", is_screener=True)
    await town.hire("khoa", Role.INSPECTOR, "Vũ Đình Khoa", is_screener=True)
    await town.hire("tonghop", Role.COORDINATOR, "Lê Thị Hợp")
    code = await citizen_denounces(town)
    feedback_id = await town.feedback_id(code)
    await nobody_else_sees_it(town, feedback_id)
    await screener_confirms(town, feedback_id)
    await nobody_else_sees_it(town, feedback_id)
    await citizen_withdraws(town, code, feedback_id)
    await inspector_goes_on(town, feedback_id)
    await citizen_is_told_nothing_finer(town, code)
    await nobody_else_sees_it(town, feedback_id)
    await log_of_facts_is_sealed(town, feedback_id)
    nothing_was_logged(lines, feedback_id, code)


async def citizen_denounces(town: Town) -> str:
    """On the public form, with a number: the receipt promises the same as to anybody."""
    receipt = await town.submit(text=WORDS, place__commune="Hà Giang 2", reporter__phone="0912345678")
    assert "ngày 27/11/2026" in receipt.page.text
    page = await town.follow(receipt.code)
    assert (
        "Đã tiếp nhận" in page.text
        and "Lĩnh vực" not in page.text
        and "Cơ quan xử lý" not in words_of(page, "dl.facts")
    )
    state = await town.state(receipt.code)
    assert state["status"] == "received"
    assert (state["field"], state["agency"], state["answer"]) == (None, None, None)
    return receipt.code


async def nobody_else_sees_it(town: Town, feedback_id: str) -> None:
    """To everyone but screeners and inspectors, and to the inspector it names, there is no such thing."""
    lists = {
        "tongdai": ("/desk", "/desk?muc=dang-giai-quyet", "/desk?muc=da-xong", "/operator/tell"),
        "dieuphoi": ("/desk", "/desk?muc=dang-giai-quyet", "/review"),
        "canbo": ("/inbox", "/inbox?muc=da-xong"),
        "lanhdao": ("/inbox", "/inbox?muc=cho-ky"),
        "tonghop": ("/inspector", "/inspector?muc=qua-han", "/inspector?muc=ty-le", "/inspector/export.csv"),
        "khoa": ("/inspector", "/inspector/restricted", "/inspector/export.csv", "/review"),
    }
    for username, paths in lists.items():
        await town.sign_in(username)
        for path in paths:
            page = await town.browser.get(path)
            assert feedback_id not in page.html, (username, path)
            main = words_of(page, "main") or page.html
            assert not [words for words in TELLING if words in main], (username, path)
        await town.open(feedback_id, status=404)
        await town.browser.get(f"/operator/contact/{feedback_id}", status=404)
        await town.browser.get(f"/review/{feedback_id}", status=404)
    await town.sign_in("tonghop")
    await town.browser.get("/inspector/restricted", status=404)
    await town.sign_in("tongdai")
    await town.browser.get("/operator/call")
    page = await town.browser.submit("call", button="look_up", reporter__phone="0912345678")
    assert "Số này chưa có phản ánh nào được phép hiện ở đây." in page.text
    places = await town.browser.http.get("/dia-ban?q=khoa")
    assert "Khoa" not in await places.text() or "Đình Khoa" not in await places.text()


async def screener_confirms(town: Town, feedback_id: str) -> None:
    """By the end of the next working day; a click at the review desk that keeps the mark is a decision too."""
    await town.wait_until("2026-11-18 15:00")
    await town.sign_in("sangloc")
    page = await town.browser.get("/inspector/restricted")
    assert WORDS[:60] in page.text and "ngày 19/11/2026" in page.text
    page = await town.open(feedback_id)
    assert "Nội dung cần bảo mật" in page.text and "confirm_restricted" in forms_on(page)
    page = await town.do("confirm_restricted")
    assert "confirm_restricted" not in forms_on(page) and "Đúng hạn" in page.text
    assert "Đã sàng lọc" in (await town.browser.get("/inspector/restricted")).text


async def citizen_withdraws(town: Town, code: str, feedback_id: str) -> None:
    """What the citizen adds stays secret too; a withdrawal, perhaps under threat, closes nothing."""
    await town.wait_until("2026-11-19 07:00")
    await town.follow(code)
    await town.browser.submit("bo-sung", information=MORE)
    await town.settle()
    await town.follow(code)
    page = await town.browser.submit("rut", withdraw_reason="Tôi không muốn phiền nữa")
    assert "vẫn có thể được xem xét tiếp" in page.text
    await town.settle()
    assert (await town.state(code))["status"] == "received"
    await town.sign_in("sangloc")
    page = await town.open(feedback_id)
    assert MORE in page.text and "Đang thẩm định" in words_of(page, ".tag") and "Người dân rút phản ánh" in page.text


async def inspector_goes_on(town: Town, feedback_id: str) -> None:
    """Another inspector hands it to whom the law names."""
    page = await town.sign_in("thanhtra")
    assert WORDS[:60] in page.text
    page = await town.open(feedback_id)
    assert "0912345678" not in page.html and "912 345 678" not in page.html
    sheet = (await town.browser.get("/inspector/export.csv")).html
    assert feedback_id in sheet and "4.1" not in sheet and LEAD not in sheet and "Kiểm soát tham nhũng" not in sheet
    await town.open(feedback_id)
    await town.do("redirect", destination="Thanh tra tỉnh", note="Đến nộp đơn có chữ ký tại trụ sở tiếp công dân.")


async def citizen_is_told_nothing_finer(town: Town, code: str) -> None:
    """Whoever finds the code learns nothing from the page."""
    page = await town.follow(code)
    assert "Đang xử lý" in page.text and "Thanh tra" not in page.text and "chuyển theo quy định khác" not in page.text
    assert (await town.state(code))["agency"] is None


async def log_of_facts_is_sealed(town: Town, feedback_id: str) -> None:
    """The clear part of every fact of it, and of every dead letter, holds no word of the citizen."""
    rows = await town.query("select state, cause from bus_fact where feedback_id = ?", feedback_id)
    assert len(rows) >= 5
    for state, cause in rows:
        clear = (state if isinstance(state, bytes) else str(state).encode()).decode() + str(cause)
        assert not [words for words in (*TELLING, "Khoa", "tin nhắn", "phiền", "912345678") if words in clear]
    told = await town.query("select state from bus_fact where feedback_id = ? and producer = 'respond'", feedback_id)
    for (state,) in told[1:]:
        text = state.decode() if isinstance(state, bytes) else str(state)
        assert '"4.1"' not in text and LEAD not in text and "tham nhũng" not in text


def nothing_was_logged(lines: list[str], feedback_id: str, code: str) -> None:
    """Neither words nor number nor tracking code, nor what it is about."""
    about = [line for line in lines if feedback_id in line]
    assert len(about) >= 4
    assert not [line for line in about if '"4.' in line or "to_cao" in line or LEAD in line or "restrict" in line]
    spoken = " ".join(code[i : i + 3] for i in range(0, 12, 3))
    secret = (*TELLING, "Khoa", MORE, "912345678", code, spoken)
    assert not [line for line in lines for words in secret if words in line]


async def test_what_the_screener_returns_is_routed_on_the_same_promise(town: Town) -> None:
    await town.hire_everyone()
    await town.hire("sangloc", Role.INSPECTOR, "Lý Thị Sáng", is_screener=True)
    receipt = await town.submit(text=ROAD, place__commune="Hà Giang 2")
    feedback_id = await town.feedback_id(receipt.code)
    promised = {name: value for name, value in (await town.state(receipt.code)).items() if name.endswith("_due_at")}
    await town.sign_in("dieuphoi")
    await town.open(feedback_id, status=404)

    await town.wait_until("2026-11-19 16:00")
    await town.sign_in("sangloc")
    await town.browser.get(f"/review/{feedback_id}")
    await town.browser.submit(
        "verdict", code="6.3#giao_thong", second="", petition_kind="phan_anh_kien_nghi", **unchecked(town, "restricted")
    )
    await town.settle()

    state = await town.state(receipt.code)
    assert state["status"] == "assigned" and state["agency"] is not None
    assert {name: state[name] for name in promised} == promised
    await town.sign_in("canbo")
    page = await town.open(feedback_id)
    assert ROAD in page.text
    told = words_of(page, ".timeline") + words_of(page, ".table") + words_of(page, "dl.facts")
    assert "Phân công cơ quan xử lý" in told and not [said for said in ("bảo mật", "àng lọc") if said in told]
    await town.sign_in("dieuphoi")
    page = await town.open(feedback_id)
    clocks = words_of(page, ".table tbody")
    assert "Báo đã tiếp nhận Bộ phận tiếp nhận 08:00 ngày 19/11/2026 quá hạn 8 giờ" in clocks


def unchecked(town: Town, name: str) -> dict[str, tuple[str, ...]]:
    """Return what a browser sends of a box without its mark: nothing."""
    assert any(node.attributes.get("name") == name for node in town.browser.page.select("input[checked]"))
    return {name: ()}
