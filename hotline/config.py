"""The settings: read from the environment once, at the start, all faults named at once.

Called by `services/cli.py`; every other part is handed a `Settings`. Never reads a file and never guesses.
Each setting is documented in docs/operations.md (a test compares).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ReadValue = Callable[[str], object]

STORES = {"sqlite": "sqlite:///path/to/hotline.db", "mongodb": "mongodb://host:27017/hotline"}
BUSES = {"sqlite": STORES["sqlite"], "kafka": "kafka://host:9092,host:9092"}
TOGETHER = {"sqlite": "sqlite", "mongodb": "kafka"}
PROFILES = Path(__file__).parent / "data" / "profiles"
MIN_SECRET_CHARACTERS = 32


class SettingsError(Exception):
    """The environment cannot be used; `faults` names every bad setting with its remedy."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(faults))


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One environment variable: `read` turns its text into a value or raises ValueError with the remedy."""

    name: str
    default: str
    read: ReadValue
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the product was told; one field for each of `SETTINGS`, in lower case."""

    host: str
    port: int
    metrics_host: str
    metrics_port: int | None
    public_url: str
    trusted_proxy: bool
    data_dir: Path
    models_dir: Path
    store_url: str
    bus_url: str
    kafka_sasl: str
    kafka_tls: bool
    kafka_ca: Path | None
    kafka_prefix: str
    secret_key: str
    seal_keys: Mapping[str, str]
    locality: str
    calendar_notices: Path | None
    api_keys: Mapping[str, str]
    webhook_secret: str
    smtp_url: str
    mail_from: str
    power_company_phone: str
    session_hours: int
    submissions_per_minute: int
    log_level: str

    @property
    def is_embedded(self) -> bool:
        """Whether everything lies in one SQLite file, served by one process."""
        return scheme_of(self.store_url) == "sqlite"

    @property
    def files_dir(self) -> Path:
        """Where attachments are kept."""
        return self.data_dir / "files"


def read_text(value: str) -> str:
    """Any text."""
    return value.strip()


def read_port(value: str) -> int:
    """A TCP port; 0 lets the system choose one."""
    if not value.isdecimal() or int(value) > 65535:
        raise ValueError("give a port from 0 to 65535")
    return int(value)


def read_host(value: str) -> str:
    """An address or name of this machine; nothing would mean all of them, which must be said."""
    if not value.strip():
        raise ValueError("give an address of this machine, such as 127.0.0.1, or leave it out")
    return value.strip()


def read_optional_port(value: str) -> int | None:
    """A TCP port, or nothing: then nothing listens."""
    return read_port(value.strip()) if value.strip() else None


def read_hours(value: str) -> int:
    """A whole number of hours from 1 to 72."""
    if not value.isdecimal() or not 1 <= int(value) <= 72:
        raise ValueError("give whole hours from 1 to 72")
    return int(value)


def read_count(value: str) -> int:
    """A whole number from 0 to 100 000."""
    if not value.isdecimal() or int(value) > 100_000:
        raise ValueError("give a whole number from 0 (no limit) to 100000")
    return int(value)


def read_switch(value: str) -> bool:
    """On or off."""
    switches = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False}
    if value.strip().lower() not in switches:
        raise ValueError("give yes or no")
    return switches[value.strip().lower()]


def read_path(value: str) -> Path:
    """A folder, relative ones from where the process starts."""
    if not value.strip():
        raise ValueError("give a folder")
    return Path(value.strip())


def read_locality(value: str) -> str:
    """The name of a packaged locality profile."""
    known = sorted(folder.name for folder in PROFILES.iterdir() if folder.is_dir())
    if value.strip() not in known:
        raise ValueError(f"give one of {', '.join(known)}")
    return value.strip()


def read_smtp_url(value: str) -> str:
    """The address of a mail server, or nothing: then notices stay unsent."""
    parts = urlsplit(value.strip())
    if value.strip() and (parts.scheme not in {"smtp", "smtps"} or not parts.hostname):
        raise ValueError("give smtp://user:password@host:587, smtps:// for TLS from the start, or leave it out")
    return value.strip()


def read_file(value: str) -> Path | None:
    """A file that is there, or nothing."""
    if not value.strip():
        return None
    if not Path(value.strip()).is_file():
        raise ValueError("give a file that is there, or leave it out")
    return Path(value.strip())


def read_web_url(value: str) -> str:
    """An http or https address without a path."""
    parts = urlsplit(value.strip())
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path not in {"", "/"}:
        raise ValueError("give an address such as https://1022.example.vn")
    return value.strip().rstrip("/")


def read_store_url(value: str) -> str:
    """Where documents are kept: a SQLite file, or a MongoDB replica set with the name of the database."""
    return _url_of(value, STORES)


def read_bus_url(value: str) -> str:
    """Where facts are kept: the same SQLite file, or Kafka's first brokers."""
    return _url_of(value, BUSES)


def _url_of(value: str, known: Mapping[str, str]) -> str:
    url = value.strip()
    scheme = scheme_of(url)
    if scheme not in known or not url.removeprefix(f"{scheme}://").strip("/"):
        raise ValueError(f"give {' or '.join(known.values())}")
    if scheme == "mongodb" and not urlsplit(url).path.strip("/"):
        raise ValueError(f"name the database at the end: {known['mongodb']}")
    return url


def scheme_of(url: str) -> str:
    """Return what a URL begins with: sqlite, mongodb (also its srv form) or kafka."""
    return urlsplit(url).scheme.removesuffix("+srv")


def read_prefix(value: str) -> str:
    """What topic and group names begin with: letters, digits, dots, dashes, underscores."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", value.strip()):
        raise ValueError("give letters, digits, dots, dashes or underscores, at most 100")
    return value.strip()


def read_sasl(value: str) -> str:
    """`user:password` for the broker, or nothing."""
    if value and not all(value.partition(":")):
        raise ValueError("give user:password, or leave it out")
    return value


def read_secret(value: str) -> str:
    """A long secret, or nothing: then one is made and kept in DATA_DIR/secret.key."""
    if value and len(value) < MIN_SECRET_CHARACTERS:
        raise ValueError(f"give at least {MIN_SECRET_CHARACTERS} random characters, or leave it out")
    return value


def read_pairs(value: str) -> dict[str, str]:
    """`name:secret` pairs with commas between."""
    pairs = [pair.strip() for pair in value.split(",") if pair.strip()]
    named = dict(pair.split(":", 1) for pair in pairs if ":" in pair)
    if len(named) != len(pairs) or not all(name and secret for name, secret in named.items()):
        raise ValueError("give name:secret pairs with commas between, each name once")
    return named


def read_webhook_secret(value: str) -> str:
    """A Standard Webhooks secret, or nothing: then the 1022 call endpoint answers 503."""
    if value and not value.startswith("whsec_"):
        raise ValueError("give a Standard Webhooks secret: whsec_ and base64")
    return value


def read_log_level(value: str) -> str:
    """How much is logged."""
    if value.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise ValueError("give DEBUG, INFO, WARNING or ERROR")
    return value.upper()


SETTINGS: tuple[Setting, ...] = (
    Setting(name="HOST", default="127.0.0.1", read=read_text, meaning="address to listen on"),
    Setting(name="PORT", default="8080", read=read_port, meaning="port to listen on"),
    Setting(
        name="METRICS_HOST",
        default="127.0.0.1",
        read=read_host,
        meaning="address to listen on for Prometheus, never one that citizens reach",
    ),
    Setting(name="METRICS_PORT", default="", read=read_optional_port, meaning="port of /metrics, none without it"),
    Setting(name="PUBLIC_URL", default="http://localhost:8080", read=read_web_url, meaning="address that citizens use"),
    Setting(
        name="TRUSTED_PROXY", default="no", read=read_switch, meaning="believe X-Forwarded-For of the proxy in front"
    ),
    Setting(name="DATA_DIR", default="var", read=read_path, meaning="folder of database, files, models and secret"),
    Setting(name="MODELS_DIR", default="var/models", read=read_path, meaning="folder of trained models"),
    Setting(
        name="STORE_URL", default="sqlite:///var/hotline.db", read=read_store_url, meaning="where documents are kept"
    ),
    Setting(name="BUS_URL", default="sqlite:///var/hotline.db", read=read_bus_url, meaning="where facts are kept"),
    Setting(name="KAFKA_SASL", default="", read=read_sasl, meaning="user:password for the broker (SCRAM-SHA-512)"),
    Setting(name="KAFKA_TLS", default="no", read=read_switch, meaning="speak TLS to the broker"),
    Setting(name="KAFKA_CA", default="", read=read_file, meaning="the broker's certificate authority (PEM)"),
    Setting(
        name="KAFKA_PREFIX", default="hotline", read=read_prefix, meaning="what names of topics and groups begin with"
    ),
    Setting(
        name="SECRET_KEY", default="", read=read_secret, meaning="signs cookies and ids, seals the citizens' words"
    ),
    Setting(name="SEAL_KEYS", default="", read=read_pairs, meaning="id:secret pairs that seal facts, the first writes"),
    Setting(name="LOCALITY", default="ha-giang-2023", read=read_locality, meaning="the locality profile that routes"),
    Setting(name="CALENDAR_NOTICES", default="", read=read_file, meaning="file of days off announced since"),
    Setting(name="API_KEYS", default="", read=read_pairs, meaning="name:secret pairs of partners of the API"),
    Setting(name="WEBHOOK_SECRET", default="", read=read_webhook_secret, meaning="signs the 1022 switchboard's calls"),
    Setting(name="SMTP_URL", default="", read=read_smtp_url, meaning="smtp://user:password@host:587 for notices"),
    Setting(name="MAIL_FROM", default="1022@localhost", read=read_text, meaning="sender of notices"),
    Setting(name="POWER_COMPANY_PHONE", default="1900 6769", read=read_text, meaning="shown above the form"),
    Setting(name="SESSION_HOURS", default="8", read=read_hours, meaning="how long a sign-in holds"),
    Setting(
        name="SUBMISSIONS_PER_MINUTE",
        default="120",
        read=read_count,
        meaning="feedbacks taken from one address without an API key, 0 for no limit",
    ),
    Setting(name="LOG_LEVEL", default="INFO", read=read_log_level, meaning="how much is logged"),
)


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Read every setting from `environment`; raises SettingsError that names all faults at once.

    What is left out follows what is given: the database lies in DATA_DIR, PUBLIC_URL names PORT.
    """
    environment = with_followers(environment)
    values: dict[str, object] = {}
    faults: list[str] = []
    for setting in SETTINGS:
        try:
            values[setting.name.lower()] = setting.read(environment.get(setting.name, setting.default))
        except ValueError as error:
            faults.append(f"{setting.name}: {error}")
    faults = faults or faults_together(values)
    if faults:
        raise SettingsError(faults)
    return Settings(**values)  # type: ignore[arg-type]


def faults_together(values: Mapping[str, object]) -> list[str]:
    """Name what does not go together among values that are each good."""
    store, bus = str(values["store_url"]), str(values["bus_url"])
    if TOGETHER[scheme_of(store)] != scheme_of(bus):
        return [f"STORE_URL and BUS_URL: give {STORES['mongodb']} with {BUSES['kafka']}, or leave both out"]
    if scheme_of(store) == "sqlite":
        return [] if store == bus else ["STORE_URL and BUS_URL: give both the same sqlite file, or leave both out"]
    needed = {"secret_key": "every process needs the same one", "seal_keys": "the broker's disks must not hold words"}
    return [f"{name.upper()}: give it, {why}" for name, why in needed.items() if not values[name]]


def with_followers(environment: Mapping[str, str]) -> Mapping[str, str]:
    """Add the settings whose defaults follow others that were given."""
    followers: dict[str, str] = {}
    if environment.get("DATA_DIR"):
        url = f"sqlite:///{environment['DATA_DIR']}/hotline.db"
        followers |= {"STORE_URL": url, "BUS_URL": url, "MODELS_DIR": f"{environment['DATA_DIR']}/models"}
    if environment.get("PORT"):
        followers["PUBLIC_URL"] = f"http://localhost:{environment['PORT']}"
    return followers | dict(environment)


def sqlite_path(url: str) -> Path:
    """Return the file of a `sqlite:///relative` or `sqlite:////absolute` URL."""
    return Path(url.removeprefix("sqlite:///"))
