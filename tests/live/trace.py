"""Reads what strace wrote: when a feedback's page went into the WAL, when the WAL was synced, when a 201 went out.

A trace is a list of lines in the order in which the kernel saw the calls; the places are line numbers.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

FEEDBACK_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
CALL = re.compile(r"^(?P<pid>\d+)\s+(?P<name>\w+)\((?P<file>\d+<[^>]*>)")
RESUMED = re.compile(r"^(?P<pid>\d+)\s+<\.\.\. (?P<name>\w+) resumed>.*= (?P<result>-?\d+)")
SYNCS = frozenset({"fsync", "fdatasync"})
WRITES = frozenset({"pwrite64", "write", "writev"})
SENDS = frozenset({"sendto", "sendmsg", "write", "writev"})
CALLS = ("fsync", "fdatasync", "sendto", "write", "sendmsg", "writev", "pwrite64")


@dataclass(slots=True, kw_only=True)
class Trace:
    """What matters of a trace: `syncs` are (begin, end) of finished syncs of the WAL."""

    syncs: list[tuple[int, int]] = field(default_factory=list)
    written_at: dict[str, int] = field(default_factory=dict)
    answered_at: dict[str, int] = field(default_factory=dict)

    def is_synced_between(self, feedback_id: str) -> bool:
        """Say whether a whole sync of the WAL lies between the feedback's page and its 201."""
        written, answered = self.written_at.get(feedback_id), self.answered_at[feedback_id]
        return written is not None and any(written < begin and end < answered for begin, end in self.syncs)


def read_trace(lines: Iterable[str]) -> Trace:
    """Read a trace written with `strace -f -y`."""
    trace = Trace()
    syncing: dict[str, int] = {}
    heads: dict[str, int] = {}
    for place, line in enumerate(lines):
        resumed, call = RESUMED.match(line), CALL.match(line)
        if resumed and resumed["name"] in SYNCS and resumed["pid"] in syncing:
            begin = syncing.pop(resumed["pid"])
            if resumed["result"] == "0":
                trace.syncs.append((begin, place))
        elif call and call["name"] in SYNCS and "hotline.db-wal>" in call["file"]:
            if "<unfinished" in line:
                syncing[call["pid"]] = place
            elif line.rstrip().endswith("= 0"):
                trace.syncs.append((place, place))
        elif call and call["name"] in WRITES and "hotline.db-wal>" in call["file"]:
            for feedback_id in re.findall(FEEDBACK_ID, line):
                trace.written_at.setdefault(feedback_id, place)
        elif call and call["name"] in SENDS and "socket:" in call["file"]:
            read_answer(trace, heads, call["file"], place, line)
    return trace


def read_answer(trace: Trace, heads: dict[str, int], socket: str, place: int, line: str) -> None:
    """Note where a 201 began on the wire; its head and its body may be two calls."""
    if "HTTP/1.1 201" in line:
        heads[socket] = place
    for feedback_id in re.findall(rf'feedback_id\\":\\"({FEEDBACK_ID})', line):
        trace.answered_at.setdefault(feedback_id, heads[socket])
