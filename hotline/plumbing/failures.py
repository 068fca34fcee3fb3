"""The two kinds of failure that are never mixed: the world is down, or this fact is bad.

Raised by drivers and actions; told apart by `consume.py` alone.
"""


class WorldIsDown(Exception):
    """Store, bus or key unavailable: nothing is wrong with the fact; wait, retry without limit, lose nothing."""


class StoreUnavailable(WorldIsDown):
    """The database cannot be written or read now (locked too long, disk full, no primary, closed): try again later."""


class FactWaits(WorldIsDown):
    """This process cannot read this fact yet: it waits, and what comes after it in its partition; the rest goes on."""


class FactUnreadable(FactWaits):
    """A schema, kind or value that this release does not know: pause with an alarm until the release that does."""


class KeyMissing(FactWaits):
    """The key that sealed a fact is not among ours: pause until the operator gives it in SEAL_KEYS."""


class FactIsBad(Exception):
    """This fact can never be handled (tampered with, contradictory): a dead letter, without more attempts."""


class TooManyDeadLetters(Exception):
    """Dead letters in a row: a bad release must not empty the log into the dead letters, so the process stops."""
