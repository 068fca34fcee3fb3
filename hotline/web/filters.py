"""How instants, due times and tracking codes are written on pages. Pure; the page environment registers them.

Instants come in aware, are shown in Asia/Ho_Chi_Minh, and a naive one is refused.
"""

from datetime import date, datetime, timedelta
from typing import Protocol

from hotline.tracking import format_tracking_code
from hotline.web.messages import Messages
from hotline.working_days import VN


class WorkingDays(Protocol):
    """The part of `hotline.working_days.WorkingCalendar` that counting needs."""

    def is_working_day(self, day: date, /) -> bool:
        """Say whether offices are open that day."""


def vn_time(at: datetime) -> datetime:
    """Return the instant on a clock in Viet Nam; raises ValueError for a naive one."""
    if at.tzinfo is None:
        raise ValueError("a naive instant cannot be shown")
    return at.astimezone(VN)


def vn_date(day: date) -> str:
    """Return "24/11/2026", of a date or of an instant's day in Viet Nam."""
    shown = vn_time(day) if isinstance(day, datetime) else day
    return f"{shown.day:02}/{shown.month:02}/{shown.year:04}"


def vn_datetime(at: datetime, lang: str = "vi") -> str:
    """Return "14:05 ngày 24/11/2026" (English: "14:05 on 24/11/2026")."""
    shown = vn_time(at)
    return f"{shown.hour:02}:{shown.minute:02} {'ngày' if lang == 'vi' else 'on'} {vn_date(shown.date())}"


def tracking(code: str) -> str:
    """Return a tracking code in threes: "123 456 789 012"."""
    return format_tracking_code(code)


def due_in_words(
    messages: Messages, lang: str, due_at: datetime, now: datetime, calendar: WorkingDays | None = None
) -> str:
    """Return how long is left or how late it is: "còn 2 ngày làm việc", "còn 5 giờ", "quá hạn 3 giờ".

    From a day on, days are counted: with a calendar the working days after today up to the due day, without
    one whole days of 24 hours. Under a day hours, under an hour minutes, rounded down; the due instant itself
    is not yet late.
    """
    left = vn_time(due_at) - vn_time(now)
    side = "left" if left >= timedelta(0) else "over"
    amount = abs(left)
    if calendar is not None and amount >= timedelta(days=1):
        first, last = sorted((vn_time(now).date(), vn_time(due_at).date()))
        days = sum(calendar.is_working_day(first + timedelta(n)) for n in range(1, (last - first).days + 1))
        return _counted(messages, lang, f"due.{side}_working_days", days)
    if amount >= timedelta(days=2):
        return _counted(messages, lang, f"due.{side}_days", amount.days)
    hours = int(amount.total_seconds() // 3600)
    if hours:
        return _counted(messages, lang, f"due.{side}_hours", hours)
    return _counted(messages, lang, f"due.{side}_minutes", int(amount.total_seconds() // 60))


def _counted(messages: Messages, lang: str, key: str, count: int) -> str:
    return messages.message(lang, f"{key}_one" if count == 1 else key, {"n": count})
