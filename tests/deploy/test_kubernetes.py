"""The Kubernetes files: valid, each pod shut in and probed, one address for all routes, metrics for one reader."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from hotline.config import SETTINGS, load_settings
from hotline.web.service import OWNED_PATHS
from services.cli import SERVICES, add_service_commands, hotline
from tests.deploy.files import ENV_LINE, KUBERNETES, SECRETS, all_manifests, compose, image_settings, kustomization
from tests.deploy.started import opened
from tests.deploy.test_proxy import sample

# The oldest and the newest that are still looked after.
VERSIONS = ("1.33", "1.37")
BASE, EXAMPLE = KUBERNETES / "base", KUBERNETES / "overlays" / "example"
STARTED = {"Deployment", "Job", "CronJob"}
OBJECTS = [pytest.param(made, id=f"{made['kind']}:{made['metadata']['name']}") for _, made in all_manifests()]
PODS = [object_ for object_ in OBJECTS if object_.values[0]["kind"] in STARTED]
DEPLOYMENTS = [object_ for object_ in PODS if object_.values[0]["kind"] == "Deployment"]
# As docs/operations.md says.
LEARNING = "5Gi"
IN_THE_OPEN = {"LOCALITY", "LOG_LEVEL", "TRUSTED_PROXY", "KAFKA_TLS", "PUBLIC_URL", "MAIL_FROM"}


def of_kind(kind: str) -> dict[str, dict[str, Any]]:
    """Return the objects of a kind by name."""
    return {made["metadata"]["name"]: made for _, made in all_manifests() if made["kind"] == kind}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("made", OBJECTS)
def test_the_object_is_as_its_schema_says(made: dict[str, Any], version: str) -> None:
    kubernetes_validate.validate(made, version, strict=True)


@pytest.mark.parametrize("folder", [BASE, EXAMPLE], ids=["base", "example"])
def test_every_file_of_the_folder_is_applied(folder: Path) -> None:
    named = {name for name in kustomization(folder)["resources"] if name.endswith(".yaml")}
    assert named == {file.name for file in folder.glob("*.yaml")} - {"kustomization.yaml"}


def test_kustomize_builds_the_example() -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not here: the files are checked one by one above")
    built = subprocess.run([kubectl, "kustomize", str(EXAMPLE)], capture_output=True, text=True)
    assert (built.returncode, built.stderr) == (0, "")
    objects = list(yaml.safe_load_all(built.stdout))
    assert {made["metadata"]["namespace"] for made in objects} == {"hotline"}
    for made in objects:
        kubernetes_validate.validate(made, VERSIONS[-1], strict=True)
    images = {pod(made)["containers"][0]["image"] for made in objects if made["kind"] in STARTED}
    assert images == {"registry.example.vn/hotline:0.1.0"}


def pod(made: dict[str, Any]) -> dict[str, Any]:
    """Return what an object says of its pods."""
    spec = made["spec"]["jobTemplate"]["spec"] if made["kind"] == "CronJob" else made["spec"]
    said: dict[str, Any] = spec["template"]["spec"]
    return said


@pytest.mark.parametrize("made", PODS)
def test_what_is_started_is_a_command_of_hotline(made: dict[str, Any]) -> None:
    add_service_commands()
    verb, *arguments = pod(made)["containers"][0]["args"]
    hotline.commands[verb].make_context(verb, arguments)


@pytest.mark.parametrize("made", PODS)
def test_the_pod_is_shut_in(made: dict[str, Any]) -> None:
    asked, (container,) = pod(made), pod(made)["containers"]
    assert asked["automountServiceAccountToken"] is False
    assert asked["securityContext"]["runAsNonRoot"] is True
    assert asked["securityContext"]["runAsUser"] == 10001
    assert asked["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]
    assert set(container["resources"]["requests"]) == {"cpu", "memory"}


def test_classify_may_take_the_memory_that_learning_needs_wherever_it_runs() -> None:
    (container,) = pod(of_kind("Deployment")["classify"])["containers"]
    assert container["resources"]["limits"]["memory"] == LEARNING
    assert compose("compose.yaml")["services"]["classify"]["mem_limit"].upper() + "i" == LEARNING


@pytest.mark.parametrize("made", DEPLOYMENTS)
def test_the_pod_is_probed_where_it_listens_and_may_write_where_it_must(made: dict[str, Any]) -> None:
    (container,) = pod(made)["containers"]
    ports = {port["name"]: str(port["containerPort"]) for port in container["ports"]}
    assert ports == {"http": image_settings()["PORT"], "metrics": image_settings()["METRICS_PORT"]}
    probes = {name: container[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert probes == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz/pages"}
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/tmp", image_settings()["DATA_DIR"]}


def test_each_service_runs_alone_more_than_once_and_is_never_wholly_taken_away() -> None:
    deployments, budgets = of_kind("Deployment"), of_kind("PodDisruptionBudget")
    assert set(deployments) == set(budgets) == set(SERVICES)
    for name, made in deployments.items():
        assert pod(made)["containers"][0]["args"] == ["run", name]
        assert made["spec"]["replicas"] > budgets[name]["spec"]["maxUnavailable"]
        assert budgets[name]["spec"]["selector"] == made["spec"]["selector"]


def test_secrets_are_only_referred_to() -> None:
    assert not of_kind("Secret")
    for made in [made for kind in STARTED for made in of_kind(kind).values()]:
        (container,) = pod(made)["containers"]
        assert "env" not in container
        assert container["envFrom"] == [
            {"configMapRef": {"name": "hotline-settings"}},
            {"secretRef": {"name": "hotline-secrets"}},
        ]


def test_settings_in_the_open_are_settings_and_hold_no_secret() -> None:
    literals = [
        line for folder in (BASE, EXAMPLE) for each in kustomization(folder)["configMapGenerator"]
        for line in each["literals"]
    ]  # fmt: skip
    names = {name for _, name, _ in ENV_LINE.findall("\n".join(literals))}
    assert names <= {setting.name for setting in SETTINGS} & IN_THE_OPEN
    outside = {
        "STORE_URL": "mongodb://db.example.vn/hotline?replicaSet=rs0",
        "BUS_URL": "kafka://kafka.example.vn:9093",
    }
    given = dict(line.split("=", 1) for line in literals)
    settings = load_settings({**image_settings(), **given, **SECRETS, **outside})
    assert settings.trusted_proxy and settings.kafka_tls and not settings.is_embedded
    (ingress,) = of_kind("Ingress").values()
    assert settings.public_url == f"https://{ingress['spec']['rules'][0]['host']}"


def service_for(path: str) -> str | None:
    """Return where the Ingress sends a path: an exact rule first, then the longest prefix of whole parts."""
    (ingress,) = of_kind("Ingress").values()
    (rule,) = ingress["spec"]["rules"]
    found = [
        (each["pathType"] == "Exact", len(each["path"]), each["backend"]["service"]["name"])
        for each in rule["http"]["paths"]
        if path == each["path"] or (each["pathType"] == "Prefix" and path.startswith(each["path"] + "/"))
    ]
    return max(found)[2] if found else None


async def test_every_route_of_a_service_reaches_that_service(tmp_path: Path) -> None:
    async with opened(tmp_path) as (_, services):
        routes = [(service.name, sample(route.path)) for service in services for route in service.routes]
    assert {path: service_for(path) for _, path in routes} == {path: name for name, path in routes}


def test_what_all_share_is_served_and_what_is_inward_is_not_handed_on() -> None:
    assert [service_for(path) for path in ("/static/x.css", "/language")] == ["ingest", "ingest"]
    inward = ("/healthz", "/readyz", "/metrics")
    assert [service_for(path) for path in inward] == [None] * len(inward)
    assert set(OWNED_PATHS["shell"]) == {"/static", "/language", "/healthz", "/readyz"}


def test_the_ingress_speaks_to_the_pages_port_of_services_that_are_there() -> None:
    services = of_kind("Service")
    (ingress,) = of_kind("Ingress").values()
    for each in ingress["spec"]["rules"][0]["http"]["paths"]:
        backend = each["backend"]["service"]
        assert backend["port"]["name"] in {port["name"] for port in services[backend["name"]]["spec"]["ports"]}
    for name in SERVICES:
        assert [port["name"] for port in services[name]["spec"]["ports"]] == ["http"]
        assert [port["name"] for port in services[f"{name}-metrics"]["spec"]["ports"]] == ["metrics"]


def test_only_prometheus_reaches_metrics_and_only_the_proxy_the_pages() -> None:
    policies = of_kind("NetworkPolicy")
    assert {name: made["spec"]["podSelector"] for name, made in policies.items()} == {name: {} for name in policies}
    assert "ingress" not in policies["hotline-nobody"]["spec"]
    let_in = {
        (port["port"], label)
        for made in policies.values()
        for rule in made["spec"].get("ingress", [])
        for port in rule["ports"]
        for source in rule["from"]
        for label in source["namespaceSelector"]["matchLabels"]
    }
    assert let_in == {("http", "hotline/proxy"), ("metrics", "hotline/metrics")}
