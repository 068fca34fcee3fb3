"""Decides who may fetch an attachment: whoever holds a link that was signed for it and has not run out.

A service that has authorised someone (ingest for the citizen, respond for its agencies) signs; the one that keeps the
file reads: ingest the citizens' files, respond those of answers. Pure: `now` is passed in. A link never carries the
file's name, which may name a person.
"""

from datetime import datetime, timedelta

from itsdangerous import BadSignature, URLSafeSerializer

from hotline.facts import Attachment

LINK_LIFE = timedelta(hours=1)
FEEDBACK_FILES = "/files/"
ANSWER_FILES = "/answer-files/"
_SALT = "hotline.file:"


class BadFileLink(Exception):
    """The link was not signed by us, or has run out: open the page again for a new one."""


def file_link(secret: str, file: Attachment, *, now: datetime, at: str = FEEDBACK_FILES) -> str:
    """Return the path that serves this file for an hour; the same for everyone, so give it only to who may see it.

    `at` is the place that keeps the file; a link for one place opens nothing at another.
    """
    if now.tzinfo is None:
        raise ValueError("a file link needs an aware instant")
    until = int((now + LINK_LIFE).timestamp())
    return at + str(URLSafeSerializer(secret, salt=_SALT + at).dumps([file.file_id, file.media_type, until]))


def read_file_link(secret: str, signed: str, *, now: datetime, at: str = FEEDBACK_FILES) -> tuple[str, str]:
    """Return file id and media type of the last part of a link; raises BadFileLink."""
    try:
        file_id, media_type, until = URLSafeSerializer(secret, salt=_SALT + at).loads(signed)
        has_run_out = now.timestamp() >= float(until)
    except (BadSignature, ValueError, TypeError) as error:
        raise BadFileLink from error
    if has_run_out:
        raise BadFileLink
    return str(file_id), str(media_type)
