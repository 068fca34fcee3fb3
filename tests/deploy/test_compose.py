"""The compose files: valid, each container shut in, and nothing but the proxy reachable from outside."""

import json
import re
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest

from hotline.config import SETTINGS, load_settings
from hotline.plumbing.bus_kafka_topics import load_broker_settings
from services.cli import SERVICES, hotline
from tests.deploy.files import COMPOSE_FILES, DEPLOY, compose, example_settings, image_settings
from tools.server_install import POM

SCHEMA = json.loads((files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text("utf-8"))
# What compose puts in where .env says nothing.
DEFAULTED = re.compile(r"\$\{\w+:-([^}]*)\}")
OURS = {"hotline", "topics", *SERVICES}


def containers(name: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the containers of a compose file by name."""
    return list(compose(name)["services"].items())


EACH = [
    pytest.param(file, name, made, id=f"{file}:{name}") for file in COMPOSE_FILES for name, made in containers(file)
]


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_the_file_is_as_the_compose_specification_says(name: str) -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(compose(name))


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_all_three_services_run(name: str) -> None:
    commands = [made.get("command") for which, made in containers(name) if which in OURS - {"topics"}]
    assert commands in ([None], [["run", service] for service in SERVICES])


@pytest.mark.parametrize(("file", "name", "made"), [each for each in EACH if each.values[1] in OURS])
def test_what_is_started_is_a_command_of_hotline(file: str, name: str, made: dict[str, Any]) -> None:
    verb, *arguments = made.get("command", ["run"])
    hotline.commands[verb].make_context(verb, arguments)


@pytest.mark.parametrize(("file", "name", "made"), EACH)
def test_only_the_proxy_is_reached_from_outside(file: str, name: str, made: dict[str, Any]) -> None:
    networks = compose(file)["networks"]
    assert bool(made.get("ports")) == (name == "proxy")
    assert ("edge" in made["networks"]) == (name == "proxy")
    if name in {"kafka", "mongodb"}:
        assert [networks[network].get("internal") for network in made["networks"]] == [True]


@pytest.mark.parametrize(("file", "name", "made"), EACH)
def test_each_container_is_shut_in_and_waits_for_what_it_needs(file: str, name: str, made: dict[str, Any]) -> None:
    assert made["security_opt"] == ["no-new-privileges:true"]
    assert made["mem_limit"]
    assert set(made.get("depends_on", {})) <= set(compose(file)["services"])
    if name in OURS | {"proxy"}:
        assert (made["read_only"], made["cap_drop"]) == (True, ["ALL"])
    if name not in OURS:
        assert ":" in made["image"] and not made["image"].endswith(":latest")


@pytest.mark.parametrize(("file", "name", "made"), [each for each in EACH if each.values[1] in OURS])
def test_what_is_set_are_settings_and_all_that_is_written_may_be(file: str, name: str, made: dict[str, Any]) -> None:
    assert set(made["environment"]) <= {setting.name for setting in SETTINGS}
    assert made["environment"]["TRUSTED_PROXY"] == "yes"
    data_dir = image_settings()["DATA_DIR"]
    places = [place.split(":")[0] for place in made["tmpfs"]]
    places += [volume.split(":")[1] for volume in made.get("volumes", [])]
    assert {"/tmp", data_dir} <= set(places)


@pytest.mark.parametrize(("file", "name", "made"), [each for each in EACH if each.values[1] in OURS])
def test_with_the_example_filled_in_the_settings_can_be_used(file: str, name: str, made: dict[str, Any]) -> None:
    given = {name: DEFAULTED.sub(r"\1", value) for name, value in made["environment"].items()}
    settings = load_settings({**image_settings(), **example_settings(), **given})
    assert settings.is_embedded == (file == "compose.single.yaml")
    assert (settings.host, settings.metrics_host) == ("0.0.0.0", "0.0.0.0")
    assert settings.trusted_proxy and settings.public_url.startswith("https://")
    if not settings.is_embedded:
        known = compose(file)["services"]
        assert {urlsplit(url).hostname for url in (settings.store_url, settings.bus_url)} <= set(known)


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_the_one_file_outlives_its_container(name: str) -> None:
    made = compose(name)
    kept = [volume for each in made["services"].values() for volume in each.get("volumes", []) if volume[0] != "."]
    assert {volume.split(":")[0] for volume in kept if "$" not in volume} == set(made["volumes"])


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_files_that_containers_read_are_there(name: str) -> None:
    for _, made in containers(name):
        for volume in made.get("volumes", []):
            if volume.startswith("./"):
                assert (DEPLOY / volume.split(":")[0]).is_file()


def test_the_broker_is_the_release_that_tests_speak_to_and_set_as_the_topics_say() -> None:
    kafka = compose("compose.yaml")["services"]["kafka"]
    tried = re.search(r"<artifactId>kafka_[0-9.]+</artifactId>\s*<version>([^<]+)<", POM.read_text(encoding="utf-8"))
    assert tried and kafka["image"] == f"apache/kafka:{tried[1]}"
    for name, value in load_broker_settings().items():
        assert kafka["environment"]["KAFKA_" + name.upper().replace(".", "_")] == value
