"""Settings are read once, all faults are named at once, and what is left out follows what is given."""

from pathlib import Path

import pytest

from hotline.config import SettingsError, load_settings, sqlite_path


def test_an_empty_environment_is_enough() -> None:
    settings = load_settings({})
    assert (settings.host, settings.port, settings.public_url) == ("127.0.0.1", 8080, "http://localhost:8080")
    assert sqlite_path(settings.store_url) == Path("var/hotline.db")


def test_every_fault_is_named_at_once_with_its_remedy() -> None:
    bad = {
        "PORT": "eighty",
        "METRICS_HOST": "",
        "METRICS_PORT": "ninety",
        "PUBLIC_URL": "1022.example.vn",
        "TRUSTED_PROXY": "perhaps",
        "STORE_URL": "postgres://localhost/hotline",
        "BUS_URL": "kafka://",
        "KAFKA_SASL": "hotline",
        "KAFKA_TLS": "perhaps",
        "KAFKA_CA": "/no/such/file",
        "SECRET_KEY": "short",
        "LOCALITY": "ha-noi",
        "API_KEYS": "partner",
        "WEBHOOK_SECRET": "secret",
        "SMTP_URL": "mail.example.vn",
        "SESSION_HOURS": "0",
        "SUBMISSIONS_PER_MINUTE": "-1",
        "LOG_LEVEL": "LOUD",
    }
    with pytest.raises(SettingsError) as refused:
        load_settings(bad)
    assert [fault.split(":", 1)[0] for fault in refused.value.faults] == list(bad)
    assert all(" give " in fault for fault in refused.value.faults)


def test_the_database_lies_in_the_data_folder_and_the_address_names_the_port() -> None:
    settings = load_settings({"DATA_DIR": "/srv/hotline", "PORT": "9000"})
    assert sqlite_path(settings.store_url) == sqlite_path(settings.bus_url) == Path("/srv/hotline/hotline.db")
    assert settings.public_url == "http://localhost:9000"
    assert settings.files_dir == Path("/srv/hotline/files")
    assert settings.models_dir == Path("/srv/hotline/models")
    assert load_settings({"DATA_DIR": "/srv/hotline", "MODELS_DIR": "/opt/models"}).models_dir == Path("/opt/models")


def test_metrics_are_off_until_a_port_is_given_and_then_on_this_machine_alone() -> None:
    assert load_settings({}).metrics_port is None
    settings = load_settings({"METRICS_PORT": "9102", "HOST": "0.0.0.0"})
    assert (settings.metrics_host, settings.metrics_port) == ("127.0.0.1", 9102)


def test_what_is_given_wins() -> None:
    given = {"DATA_DIR": "/srv/hotline", "PORT": "9000", "PUBLIC_URL": "https://1022.example.vn/"}
    assert load_settings(given).public_url == "https://1022.example.vn"


def test_a_mixed_pair_of_backends_is_refused() -> None:
    with pytest.raises(SettingsError, match="both the same sqlite file"):
        load_settings({"STORE_URL": "sqlite:///a.db", "BUS_URL": "sqlite:///b.db"})


SERVERS = {"STORE_URL": "mongodb://db/hotline", "BUS_URL": "kafka://broker:9092"}
KEYS = {"SECRET_KEY": "s" * 32, "SEAL_KEYS": "2026:" + "k" * 32}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"STORE_URL": "mongodb://db/hotline"}, "STORE_URL and BUS_URL: give mongodb"),
        ({"BUS_URL": "kafka://broker:9092"}, "STORE_URL and BUS_URL: give mongodb"),
        ({"STORE_URL": "mongodb://db/"}, "name the database"),
        (SERVERS, "SECRET_KEY: give it"),
        (SERVERS | {"SECRET_KEY": "s" * 32}, "SEAL_KEYS: give it"),
    ],
)
def test_servers_come_in_a_pair_and_with_keys(given: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load_settings(given)


def test_a_province_names_its_servers_beside_its_data_folder() -> None:
    settings = load_settings(SERVERS | KEYS | {"DATA_DIR": "/srv/hotline"})
    assert (settings.is_embedded, settings.store_url) == (False, "mongodb://db/hotline")
    assert load_settings({}).is_embedded


@pytest.mark.parametrize("pairs", ["partner", "partner:", ":secret", "a:1,a:2", "a:1,b"])
def test_pairs_are_names_with_secrets_each_once(pairs: str) -> None:
    with pytest.raises(SettingsError, match="API_KEYS"):
        load_settings({"API_KEYS": pairs})
