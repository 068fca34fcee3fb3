"""Instants as text whose order is the order of time: how every store writes what it sorts or compares by.

Used by the stores of both backends: SQLite has no type for an instant, and a BSON date keeps only milliseconds.
"""

from datetime import UTC, datetime


def sortable(at: datetime) -> str:
    """Return an aware instant as UTC text with microseconds; raises ValueError for one without a time zone."""
    if at.tzinfo is None:
        raise ValueError("an instant without a time zone cannot be stored")
    return at.astimezone(UTC).isoformat(timespec="microseconds")
