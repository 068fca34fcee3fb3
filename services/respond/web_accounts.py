"""Signing in and out, one's own password, and the administrator's list of accounts.

Open to everyone who works here (`/sign-in`), to the signed-in (`/account`), and to administrators (`/admin`). Wrong
passwords are slowed by address and by user name; strangers who guess lock nobody out. Handlers read the input, call
one action, and answer.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from aiohttp import web

from hotline.errors import FieldError, Invalid
from hotline.plumbing.log import step
from hotline.roles import Role, Session
from hotline.web.audience import Audience, end_session, session_of, start_session
from hotline.web.forms import Form, read_form
from hotline.web.keys import NOW, SESSIONS, SETTINGS
from hotline.web.pages import page, url
from hotline.web.ratelimit import RateLimit, client_address
from hotline.web.service import NavItem, Route
from hotline.web.standing import safe_next
from hotline.working_days import local_date
from services.respond.account_actions import (
    UnknownAccount,
    change_password,
    close_account,
    create_account,
    generate_password,
    open_account,
    reset_password,
    sign_in,
)
from services.respond.actions import Desk

HOME = {
    Role.OPERATOR: "/desk",
    Role.TRIAGE_OFFICER: "/desk",
    Role.AGENCY_STAFF: "/inbox",
    Role.AGENCY_HEAD: "/inbox",
    Role.INSPECTOR: "/inspector",
    Role.COORDINATOR: "/inspector",
    Role.ADMIN: "/admin/accounts",
}
ADDRESS_TRIES, NAME_TRIES, PAIR_TRIES = 20, 8, 3
TRY_AGAIN_EVERY = timedelta(minutes=1)


def sign_in_limit(burst: int) -> RateLimit:
    """Return a limit of `burst` wrong passwords, one more a minute."""
    return RateLimit(burst=burst, refill=TRY_AGAIN_EVERY)


@dataclass(frozen=True, slots=True)
class AccountPages:
    """The handlers over one store; the limits live as long as the process."""

    desk: Desk
    session_hours: int
    by_address: RateLimit = field(default_factory=lambda: sign_in_limit(ADDRESS_TRIES))
    by_name: RateLimit = field(default_factory=lambda: sign_in_limit(NAME_TRIES))
    by_pair: RateLimit = field(default_factory=lambda: sign_in_limit(PAIR_TRIES))

    async def show_sign_in(self, request: web.Request) -> web.Response:
        """GET /sign-in."""
        return page(request, "respond/sign_in.html", next=safe_next(request.query.get("next", "/")))

    async def sign_in(self, request: web.Request) -> web.Response:
        """POST /sign-in: on to where the person wanted to go."""
        form = await read_form(request)
        username, after = form.get("username"), safe_next(form.get("next", "/"))
        attempt = self.attempt(client_address(request), username.strip().lower()[:100], request[NOW])
        if attempt is None:
            return self.refuse(request, form, "sign_in_too_often", 429)
        session = await sign_in(self.desk.store, username, form.get("password"), request[NOW], self.session_hours)
        if session is None:
            step("sign_in_refused", level="WARNING")
            if self.by_pair in (limit for limit, _ in attempt):
                return self.refuse(request, form, "sign_in_too_often", 429)
            return self.refuse(request, form, "sign_in_wrong", 422)
        for limit, key in attempt:
            limit.give_back(key)
        step("signed_in", account_id=session.account_id, role=session.role)
        return signed_in(request, session, after if after != "/" else HOME[session.role])

    def attempt(self, address: str, name: str, now: datetime) -> list[tuple[RateLimit, str]] | None:
        """Return the tokens that a try takes, None when there is none left.

        A name that strangers have guessed at too often is not locked: each address may still try it a few times, so
        that whom it belongs to comes in from a place of their own, and a guesser gains little by it.
        """
        if not self.by_address.allows(address, now):
            return None
        pair = f"{address} {name}"
        if self.by_name.allows(name, now):
            return [(self.by_address, address), (self.by_name, name)]
        if self.by_pair.allows(pair, now):
            return [(self.by_address, address), (self.by_pair, pair)]
        return None

    def refuse(self, request: web.Request, form: Form, code: str, status: int) -> web.Response:
        """Show the sign-in page again, without saying which of name and password was wrong."""
        errors = (FieldError(field="username", code=code),)
        after = safe_next(form.get("next", "/"))
        return page(request, "respond/sign_in.html", status, form=form, errors=errors, next=after)

    async def sign_out(self, request: web.Request) -> web.Response:
        """POST /sign-out."""
        response = web.HTTPSeeOther("/sign-in")
        end_session(response)
        raise response

    async def show_own(self, request: web.Request) -> web.Response:
        """GET /account: who one is, and the form for another password."""
        return page(request, "respond/account.html", is_changed=request.query.get("doi") == "1")

    async def change_own_password(self, request: web.Request) -> web.Response:
        """POST /account: other sessions end, this one goes on."""
        session, form = session_now(request), await read_form(request)
        try:
            if form.get("new_password") != form.get("new_password_again"):
                raise Invalid([FieldError(field="new_password_again", code="passwords_differ")])
            await change_password(
                self.desk.store, session.account_id, form.get("old_password"), form.get("new_password"), request[NOW]
            )
        except Invalid as error:
            errors = [renamed(fault, "password", "new_password") for fault in error.errors]
            return page(request, "respond/account.html", 422, errors=errors, is_changed=False)
        request.app[SESSIONS].revoke(session.account_id, request[NOW])
        return signed_in(request, renewed(session, request), url(request, "respond.account", {"doi": "1"}))

    async def show_accounts(self, request: web.Request) -> web.Response:
        """GET /admin/accounts."""
        return await self.accounts_page(request)

    async def accounts_page(
        self,
        request: web.Request,
        *,
        form: Form | None = None,
        errors: tuple[FieldError, ...] = (),
        made: tuple[str, str] | None = None,
        status: int = 200,
    ) -> web.Response:
        """Show the list and the form; `made` is a user name with the password that is shown this once."""
        directory, today = self.desk.rules.directory, local_date(request[NOW])
        return page(
            request,
            "respond/accounts.html",
            status,
            accounts=await self.desk.store.accounts(),
            agencies=[(body.id, body.name) for body in directory.active(today) if body.has_accounts],
            agency_name=self.desk.rules.agency_name,
            roles=list(Role),
            form=form or Form(),
            errors=errors,
            made=made,
        )

    async def create(self, request: web.Request) -> web.Response:
        """POST /admin/accounts: make an account; its password is shown once."""
        form, password = await read_form(request), generate_password()
        try:
            account = await create_account(
                self.desk.store,
                self.desk.rules.directory,
                username=form.get("username"),
                full_name=form.get("full_name"),
                role=role_of(form),
                password=password,
                now=request[NOW],
                agency_id=form.get("agency_id") or None,
                is_screener=form.get("is_screener") == "yes",
            )
        except Invalid as error:
            return await self.accounts_page(request, form=form, errors=(*form.errors, *error.errors), status=422)
        step("account_created", account_id=account.account_id, role=account.role)
        return await self.accounts_page(request, made=(account.username, password))

    async def change(self, request: web.Request) -> web.Response:
        """POST /admin/accounts/{account_id}/{verb}: close, open, or reset the password."""
        account_id, verb = request.match_info["account_id"], request.match_info["verb"]
        await read_form(request)
        try:
            made = await self.carry_out(request, account_id, verb)
        except UnknownAccount:
            raise web.HTTPNotFound from None
        except Invalid as error:
            return await self.accounts_page(request, errors=error.errors, status=422)
        step("account_changed", account_id=account_id, cause=verb)
        if made is None:
            raise web.HTTPSeeOther(url(request, "respond.accounts"))
        return await self.accounts_page(request, made=made)

    async def carry_out(self, request: web.Request, account_id: str, verb: str) -> tuple[str, str] | None:
        """Do one verb of the list; a reset returns user name and new password."""
        store, now = self.desk.store, request[NOW]
        if verb == "open":
            await open_account(store, account_id, now)
            return None
        request.app[SESSIONS].revoke(account_id, now)
        if verb == "close":
            await close_account(store, account_id, session_now(request).account_id, now)
            return None
        password = generate_password()
        account = await reset_password(store, account_id, password, now)
        return account.username, password

    def routes(self) -> tuple[Route, ...]:
        """Return the routes of all these pages."""
        public, signed, admin = Audience.public(), Audience.signed_in(), Audience.roles(Role.ADMIN)
        accounts, one = "/admin/accounts", "/admin/accounts/{account_id}/{verb:close|open|reset}"
        return (
            Route(method="GET", path="/sign-in", handler=self.show_sign_in, audience=public, name="respond.sign_in"),
            Route(method="POST", path="/sign-in", handler=self.sign_in, audience=public, name="respond.sign_in"),
            Route(method="POST", path="/sign-out", handler=self.sign_out, audience=signed, name="respond.sign_out"),
            Route(method="GET", path="/account", handler=self.show_own, audience=signed, name="respond.account"),
            Route(
                method="POST",
                path="/account",
                handler=self.change_own_password,
                audience=signed,
                name="respond.account",
            ),
            Route(method="GET", path=accounts, handler=self.show_accounts, audience=admin, name="respond.accounts"),
            Route(method="POST", path=accounts, handler=self.create, audience=admin, name="respond.accounts"),
            Route(method="POST", path=one, handler=self.change, audience=admin, name="respond.change_account"),
        )


NAV = (
    NavItem(path="/admin/accounts", key="nav.accounts", roles=frozenset({Role.ADMIN})),
    NavItem(path="/account", key="nav.account", roles=frozenset(Role)),
)


def session_now(request: web.Request) -> Session:
    """Return who is signed in; the route's audience saw to it that somebody is."""
    session = session_of(request)
    if session is None:
        raise web.HTTPForbidden
    return session


def signed_in(request: web.Request, session: Session, after: str) -> web.Response:
    """Send the browser on with its session cookie."""
    response = web.HTTPSeeOther(after)
    is_https = request.app[SETTINGS].public_url.startswith("https://")
    start_session(response, request.app[SESSIONS].issue(session), session, is_https=is_https)
    raise response


def renewed(session: Session, request: web.Request) -> Session:
    """Return the session issued anew now, so that ending the older ones spares it."""
    return replace(session, issued_at=request[NOW])


def role_of(form: Form) -> Role:
    """Read the role; raises Invalid."""
    if form.get("role") not in set(Role):
        raise Invalid([FieldError(field="role", code="role_missing")])
    return Role(form.get("role"))


def renamed(fault: FieldError, old: str, new: str) -> FieldError:
    """Return a fault under the name that its field has on this page."""
    return FieldError(field=new, code=fault.code, params=fault.params) if fault.field == old else fault
