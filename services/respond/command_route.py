"""The `hotline route` command: who gets a ticket, and why, as one JSON object.

Clerks and tests check the routing table with it. It reads arguments only, stores nothing and needs no
settings.
"""

import json
from datetime import date, datetime

import click

from hotline.agencies import AgencyDirectory, UnknownAgency, UnknownLocality
from hotline.places import load_gazetteer
from hotline.taxonomy import PetitionKind, UnknownCode
from hotline.working_days import VN
from services.respond.profile import profiles
from services.respond.routing import Profile, ProfileInvalid, Route, choose, load_profile

_NOT_BY_PLAN = frozenset({PetitionKind.TO_CAO, PetitionKind.KHIEU_NAI})


@click.command("route")
@click.option("--profile", "locality", required=True, help="Locality, such as ha-giang-2023.")
@click.option("--code", required=True, help="What it is about, such as 6.3#dien, 5.3 or 0.")
@click.option("--commune", "commune_code", help="Five-digit code of the commune it is about.")
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in PetitionKind]),
    default=PetitionKind.PHAN_ANH_KIEN_NGHI.value,
    show_default=True,
    help="What it is in law.",
)
@click.option("--named", multiple=True, help="Id of a body the citizen names; may be given again.")
@click.option("--restricted", is_flag=True, help="A denunciation or staff misconduct is suspected.")
@click.option("--at", "received_on", help="Day of receipt, such as 2026-11-24; today in Vietnam by default.")
def route_command(
    locality: str,
    code: str,
    commune_code: str | None,
    kind: str,
    named: tuple[str, ...],
    restricted: bool,
    received_on: str | None,
) -> None:
    """Say who follows, who does the work and who answers a ticket, and by which row of the locality's
    table.
    """
    on = _day(received_on)
    profile = _profile(locality)
    if commune_code is not None:
        _check_commune(profile, commune_code, on)
    try:
        route = choose(
            profile,
            code=code,
            kind=PetitionKind(kind),
            commune_code=commune_code,
            on=on,
            named_agency_ids=frozenset(named),
            restricted=restricted,
        )
    except UnknownCode as error:
        known = ", ".join(profile.taxonomy.labels)
        raise click.ClickException(f"{profile.taxonomy.scheme} has no code {code!r}; use one of {known}") from error
    except UnknownAgency as error:
        raise click.ClickException(f"{locality} has no agency {error.agency_id!r}") from error
    is_by_plan = not named and not restricted and kind not in _NOT_BY_PLAN
    offices = _offices_of_no_commune(profile, route) if commune_code is None and is_by_plan else []
    click.echo(json.dumps(_as_json(route, profile.directory, offices), ensure_ascii=False, indent=2))


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(VN).date()
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise click.ClickException(f"{text!r} is not a day; give it as 2026-11-24") from error


def _profile(locality: str) -> Profile:
    try:
        return load_profile(locality)
    except UnknownLocality as error:
        known = ", ".join(profiles())
        raise click.ClickException(f"no profile {locality!r}; there are: {known}") from error
    except ProfileInvalid as error:
        raise click.ClickException(str(error)) from error


def _check_commune(profile: Profile, commune_code: str, on: date) -> None:
    if not load_gazetteer().has_commune(commune_code) and not profile.directory.serves(commune_code, on):
        raise click.ClickException(f"no commune has the code {commune_code!r}; give five digits, such as 00694")


def _offices_of_no_commune(profile: Profile, route: Route) -> list[str]:
    """Name the communes' offices that would do the work, as the plan does, where no commune is named."""
    row = next(row for row in profile.rows if row.id == route.rule)
    offices = [implementer.office for implementer in row.implementers if implementer.office]
    return [profile.office_names.get(office, office) for office in offices]


def _as_json(route: Route, directory: AgencyDirectory, offices: list[str]) -> dict[str, object]:
    def names(*agency_ids: str) -> list[str]:
        return [directory.get(agency_id).name for agency_id in agency_ids]

    return {
        "agency": directory.get(route.agency_id).name,
        "agency_id": route.agency_id,
        "co_leads": names(*route.co_lead_ids),
        "co_lead_ids": route.co_lead_ids,
        "implementers": [*names(*route.implementer_ids), *offices],
        "implementer_ids": route.implementer_ids,
        "answers": directory.get(route.answers).name,
        "answers_id": route.answers,
        "rule": route.rule,
        "source": route.source,
        "reason": route.reason,
        "excluded_ids": route.excluded,
        "is_inferred": route.is_inferred,
    }
