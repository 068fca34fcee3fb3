"""KAFKA_SASL, KAFKA_TLS and KAFKA_CA reach the broker; what is wrong with them is said by its name."""

from dataclasses import replace
from pathlib import Path

import pytest

from hotline.config import Settings, load_settings
from hotline.plumbing.bus_kafka import BusUnavailable, KafkaOptions, open_kafka
from hotline.plumbing.bus_kafka_topics import ensure_topics, load_topics
from tests.contract.facts_for_tests import received
from tests.live.kafka_town import SEALER
from tests.live.own_broker import USER, OwnBroker, write_certificates
from tests.servers import unique_name
from tools.server_processes import start_again

pytestmark = pytest.mark.live
SECRET = "a secret of at least thirty-two characters"


def settings_of(url: str, **kafka: str) -> Settings:
    """Return the settings as the environment gives them."""
    return load_settings(
        {
            "STORE_URL": "mongodb://localhost:27017/hotline",
            "BUS_URL": url,
            "SECRET_KEY": SECRET,
            "SEAL_KEYS": f"2026:{SECRET}",
            **kafka,
        }
    )


async def speak(settings: Settings) -> None:
    """Make the topics, publish and read a fact."""
    options = replace(KafkaOptions.of(settings), prefix=unique_name())
    await ensure_topics(settings.bus_url, options, load_topics(replication=1))
    bus = await open_kafka(settings.bus_url, SEALER, options)
    try:
        await bus.publish([received("f1")])
        assert (await bus.subscribe("respond").next_batch(1))[0].envelope.feedback_id == "f1"
    finally:
        await bus.close()


async def refusal(settings: Settings) -> str:
    """Return the sentence that the operator reads."""
    with pytest.raises(BusUnavailable) as refused:
        await speak(settings)
    return str(refused.value)


@pytest.fixture
def doors(own_broker: OwnBroker) -> OwnBroker:
    start_again(own_broker.server)
    return own_broker


async def test_the_right_password_opens_the_door_with_and_without_tls(doors: OwnBroker) -> None:
    await speak(settings_of(doors.with_password, KAFKA_SASL=doors.sasl))
    await speak(settings_of(doors.with_tls, KAFKA_SASL=doors.sasl, KAFKA_TLS="yes", KAFKA_CA=str(doors.ca)))


@pytest.mark.parametrize("sasl", [f"{USER}:wrong", "nobody:wrong"])
async def test_a_wrong_password_is_said_in_one_sentence_without_it(doors: OwnBroker, sasl: str) -> None:
    assert await refusal(settings_of(doors.with_password, KAFKA_SASL=sasl)) == (
        "the broker refuses KAFKA_SASL: give the user:password that it has for SCRAM-SHA-512"
    )


async def test_no_password_where_one_is_asked_for_names_the_setting(doors: OwnBroker) -> None:
    assert "KAFKA_SASL" in await refusal(settings_of(doors.with_password))


async def test_a_certificate_of_an_unknown_authority_names_the_setting(doors: OwnBroker, tmp_path: Path) -> None:
    write_certificates(tmp_path / "ca.pem", tmp_path / "keystore.pem")
    other = settings_of(doors.with_tls, KAFKA_SASL=doors.sasl, KAFKA_TLS="yes", KAFKA_CA=str(tmp_path / "ca.pem"))
    said = await refusal(other)
    assert said.startswith("the broker's certificate is not accepted") and "KAFKA_CA" in said


async def test_no_tls_where_the_door_speaks_it_names_the_setting(doors: OwnBroker) -> None:
    assert "KAFKA_TLS" in await refusal(settings_of(doors.with_tls, KAFKA_SASL=doors.sasl))
