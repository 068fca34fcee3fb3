"""The sentence that tells staff why a ticket went where it went.

Called by `routing` only. Vietnamese, plain words, the bodies by their names on the day. It never quotes the
citizen and never names the unit a denunciation is about.
"""

from __future__ import annotations

from collections.abc import Iterable

from hotline.agencies import Agency


def say(
    *,
    title: str,
    lead: Agency,
    co_leads: tuple[Agency, ...],
    implementers: tuple[Agency, ...],
    answers: Agency,
    was_raised: bool,
    is_decider: bool,
    is_outside: bool,
) -> str:
    """One sentence: "6.3 (điện sinh hoạt): Phòng Kinh tế theo dõi, Điện lực thực hiện; Phòng Kinh tế trả
    lời.".
    """
    if is_decider:
        copied = f"; đồng gửi {_names(co_leads)}" if co_leads else ""
        said = f"khiếu nại lần đầu do cơ quan đã ra quyết định, {lead.name}, giải quyết{copied}"
    elif was_raised:
        said = f"{lead.name} tiếp nhận vì đơn vị có thể bị phản ánh và đơn vị trực thuộc không được nhận"
        said += "" if lead.has_accounts else "; chuyển bằng văn bản, không qua hệ thống"
    else:
        said = _by_plan(lead, co_leads, implementers, answers)
    outside = "; nơi được phản ánh nằm ngoài địa bàn của danh bạ" if is_outside else ""
    return f"{title}: {said}{outside}."


def _by_plan(lead: Agency, co_leads: tuple[Agency, ...], implementers: tuple[Agency, ...], answers: Agency) -> str:
    leads = f"{_names((lead, *co_leads))} theo dõi" + (" và thực hiện" if lead in implementers else "")
    others = [body for body in implementers if body != lead]
    doing = f", {_names(others)} thực hiện" if others else ""
    recorded = [body for body in implementers if not body.has_accounts]
    why = f" và ghi lại ý kiến của {_names(recorded)}" if recorded and answers == lead else ""
    return f"{leads}{doing}; {answers.name} trả lời{why}"


def _names(agencies: Iterable[Agency]) -> str:
    return ", ".join(agency.name for agency in agencies)
