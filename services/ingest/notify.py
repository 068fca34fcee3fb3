"""Delivers notices to people by e-mail when SMTP_URL is set; without it they stay rows.

Runs as a loop of the process. At least once, under a Message-ID that never changes, so a mail server can drop a repeat;
a notice that has waited too long is given up. Decides nothing about what a notice says (`notices` does).
"""

import asyncio
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from hotline.plumbing.failures import WorldIsDown
from hotline.plumbing.log import step
from services.ingest.documents import Notice
from services.ingest.notices import is_stale
from services.ingest.store import FeedbackStore

PERIOD_S = 15.0
AT_ONCE = 50
CONNECT_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Postman:
    """What delivery works with."""

    store: FeedbackStore
    smtp_url: str
    sender: str
    clock: Callable[[], datetime]

    async def run(self) -> None:
        """Deliver what waits, for ever."""
        while True:
            try:
                await self.deliver_waiting()
            except (OSError, smtplib.SMTPException, WorldIsDown) as error:
                step("notices_wait", level="WARNING", error=type(error).__name__)
            await asyncio.sleep(PERIOD_S)

    async def deliver_waiting(self) -> int:
        """Send each waiting notice once and give up stale ones; returns how many were sent."""
        sent = 0
        for notice in await self.store.notices_to_send(AT_ONCE):
            now = self.clock()
            if is_stale(notice, now=now):
                await self.store.save_notice(replace(notice, given_up_at=now))
            elif self.smtp_url:
                sent += await self._deliver(notice)
        return sent

    async def _deliver(self, notice: Notice) -> bool:
        feedback = await self.store.get(notice.feedback_id)
        address = feedback.reporter.email if feedback and feedback.reporter else None
        if not address:
            await self.store.save_notice(replace(notice, given_up_at=self.clock()))
            return False
        letter = letter_of(notice, sender=self.sender, address=address)
        try:
            await asyncio.to_thread(post, self.smtp_url, letter)
        except smtplib.SMTPRecipientsRefused:
            await self.store.save_notice(replace(notice, given_up_at=self.clock()))
            return False
        await self.store.save_notice(replace(notice, sent_at=self.clock()))
        step("notice_sent", feedback_id=notice.feedback_id, cause=notice.kind)
        return True


def letter_of(notice: Notice, *, sender: str, address: str) -> EmailMessage:
    """Return the e-mail of a notice."""
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = sender, address, notice.subject
    letter["Message-ID"] = notice.message_id
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(notice.body)
    return letter


def post(smtp_url: str, letter: EmailMessage) -> None:
    """Hand a letter to the mail server of `smtp://user:password@host:587` (STARTTLS when offered) or `smtps://`."""
    parts = urlsplit(smtp_url)
    host = parts.hostname or "localhost"
    context = ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, parts.port or 465, timeout=CONNECT_S, context=context)
    else:
        server = smtplib.SMTP(host, parts.port or 25, timeout=CONNECT_S)
    with server:
        server.ehlo()
        if parts.scheme != "smtps" and server.has_extn("starttls"):
            server.starttls(context=context)
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(letter)
