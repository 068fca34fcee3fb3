"""What a locality fixes for every ticket: its routes, agencies, calendar and policies, read once at the start.

Handed to `intake` and `actions`; decides nothing itself. Immutable.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hotline.agencies import AgencyDirectory
from hotline.promises import Policies, load_policies
from hotline.working_days import WorkingCalendar, load_calendar, local_date
from services.respond.clocks import agency_due_at
from services.respond.profile import Profile, load_profile
from services.respond.routing import choose, find_named_agencies
from services.respond.ticket import RouteSnapshot, Ticket

BY_HAND = "by_hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """One locality's rules; `notices` is a file of days announced since the release."""

    locality: str
    profile: Profile
    calendar: WorkingCalendar
    policies: Policies
    notices: Path | None = None

    @property
    def directory(self) -> AgencyDirectory:
        """The locality's bodies."""
        return self.profile.directory

    def agency_name(self, agency_id: str) -> str:
        """Return a body's name; an id that the directory no longer has stands for itself."""
        return self.directory.get(agency_id).name if self.directory.has(agency_id) else agency_id

    def route(self, ticket: Ticket) -> RouteSnapshot:
        """Return who must answer, as of the day of receipt (Asia/Ho_Chi_Minh). Needs receipt and classification."""
        classification = ticket.classification
        if classification is None:
            raise ValueError(f"{ticket.feedback_id} has no classification yet")
        received_on = local_date(ticket.received_at)
        chosen = choose(
            self.profile,
            code=classification.code,
            kind=classification.petition_kind,
            commune_code=ticket.place.commune_code if ticket.place else None,
            on=received_on,
            named_agency_ids=find_named_agencies(ticket.text, self.directory, received_on),
            restricted=ticket.restricted,
        )
        return RouteSnapshot(
            agency_id=chosen.agency_id,
            answers=chosen.answers,
            implementer_ids=chosen.implementer_ids,
            rule=chosen.rule,
            source=chosen.source,
            reason=chosen.reason,
        )

    def route_by_hand(self, agency_id: str, reason: str) -> RouteSnapshot:
        """Return the route that a person chose; raises UnknownAgency."""
        self.directory.get(agency_id)
        return RouteSnapshot(agency_id=agency_id, answers=agency_id, rule=BY_HAND, reason=reason)

    def agency_due_at(self, ticket: Ticket, agency_id: str | None, now: datetime) -> datetime:
        """Return when an agency that gets the ticket now must have signed its answer, on its own calendar.

        Without an agency (none was chosen yet) the locality's calendar counts.
        """
        code = ticket.classification.code if ticket.classification else "0"
        calendar = load_calendar(self.locality, agency_id, self.notices)
        return agency_due_at(ticket.policy, calendar, now, code=code, is_urgent=ticket.urgent)


def load_rules(locality: str, notices: Path | None = None) -> Rules:
    """Read a locality's rules; raises UnknownLocality, ProfileInvalid, PolicyFault, CalendarFault."""
    return Rules(
        locality=locality,
        profile=load_profile(locality),
        calendar=load_calendar(locality, None, notices),
        policies=load_policies(),
        notices=notices,
    )
