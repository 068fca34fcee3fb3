"""How this process speaks to the broker, and what the broker's failures are called here.

Used by the other `bus_kafka` files. Every error of the driver becomes BusUnavailable, a WorldIsDown: wait, retry,
lose nothing.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import KafkaError, SaslAuthenticationFailed

from hotline.config import Settings
from hotline.plumbing.failures import WorldIsDown

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
CLOSE_S = 10.0
KNOCK_MS = 10_000
# The driver's own, a tenth of a second, is forty knocks a second of each process while the broker is gone.
RETRY_MS = 500
# How long a reader may take to end what is in its hand before its partitions go to another.
HANDOVER_S = 20.0


class BusUnavailable(WorldIsDown):
    """The broker cannot be reached, refuses us or lacks a topic now: nothing is lost, try again later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaOptions:
    """How to reach the broker; `sasl` is `user:password` (SCRAM-SHA-512), `prefix` begins topic and group names."""

    sasl: str = ""
    tls: bool = False
    ca: Path | None = None
    prefix: str = "hotline"

    @classmethod
    def of(cls, settings: Settings) -> "KafkaOptions":
        """Return what the settings say."""
        return cls(sasl=settings.kafka_sasl, tls=settings.kafka_tls, ca=settings.kafka_ca, prefix=settings.kafka_prefix)

    @property
    def facts(self) -> str:
        """The topic of facts."""
        return f"{self.prefix}.facts"

    @property
    def dead_letters(self) -> str:
        """The topic of dead letters."""
        return f"{self.prefix}.dead-letters"

    def group(self, group: str) -> str:
        """Return a group's name on the broker."""
        return f"{self.prefix}.{group}"


def client_settings(url: str, options: KafkaOptions) -> dict[str, Any]:
    """Return what every client of the driver needs; raises BusUnavailable for a certificate file that is no such."""
    user, _, password = options.sasl.partition(":")
    settings: dict[str, Any] = {
        "bootstrap_servers": url.removeprefix("kafka://").strip("/").split(","),
        "client_id": "hotline",
        "retry_backoff_ms": RETRY_MS,
        "security_protocol": ("SASL_" if user else "") + ("SSL" if options.tls else "PLAINTEXT"),
    }
    if user:
        settings |= {
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": user,
            "sasl_plain_password": password,
        }
    if options.tls:
        try:
            settings["ssl_context"] = ssl.create_default_context(cafile=options.ca)
        except (OSError, ssl.SSLError) as error:
            raise BusUnavailable(f"KAFKA_CA: {options.ca} cannot be used as a certificate authority: {error}") from None
    return settings


@contextlib.contextmanager
def broker_errors(what: str) -> Iterator[None]:
    """Turn every failure of the driver inside the block into BusUnavailable, which says what was being done."""
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as error:
        remedy = "see that BUS_URL names brokers that run, and that KAFKA_SASL, KAFKA_TLS and KAFKA_CA are theirs"
        raise BusUnavailable(f"cannot {what}: {type(error).__name__} {error} ({remedy})") from error


async def knock(settings: Mapping[str, Any]) -> None:
    """Connect to one of the brokers and let go again; raises BusUnavailable that names the setting at fault.

    Whatever a broker refuses, the driver's clients say only that they found none.
    """
    client = {name: value for name, value in settings.items() if name not in {"bootstrap_servers", "retry_backoff_ms"}}
    refusals: list[Exception] = []
    for host, port, _ in collect_hosts(settings["bootstrap_servers"]):
        try:
            connection = await create_conn(host, port, request_timeout_ms=KNOCK_MS, **client)
        except (KafkaError, OSError, TimeoutError) as error:
            refusals.append(error)
        else:
            connection.close()
            return
    for refusal in refusals:
        if isinstance(refusal, SaslAuthenticationFailed):
            raise BusUnavailable(
                "the broker refuses KAFKA_SASL: give the user:password that it has for SCRAM-SHA-512"
            ) from None
        if isinstance(refusal, ssl.SSLCertVerificationError):
            raise BusUnavailable(
                f"the broker's certificate is not accepted ({refusal.verify_message}): name its authority in KAFKA_CA, "
                "and in BUS_URL the host that it is made out to"
            ) from None
    with broker_errors("reach the broker"):
        raise refusals[0]


def reader_settings() -> dict[str, Any]:
    """Return what every reader needs besides.

    It records nothing by itself and reads a topic from its beginning. A member must be waited for longer than its
    handover takes; the driver's own answer, ten seconds, would give its work to another while it still does it.
    """
    return {
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "heartbeat_interval_ms": 1000,
        "rebalance_timeout_ms": int((HANDOVER_S + CLOSE_S) * 1000),
    }


async def started(client: Any, what: str) -> Any:
    """Start a client of the driver and return it; raises BusUnavailable, and then nothing of it is left."""
    try:
        with broker_errors(what):
            await client.start()
    except BaseException:
        await close_quietly(client)
        raise
    return client


async def close_quietly(client: Any) -> None:
    """Stop a client of the driver; what a broker that is gone makes of that concerns nobody."""
    with contextlib.suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(CLOSE_S):
            try:
                await (client.close() if hasattr(client, "close") else client.stop())
            except asyncio.CancelledError:
                if is_cancelled():
                    raise
                # The driver lets out the cancel of a reading of its own that waits for a broker, and ends there.
                await close_connections(client)


def is_cancelled() -> bool:
    """Tell whether somebody wants the running task to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def close_connections(client: Any) -> None:
    """Close what a client that could not be stopped leaves open, so that it looks for a broker no more."""
    inner = getattr(client, "_client", None)
    if inner is not None:
        await inner.close()


def pace_the_driver() -> None:
    """Let a client of the driver that finds no broker wait before it looks again.

    By itself (0.14) it looks again at once while a partition has no leader: thousands of times a second in each
    process, for as long as the brokers are gone.
    """
    look = AIOKafkaClient._metadata_update  # noqa: SLF001 - nothing public lies around every look

    async def look_and_rest(self: Any, *arguments: Any) -> bool:
        is_found: bool = await look(self, *arguments)
        if not is_found:
            await asyncio.sleep(RETRY_MS / 1000)
        return is_found

    AIOKafkaClient._metadata_update = look_and_rest  # noqa: SLF001


pace_the_driver()
