"""One JSON line a step, on standard error, with the feedback's id; never a person's words or contact.

`step` writes only the fields named in FIELDS: what is not named there is dropped and its name told, so that a careless
call cannot leak. Exceptions are told by class and place.
"""

import logging
import sys
import traceback
from datetime import UTC, datetime

import msgspec

from hotline.plumbing.tracing import trace_id

FIELDS = frozenset({
    "feedback_id", "fact_id", "group", "service", "loop", "route", "method", "status", "ms", "error", "attempt",
    "cause", "code", "agency_id", "rule", "count", "version", "model_version", "clock", "step", "batch_id", "row",
    "account_id", "role", "address", "path", "signal", "request_id", "petition_kind", "needs_review", "reason_code",
    "partition", "offset",
})  # fmt: skip

LOGGER = logging.getLogger("hotline")
LEVELS = logging.getLevelNamesMapping()


def configure_logging(level: str) -> None:
    """Send every line of the process, in one form, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # What a line never says is not asked for (the logging HOWTO's "Optimization"): a third of its cost.
    logging._srcfile = None  # noqa: SLF001
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    # It writes a request's path, which can hold a tracking code.
    logging.getLogger("aiohttp.access").setLevel(logging.CRITICAL)
    # It says every failed attempt to reach a broker; that the broker is gone is said by whoever waits for it.
    logging.getLogger("aiokafka").setLevel(logging.WARNING if level == "DEBUG" else logging.CRITICAL)


def step(event: str, *, level: str = "INFO", **fields: object) -> None:
    """Log that `event` happened, with the allowed `fields`."""
    number = LEVELS[level]
    if not LOGGER.isEnabledFor(number):
        return
    allowed = {name: value for name, value in fields.items() if name in FIELDS and value is not None}
    if not FIELDS.issuperset(fields):
        allowed["dropped_fields"] = sorted(fields.keys() - FIELDS)
    current = trace_id()
    if current is not None:
        allowed["trace_id"] = current
    record = LOGGER.makeRecord(LOGGER.name, number, "", 0, event, (), None, extra={"fields": allowed})
    LOGGER.handle(record)


class JsonLines(logging.Formatter):
    """Writes a record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; messages of other libraries' exceptions are left out, as they can quote input."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
            line["trace"] = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(record.exc_info[2])]
        return msgspec.json.encode(line, enc_hook=str).decode()
