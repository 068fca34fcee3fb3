"""Takes uploaded files in and serves kept ones, by signed links alone.

Used by ingest for the citizens' files and by respond for those of answers. Which files may be kept is decided by
`hotline/uploads.py`, who may fetch one by whoever signs the link (`hotline/file_links.py`).
"""

from collections.abc import Awaitable, Callable

from aiohttp import web

from hotline.facts import Attachment
from hotline.file_links import BadFileLink, read_file_link
from hotline.plumbing.files import NoSuchFile, Vault
from hotline.uploads import ALLOWED, MAX_FILE_BYTES, check_count, too_large
from hotline.web.forms import FilePart
from hotline.web.keys import NOW, SETTINGS


def keeper(vault: Vault, kept: list[Attachment], field: str) -> Callable[[FilePart], Awaitable[Attachment]]:
    """Return what `read_form` hands each file part to; kept files are added to `kept`. It raises Invalid."""

    async def keep(part: FilePart) -> Attachment:
        check_count(len(kept) + 1, field)
        file = await vault.keep(part.name, await read_file(part, field), field=field)
        kept.append(file)
        return file

    return keep


async def read_file(part: FilePart, field: str) -> bytes:
    """Return a file part whole; raises Invalid at the first byte over the bound."""
    content = bytearray()
    async for chunk in part.chunks:
        content += chunk
        if len(content) > MAX_FILE_BYTES:
            raise too_large(field, part.name)
    return bytes(content)


async def serve_file(request: web.Request, vault: Vault, at: str) -> web.StreamResponse:
    """Stream the file of a link signed for `at`; whatever is wrong with the link looks like no such file."""
    secret = str(request.app[SETTINGS].secret_key)
    try:
        file_id, media_type = read_file_link(secret, request.match_info["signed"], now=request[NOW], at=at)
        if media_type not in ALLOWED:
            raise web.HTTPNotFound
        chunks = await vault.chunks(file_id)
    except (BadFileLink, NoSuchFile):
        raise web.HTTPNotFound from None
    shown = "inline" if media_type.startswith("image/") else f'attachment; filename="{file_id[:12]}.pdf"'
    headers = {"Content-Type": media_type, "Content-Disposition": shown, "Cache-Control": "private, no-store"}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    async for chunk in chunks:
        await response.write(chunk)
    await response.write_eof()
    return response
