"""Delivers notices to people by e-mail when SMTP_URL is set; without it they stay rows.

Runs as a loop of each process. A notice is claimed before it is sent, so of several processes one sends it; one that
dies between sending and saying so leads to a repeat under the same Message-ID, which a mail server can drop. A letter
that the server refuses for good, or that has waited too long, is given up with a reason; one refused for now is tried
later and holds no other up. Decides nothing about what a notice says (`notices` does).
"""

import asyncio
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from msgspec.structs import replace

from hotline.plumbing.failures import WorldIsDown
from hotline.plumbing.log import step
from services.ingest.documents import Notice
from services.ingest.notices import RECEIPT, is_stale
from services.ingest.store import FeedbackStore

PERIOD_S = 15.0
AT_ONCE = 50
CONNECT_S = 20.0
TRY_AGAIN_AFTER = timedelta(minutes=15)
# Longer than a mail server may take over one letter.
CLAIMED_FOR = timedelta(minutes=10)
PERMANENT = 500


class NotTakenForGood(Exception):
    """The mail server will never take this letter; the argument is the reason's code."""


class NotTakenNow(Exception):
    """The mail server takes this letter perhaps later; the argument is the reason's code."""


@dataclass(slots=True, kw_only=True)
class Postman:
    """What delivery works with; `trouble` says what it cannot reach now, None when all is well."""

    store: FeedbackStore
    smtp_url: str
    sender: str
    clock: Callable[[], datetime]
    trouble: str | None = None

    async def run(self) -> None:
        """Deliver what waits, for ever."""
        while True:
            try:
                await self.deliver_waiting()
            except (OSError, smtplib.SMTPException, WorldIsDown) as error:
                self.trouble = type(error).__name__
                step("notices_wait", level="WARNING", error=self.trouble)
            else:
                self.trouble = None
            await asyncio.sleep(PERIOD_S)

    async def deliver_waiting(self) -> int:
        """Send each notice whose turn it is once and give up stale ones; returns how many were sent.

        Raises what the connection to the mail server raises (OSError, SMTPException): then all that is left waits.
        """
        sent = 0
        for notice in await self.store.notices_to_send(self.clock(), AT_ONCE):
            now = self.clock()
            is_late = is_stale(notice, now=now)
            if not is_late and not self.smtp_url:
                continue
            if not await self.store.claim_notice(notice.notice_id, now=now, until=now + CLAIMED_FOR):
                continue
            if is_late:
                await self.give_up(notice, "stale")
            else:
                sent += await self._deliver(notice)
        return sent

    async def give_up(self, notice: Notice, reason: str) -> None:
        """Keep that a notice is never sent, and why."""
        await self.store.save_notice(replace(notice, given_up_at=self.clock(), given_up_because=reason))
        step("notice_given_up", level="WARNING", feedback_id=notice.feedback_id, cause=notice.kind, reason_code=reason)

    async def _deliver(self, notice: Notice) -> bool:
        feedback = await self.store.get(notice.feedback_id)
        if feedback and feedback.ticket and feedback.ticket.restricted and notice.kind != RECEIPT:
            # It was written before; what it says of an agency may tell whoever reads the mailbox.
            await self.give_up(notice, "restricted")
            return False
        address = feedback.reporter.email if feedback and feedback.reporter else None
        if not address:
            await self.give_up(notice, "no_address")
            return False
        try:
            letter = letter_of(notice, sender=self.sender, address=address)
            await asyncio.to_thread(post, self.smtp_url, letter)
        except NotTakenForGood as refused:
            await self.give_up(notice, str(refused))
            return False
        except NotTakenNow as refused:
            await self.store.put_off_notice(notice.notice_id, until=self.clock() + TRY_AGAIN_AFTER)
            step("notice_waits", level="WARNING", feedback_id=notice.feedback_id, reason_code=str(refused))
            return False
        except (OSError, smtplib.SMTPException):
            await self.store.put_off_notice(notice.notice_id, until=self.clock())
            raise
        await self.store.save_notice(replace(notice, sent_at=self.clock()))
        step("notice_sent", feedback_id=notice.feedback_id, cause=notice.kind)
        return True


def letter_of(notice: Notice, *, sender: str, address: str) -> EmailMessage:
    """Return the e-mail of a notice; raises NotTakenForGood for an address that no header can hold."""
    letter = EmailMessage()
    letter["From"], letter["Subject"] = sender, notice.subject
    try:
        letter["To"] = address
    except (ValueError, IndexError) as error:
        raise NotTakenForGood("address_unusable") from error
    letter["Message-ID"] = notice.message_id
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(notice.body)
    return letter


def post(smtp_url: str, letter: EmailMessage) -> None:
    """Hand a letter to the mail server of `smtp://user:password@host:587` (STARTTLS when offered) or `smtps://`.

    Raises NotTakenForGood and NotTakenNow about this letter, OSError and SMTPException about the connection.
    """
    with connected(smtp_url) as server:
        try:
            server.send_message(letter)
        except smtplib.SMTPRecipientsRefused as error:
            raise verdict("recipient", [code for code, _ in error.recipients.values()]) from error
        except smtplib.SMTPSenderRefused as error:
            # Who sends is a setting: nothing is wrong with the notice, and the operator may still mend it.
            raise NotTakenNow(f"sender_{error.smtp_code}") from error
        except smtplib.SMTPDataError as error:
            raise verdict("content", [error.smtp_code]) from error
        except (smtplib.SMTPNotSupportedError, UnicodeError) as error:
            raise NotTakenForGood("address_unsupported") from error


def verdict(about: str, codes: list[int]) -> NotTakenForGood | NotTakenNow:
    """Return what a mail server's reply codes mean (RFC 5321, 4.2.1): 4yz may pass later, anything else never."""
    code = max(codes, default=PERMANENT)
    kind = NotTakenForGood if code >= PERMANENT else NotTakenNow
    return kind(f"{about}_{code}")


def connected(smtp_url: str) -> smtplib.SMTP:
    """Return a connection to the mail server, signed in; the caller closes it."""
    parts = urlsplit(smtp_url)
    host = parts.hostname or "localhost"
    context = ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=CONNECT_S, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 25, timeout=CONNECT_S)
    try:
        server.ehlo()
        if parts.scheme != "smtps" and server.has_extn("starttls"):
            server.starttls(context=context)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
    except (OSError, smtplib.SMTPException):
        server.close()
        raise
    return server
