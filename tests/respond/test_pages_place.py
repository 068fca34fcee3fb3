"""The ticket's page says which commune the words name where the citizen gave none; nothing is set by it."""

import pytest

from hotline.places import Place
from hotline.roles import Role
from tests.respond.office import WARD, Office

HEADING = "Lời văn có nhắc"
PROVINCE = Place(province_code="08", province_name="Tuyên Quang", commune_code=None, commune_name=None)

NAMED = [
    ("Cống ở xã Ngọc Đường tắc", None, "Xã Ngọc Đường, tỉnh Tuyên Quang"),
    ("cong o xa ngoc duong tac", PROVINCE, "Xã Ngọc Đường, tỉnh Tuyên Quang"),
    ("UBND P. Hà Giang 1 chưa trả lời", None, "Phường Hà Giang 1, tỉnh Tuyên Quang"),
    ("Xã Tân Hưng, tỉnh Cà Mau mất nước", None, "Xã Tân Hưng, tỉnh Cà Mau"),
    ("Xã Tân Hưng mất nước", None, ""),
    ("Từ xã Ngọc Đường sang phường Hà Giang 2 đường hỏng", None, ""),
    ("Cống trước nhà tắc", None, ""),
    ("Cống ở xã Ngọc Đường tắc", WARD, ""),
]


@pytest.mark.parametrize(("text", "place", "said"), NAMED)
async def test_one_commune_named_is_said_and_not_set(office: Office, text: str, place: Place | None, said: str) -> None:
    await office.receive("f1", text, place=place)
    await office.classify("f1", code="6.3#giao_thong")
    office.sign_in(Role.OPERATOR)
    page = await office.open()
    assert (HEADING in page.text) is bool(said)
    assert said in page.text
    assert (await office.ticket()).place == place
