"""Decides what a citizen is promised: acknowledged by a person when, answered when.

ingest calls it at the receipt and tells the citizen; respond keeps the same promise and renews it when the
calendar changes. A promise only ever moves later, and only by such a change: routing, transfers and new
policies leave it.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct, structs

from hotline.working_days import NaiveInstant, WorkingCalendar, end_of_day, local_date

POLICIES_FILE = Path(__file__).parent / "data" / "sla-policies.toml"


class PolicyFault(ValueError):
    """The file of policies cannot be used; `faults` names every bad row."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(self.faults))


class UnknownPolicy(ValueError):
    """No policy has this id."""


class Promise(Struct, frozen=True, kw_only=True):
    """What the citizen was told: two due instants (UTC), the policy and the calendar version behind them.

    `working_days` is the number promised; `is_provisional` says that the answer is due on a day whose
    official calendar is not out yet.
    """

    acknowledgement_due_at: datetime
    response_due_at: datetime
    policy: str
    calendar: str
    is_provisional: bool
    working_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShorterTarget:
    """A stricter target of the agency's own clock for some matters; `codes` may name a dimension (`6`)."""

    working_days: int
    codes: tuple[str, ...] = ()
    is_urgent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaPolicy:
    """The targets of one locality. A row is never edited: a change is a new row with a new id.

    `acknowledgement_hours` are clock hours, nights and holidays counted; days are working days.
    `agency_working_days` is the agency's own clock from its assignment. `pauses_for_citizen` lets a question
    to a citizen who can be reached stop the response clock, for at most `pause_limit_working_days`.
    """

    id: str
    name: str
    source: str
    acknowledgement_hours: int
    response_working_days: int
    agency_working_days: int
    localities: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    screening_working_days: int = 1
    warning_working_days: int = 1
    acknowledgement_warning_hours: int = 4
    escalation_working_days: int = 2
    pauses_for_citizen: bool = False
    pause_limit_working_days: int = 10
    head_approves: bool = True
    reopen_limit: int = 2
    reopen_days: int = 30
    note: str = ""
    shorter: tuple[ShorterTarget, ...] = ()

    def agency_target(self, code: str, *, is_urgent: bool = False) -> int:
        """Return the working days of the agency's own clock for a matter: the least target that fits it."""
        return min([self.agency_working_days] + [t.working_days for t in self.shorter if fits(t, code, is_urgent)])


def fits(target: ShorterTarget, code: str, is_urgent: bool) -> bool:
    """Say whether a stricter target is meant for this code (`6` fits `6.3`) and urgency."""
    names_code = not target.codes or any(code == c or code.startswith((f"{c}.", f"{c}#")) for c in target.codes)
    return names_code and (is_urgent or not target.is_urgent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """All policies, in the order of the file; the first is the default."""

    rows: tuple[SlaPolicy, ...]
    _chosen: dict[tuple[str, str], SlaPolicy] = field(default_factory=dict, compare=False, repr=False)

    def choose(self, locality: str, channel: str) -> SlaPolicy:
        """Return the first policy for the locality (`da-nang` fits `da-nang-2025`) and channel, else the
        default."""
        asked = (locality, channel)
        if asked not in self._chosen:
            self._chosen[asked] = next((p for p in self.rows if serves(p, locality, channel)), self.rows[0])
        return self._chosen[asked]

    def by_id(self, policy_id: str) -> SlaPolicy:
        """Return one policy; raises UnknownPolicy."""
        for policy in self.rows:
            if policy.id == policy_id:
                return policy
        raise UnknownPolicy(f"no policy {policy_id!r}: choose one of {', '.join(p.id for p in self.rows)}")


def serves(policy: SlaPolicy, locality: str, channel: str) -> bool:
    """Say whether a policy is meant for a locality and a channel."""
    in_locality = any(locality == name or locality.startswith(f"{name}-") for name in policy.localities)
    return in_locality and (not policy.channels or channel in policy.channels)


def promise(received_at: datetime, policy: SlaPolicy, calendar: WorkingCalendar) -> Promise:
    """Return what a citizen is promised who was received at this instant.

    Acknowledged within the policy's clock hours, nights and holidays counted; answered by 23:59:59 in Vietnam
    of the last working day, the day of receipt in Vietnam not counted (BLDS 2015 Điều 147-148 by analogy).
    Both in UTC. Raises NaiveInstant, and OutOfCalendar for a receipt outside the years known.
    """
    if received_at.tzinfo is None:
        raise NaiveInstant("give the time zone of received_at, such as 2026-11-20T08:00:00+07:00")
    due = due_of(calendar, local_date(received_at), policy.response_working_days)
    return Promise(
        acknowledgement_due_at=received_at.astimezone(UTC) + timedelta(hours=policy.acknowledgement_hours),
        response_due_at=due.at,
        policy=policy.id,
        calendar=calendar.version,
        is_provisional=due.is_provisional,
        working_days=policy.response_working_days,
    )


class Due(NamedTuple):
    """When an answer is due (UTC), and whether the official calendar of that day is still to come."""

    at: datetime
    is_provisional: bool


@lru_cache(maxsize=4096)
def due_of(calendar: WorkingCalendar, received_on: date, working_days: int) -> Due:
    """Return when the promised working days end; asked thousands of times a day with the same answer."""
    last_day = calendar.nth_working_day_after(received_on, working_days)
    return Due(at=end_of_day(last_day), is_provisional=calendar.is_provisional(last_day))


def renew(old: Promise, received_at: datetime, policy: SlaPolicy, calendar: WorkingCalendar) -> Promise:
    """Return the promise counted again after a change of the calendar: later or the same, never earlier.

    The number of working days stays the one promised, whatever the policy says today, and the acknowledgement
    keeps its instant. Calling it twice changes nothing.
    """
    as_promised = replace(policy, response_working_days=old.working_days)
    new = promise(received_at, as_promised, calendar)
    due_at = max(old.response_due_at, new.response_due_at)
    return structs.replace(
        old,
        response_due_at=due_at,
        calendar=calendar.version,
        is_provisional=calendar.is_provisional(local_date(due_at)),
    )


@cache
def load_policies(extra: Path | None = None) -> Policies:
    """Return the packaged policies, read once; rows of `extra` (same layout) come first, so they win and are
    default.

    Raises PolicyFault that names every bad row.
    """
    packaged = read_policies(POLICIES_FILE.read_text("utf-8"))
    if extra is None:
        return packaged
    own = read_policies(extra.read_text("utf-8"))
    taken = {p.id for p in packaged.rows} & {p.id for p in own.rows}
    if taken:
        raise PolicyFault(f"policy {name}: this id is taken, a changed policy gets a new one" for name in sorted(taken))
    return Policies(rows=own.rows + packaged.rows)


def read_policies(text: str) -> Policies:
    """Read a file of policies (TOML); raises PolicyFault that names every bad row."""
    try:
        rows = tomllib.loads(text).get("policy", [])
    except tomllib.TOMLDecodeError as error:
        raise PolicyFault([f"not TOML: {error}"]) from error
    faults = [] if rows else ["no [[policy]] row"]
    policies: list[SlaPolicy] = []
    for number, row in enumerate(rows, start=1):
        found = policy_faults(row)
        faults += [f"policy {row.get('id', number)}: {fault}" for fault in found]
        if not found:
            policies.append(read_policy(row))
    ids = [p.id for p in policies]
    faults += [f"policy {name}: given twice" for name in sorted({n for n in ids if ids.count(n) > 1})]
    if faults:
        raise PolicyFault(faults)
    return Policies(rows=tuple(policies))


_KINDS: Mapping[object, type] = {str: str, int: int, bool: bool}


def policy_faults(row: Mapping[str, object]) -> list[str]:
    """Name what is wrong with one `[[policy]]` row."""
    known = {f.name: f for f in fields(SlaPolicy)}
    required = (
        "id",
        "name",
        "source",
        "acknowledgement_hours",
        "response_working_days",
        "agency_working_days",
    )
    faults = [f"{key}: missing" for key in required if key not in row]
    faults += [f"{key}: unknown" for key in row if key not in known]
    for key, value in row.items():
        kind = _KINDS.get(known[key].type) if key in known else None
        if kind is not None and type(value) is not kind:
            faults.append(f"{key}: give a {kind.__name__}")
        elif kind is int and key != "reopen_limit" and isinstance(value, int) and value < 1:
            faults.append(f"{key}: give 1 or more")
    for key in ("localities", "channels", "shorter"):
        if not isinstance(row.get(key, []), list):
            faults.append(f"{key}: give a list")
    targets = row.get("shorter", [])
    if isinstance(targets, list) and any(not has_days(t) for t in targets):
        faults.append("shorter: each needs working_days of 1 or more")
    return faults


def has_days(target: object) -> bool:
    """Say whether a stricter target names its working days."""
    days = target.get("working_days") if isinstance(target, dict) else None
    return type(days) is int and days >= 1


def read_policy(row: Mapping[str, object]) -> SlaPolicy:
    """Build one policy from a row without faults."""
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    targets = row.get("shorter", [])
    assert isinstance(targets, list)
    values["shorter"] = tuple(
        ShorterTarget(
            working_days=t["working_days"],
            codes=tuple(t.get("codes", ())),
            is_urgent=bool(t.get("is_urgent", False)),
        )
        for t in targets
    )
    return SlaPolicy(**values)  # type: ignore[arg-type]
