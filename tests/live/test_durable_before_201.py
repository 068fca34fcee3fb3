"""kill -9 proves no fsync: the kernel keeps what was written. So the system calls themselves are watched."""

import asyncio
import json
import subprocess
from pathlib import Path

import pytest

from tests.live.conftest import StartServer
from tests.live.trace import CALLS, Trace, read_trace
from tools.load import encoded_body, headers_for, new_session
from tools.processes import stop

pytestmark = pytest.mark.live

ALONE = 8
TOGETHER = 64


def skip_where_tracing_is_not_allowed(strace: str) -> None:
    """Skip, with strace's own reason, where the machine lets nobody trace."""
    tried = subprocess.run([strace, "-f", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"strace may not trace here: {tried.stderr.strip()[:200]}")


async def submit(url: str) -> list[str]:
    """Send some feedbacks one after the other and many at once, and return their ids."""

    async def send(number: int) -> str:
        key = f"trace-{number}"
        async with session.post(url, data=encoded_body(number, key), headers=headers_for(key)) as answer:
            assert answer.status == 201
            return str(json.loads(await answer.read())["feedback_id"])

    async with new_session() as session:
        alone = [await send(number) for number in range(ALONE)]
        return alone + await asyncio.gather(*(send(number) for number in range(ALONE, ALONE + TOGETHER)))


async def test_the_wal_is_synced_between_a_feedbacks_page_and_its_201(
    strace: str, start_server: StartServer, tmp_path: Path
) -> None:
    skip_where_tracing_is_not_allowed(strace)
    output = tmp_path / "trace"
    watch = (strace, "-f", "-y", "-s", "16384", "-e", f"trace={','.join(CALLS)}", "-o", str(output))
    server = await asyncio.to_thread(start_server, before=watch)
    feedback_ids = await submit(f"{server.url}/api/v1/feedback")
    await asyncio.to_thread(stop, server)
    trace = read_trace(output.read_text(encoding="utf-8", errors="replace").splitlines())
    assert set(feedback_ids) <= set(trace.answered_at)
    assert [found for found in feedback_ids if not trace.is_synced_between(found)] == []


ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
PAGE = f'7 pwrite64(9</d/hotline.db-wal>, "\\r\\0{ID}{{\\"text", 4096, 32) = 4096'
SYNC = "7 fdatasync(9</d/hotline.db-wal>) = 0"
SYNC_BEGINS = "7 fdatasync(9</d/hotline.db-wal> <unfinished ...>"
SYNC_ENDS = "7 <... fdatasync resumed>) = 0"
SYNC_FAILS = "7 <... fdatasync resumed>) = -1 EIO (Input/output error)"
OTHER_SYNC = "7 fdatasync(8</d/hotline.db>) = 0"
ANSWER = f'5 sendto(12<socket:[4]>, "HTTP/1.1 201 Created\\r\\n\\r\\n{{\\"feedback_id\\":\\"{ID}\\"", 200, 0) = 200'
HEAD = '5 sendto(12<socket:[4]>, "HTTP/1.1 201 Created\\r\\n\\r\\n", 90, 0, NULL, 0) = 90'
BODY = f'5 sendto(12<socket:[4]>, "{{\\"feedback_id\\":\\"{ID}\\"", 110, 0, NULL, 0) = 110'


@pytest.mark.parametrize(
    ("lines", "is_durable"),
    [
        ((PAGE, SYNC, ANSWER), True),
        ((PAGE, SYNC_BEGINS, SYNC_ENDS, ANSWER), True),
        ((PAGE, SYNC, HEAD, BODY), True),
        ((PAGE, ANSWER, SYNC), False),
        ((SYNC, PAGE, ANSWER), False),
        ((PAGE, SYNC_BEGINS, ANSWER, SYNC_ENDS), False),
        ((PAGE, SYNC_BEGINS, SYNC_FAILS, ANSWER), False),
        ((PAGE, OTHER_SYNC, ANSWER), False),
        ((PAGE, HEAD, SYNC, BODY), False),
        ((SYNC, ANSWER), False),
    ],
)
def test_the_trace_reader_knows_a_sync_that_comes_too_late(lines: tuple[str, ...], is_durable: bool) -> None:
    trace: Trace = read_trace(lines)
    assert trace.is_synced_between(ID) is is_durable
