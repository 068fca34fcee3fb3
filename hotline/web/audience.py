"""Decides who is asking: the signed session cookie, API keys, and which audience a route is open to.

The shell's middlewares call it on every request; `respond` issues sessions at sign-in. It holds no password
and asks no store: a revocation arrives as the fact `account.changed` and is handed in with `Sessions.revoke`.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from aiohttp import web
from itsdangerous import BadSignature, URLSafeSerializer

from hotline.roles import Role, Session

SESSION_COOKIE = "hotline_session"
SESSION_KEY = web.RequestKey("session", Session)


class AudienceKind(StrEnum):
    """The four kinds of openness a route can declare."""

    PUBLIC = "public"
    API = "api"
    SIGNED_IN = "signed_in"
    ROLES = "roles"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who may ask for a route; every route declares one."""

    kind: AudienceKind
    allowed_roles: frozenset[Role] = frozenset()

    @classmethod
    def public(cls) -> "Audience":
        """Open to everyone; forms carry a CSRF token."""
        return cls(kind=AudienceKind.PUBLIC)

    @classmethod
    def api(cls) -> "Audience":
        """For machines: no session, no CSRF. The handler itself checks the API key or the signature of the
        webhook.
        """
        return cls(kind=AudienceKind.API)

    @classmethod
    def signed_in(cls) -> "Audience":
        """Open to every signed-in account, whatever its role."""
        return cls(kind=AudienceKind.SIGNED_IN)

    @classmethod
    def roles(cls, *roles: Role) -> "Audience":
        """Open to the roles named; to any other signed-in account the page looks as if it did not exist."""
        if not roles:
            raise ValueError("Audience.roles needs at least one role")
        return cls(kind=AudienceKind.ROLES, allowed_roles=frozenset(roles))

    def admits(self, session: Session | None) -> bool:
        """Say whether this session (or nobody) may pass."""
        if self.kind in (AudienceKind.PUBLIC, AudienceKind.API):
            return True
        if session is None:
            return False
        return self.kind is AudienceKind.SIGNED_IN or session.role in self.allowed_roles


class Sessions:
    """Issues and reads session cookies signed with the secret key; remembers revocations of this process.

    Revocations are kept in memory only: whoever consumes `account.changed` hands them in again after a start, as far
    back as a session can be old: `longest`, where it is set, whatever a cookie says of its own end.
    """

    def __init__(self, secret: str | bytes) -> None:
        self._signer = URLSafeSerializer(
            secret, salt="hotline.session", signer_kwargs={"digest_method": hashlib.sha256}
        )
        self._revoked_before: dict[str, datetime] = {}
        self.longest: timedelta | None = None

    def issue(self, session: Session) -> str:
        """Return the cookie value for a session; refuses naive instants."""
        if session.issued_at.tzinfo is None or session.expires_at.tzinfo is None:
            raise ValueError("a session needs aware instants")
        return str(self._signer.dumps(msgspec.json.encode(session).decode()))

    def read(self, token: str, now: datetime) -> Session | None:
        """Return the session of a cookie, or None when it was forged, has expired or was revoked."""
        try:
            session = msgspec.json.decode(self._signer.loads(token), type=Session)
        except (BadSignature, msgspec.DecodeError, TypeError):
            return None
        revoked_before = self._revoked_before.get(session.account_id)
        if self.longest is not None and now >= session.issued_at + self.longest:
            return None
        if now >= session.expires_at or (revoked_before is not None and session.issued_at < revoked_before):
            return None
        return session

    def revoke(self, account_id: str, before: datetime) -> None:
        """End every session of the account issued before that instant; calling it again, or earlier, changes
        nothing.
        """
        self._revoked_before[account_id] = max(before, self._revoked_before.get(account_id, before))


def session_of(request: web.Request) -> Session | None:
    """Return who is signed in on this request, as the session middleware found it."""
    return request.get(SESSION_KEY)


def start_session(response: web.StreamResponse, token: str, session: Session, *, is_https: bool) -> None:
    """Set the session cookie on the response to a good sign-in; it dies with the session."""
    seconds = int((session.expires_at - session.issued_at).total_seconds())
    response.set_cookie(
        SESSION_COOKIE, token, max_age=seconds, path="/", httponly=True, samesite="Lax", secure=is_https
    )


def end_session(response: web.StreamResponse) -> None:
    """Take the session cookie away; safe when there is none."""
    response.del_cookie(SESSION_COOKIE, path="/")


class ApiKeys:
    """The machine clients that may call the API, as (name, secret) pairs of the settings."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._secrets = {name: secret.encode() for name, secret in secrets.items()}

    def client(self, authorization: str) -> str | None:
        """Return the client's name for an `Authorization: Bearer <secret>` header, or None.

        Every key is compared, each in constant time, so the answer's time says nothing about which key came
        close.
        """
        scheme, _, offered = authorization.partition(" ")
        given = offered.strip().encode("utf-8", "surrogateescape")
        matches = [name for name, secret in self._secrets.items() if secret and hmac.compare_digest(secret, given)]
        return matches[0] if matches and scheme.lower() == "bearer" else None
