"""Who gets a ticket, why, and who never does.

Called by respond's actions and the `route` command. Pure: profile, code, kind, commune and day in, one
`Route` out, the same every time. Never sends a suspected denunciation, or a 4.x content, to the unit it is
about or to anybody below it; the level above takes it. It only names bodies that existed on the day: ended
ones are followed to their successors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice

from hotline.agencies import Agency, AgencyDirectory
from hotline.named_agencies import find_named_agencies
from hotline.taxonomy import PetitionKind, is_restricted_code
from services.respond.profile import Answerer, Implementer, Profile, ProfileInvalid, Row, load_profile
from services.respond.route_reason import say

__all__ = [
    "Profile",
    "ProfileInvalid",
    "Route",
    "choose",
    "find_named_agencies",
    "load_profile",
]

_MEDIA = "truyen_thong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Who follows a ticket (`agency_id`), who does the work, and who answers the citizen (`answers`, an
    agency id).

    `rule` and `source` name the row that decided, `reason` says it in Vietnamese for staff. `excluded` are
    the bodies that must not see the ticket. `is_inferred`: the plan does not say it in so many words.
    """

    agency_id: str
    implementer_ids: tuple[str, ...]
    answers: str
    rule: str
    source: str
    reason: str
    excluded: tuple[str, ...]
    is_inferred: bool
    co_lead_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One question to the table, with what follows from it."""

    profile: Profile
    row: Row
    commune_code: str | None
    on: date
    is_guarded: bool
    is_denunciation: bool
    excluded: frozenset[str]

    @property
    def directory(self) -> AgencyDirectory:
        return self.profile.directory


def choose(
    profile: Profile,
    *,
    code: str,
    kind: PetitionKind,
    commune_code: str | None,
    on: date,
    named_agency_ids: frozenset[str] = frozenset(),
    restricted: bool = False,
) -> Route:
    """Say who gets a ticket about `code`, received on day `on` (Asia/Ho_Chi_Minh), in a commune or in none.

    Always answers, with bodies that existed on that day; a day before the plan counts as its first.
    `restricted` says a denunciation or staff misconduct is suspected. A khiếu nại goes first to the one
    body it names, that decided (Luật Khiếu nại); a denunciation, suspected or not, and any 4.x never to the
    unit named nor below it (Luật Tố cáo 2018 Đ.12: the level above). An urgent matter keeps its code's
    route. Raises `UnknownCode` and `UnknownAgency`.
    """
    title = _title(profile, code, kind)
    case = _case(profile, code, kind, commune_code, max(on, profile.valid_from), named_agency_ids, restricted)
    decided = None if case.is_guarded else _body_that_decided(case, kind, named_agency_ids)
    planned = _lead(case)
    lead = decided or _allowed(case, planned)
    is_alone = case.is_denunciation or decided is not None or lead != planned
    implementers = () if is_alone else tuple(_implementers(case))
    co_leads = _superior_copied(case, lead) if decided else () if is_alone else tuple(_co_leads(case, lead))
    answers = lead if is_alone or case.is_guarded else _answerer(case.row, lead, implementers)
    reason = say(
        title=title,
        lead=lead,
        co_leads=co_leads,
        implementers=implementers,
        answers=answers,
        was_raised=lead != planned,
        is_decider=decided is not None,
        is_outside=commune_code is not None and case.commune_code is None,
    )
    return Route(
        agency_id=lead.id,
        implementer_ids=tuple(agency.id for agency in implementers),
        answers=answers.id,
        rule=case.row.id,
        source=case.row.source,
        reason=reason,
        excluded=tuple(sorted(case.excluded)),
        is_inferred=case.row.is_inferred,
        co_lead_ids=tuple(agency.id for agency in co_leads),
    )


def _case(
    profile: Profile,
    code: str,
    kind: PetitionKind,
    commune_code: str | None,
    on: date,
    named: frozenset[str],
    restricted: bool,
) -> _Case:
    is_denunciation = kind is PetitionKind.TO_CAO or restricted
    case = _Case(
        profile=profile,
        row=profile.row_for(code, kind, on),
        commune_code=commune_code if profile.directory.serves(commune_code, on) else None,
        on=on,
        is_guarded=is_denunciation or is_restricted_code(code),
        is_denunciation=is_denunciation,
        excluded=frozenset(),
    )
    if not case.is_guarded:
        return case
    accused = named | set(case.row.concerns)
    if is_denunciation and not named and case.row.lead_may_be_accused:
        accused |= {_lead(case).id}
    return replace(case, excluded=profile.directory.with_all_below(accused, on))


def _lead(case: _Case) -> Agency:
    """The row's lead as it is on the day, before anybody is excluded."""
    row, directory = case.row, case.directory
    ids = [row.lead]
    if case.commune_code is None and row.lead_without_commune and not directory.get(row.lead).is_active(case.on):
        ids = [row.lead_without_commune, row.lead]
    ids += [case.profile.rows[-1].lead, *case.profile.last_resorts]
    acting = (directory.acting(agency_id, case.on, case.commune_code) for agency_id in ids)
    return next(agency for agency in acting if agency is not None)


def _allowed(case: _Case, lead: Agency) -> Agency:
    """The lead, or the nearest body above it that may see the ticket; the last resort has nobody above it."""
    bodies = [lead, *case.directory.superiors(lead.id, case.on), *_last_resorts(case)]
    for body in bodies:
        if body.id not in case.excluded and body.has_accounts:
            return body
    return bodies[-1]


def _last_resorts(case: _Case) -> Iterator[Agency]:
    for agency_id in case.profile.last_resorts:
        acting = case.directory.acting(agency_id, case.on, case.commune_code)
        if acting is not None:
            yield acting


def _implementers(case: _Case) -> Iterator[Agency]:
    for implementer in case.row.implementers:
        agency = _implementer(case, implementer)
        if agency is None or agency.id in case.excluded or (case.is_guarded and agency.kind == _MEDIA):
            continue
        yield agency


def _implementer(case: _Case, implementer: Implementer) -> Agency | None:
    if implementer.agency_id:
        return case.directory.acting(implementer.agency_id, case.on, case.commune_code)
    office = case.directory.office_of(implementer.office, case.commune_code, case.on)
    is_other_kind = office is not None and implementer.commune_kind not in ("", office.commune_kind)
    return None if is_other_kind else office


def _co_leads(case: _Case, lead: Agency) -> Iterator[Agency]:
    for agency_id in case.row.co_leads:
        acting = case.directory.acting(agency_id, case.on, case.commune_code)
        if acting is not None and acting != lead and acting.id not in case.excluded:
            yield acting


def _answerer(row: Row, lead: Agency, implementers: Iterable[Agency]) -> Agency:
    if row.answers is Answerer.LEAD:
        return lead
    return next((agency for agency in implementers if agency.has_accounts), lead)


def _body_that_decided(case: _Case, kind: PetitionKind, named: frozenset[str]) -> Agency | None:
    """For a khiếu nại the one body named, as it is on the day; None when none or several fit."""
    if kind is not PetitionKind.KHIEU_NAI:
        return None
    bodies = {body.id: body for name in sorted(named) for body in case.directory.successors(name, case.on)}
    fitting = [body for body in bodies.values() if body.commune_code in (None, case.commune_code) and body.has_accounts]
    own = [body for body in fitting if body.commune_code is not None]
    return own[0] if len(own) == 1 else fitting[0] if len(fitting) == 1 else None


def _superior_copied(case: _Case, decider: Agency) -> tuple[Agency, ...]:
    return tuple(islice(case.directory.superiors(decider.id, case.on), 1))


def _title(profile: Profile, code: str, kind: PetitionKind) -> str:
    indicator = profile.taxonomy.indicator(code)
    if kind is PetitionKind.TIN_BAO_TOI_PHAM:
        return "Tin báo về tội phạm"
    topic = indicator.name_vi.rpartition(" (")[2] if "#" in code else ""
    return f"{indicator.base} ({topic}" if topic else profile.taxonomy.display_name(code)
