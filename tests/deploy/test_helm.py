"""deploy/helm: the chart is sound; Kubernetes knows its fields, and the program its settings."""

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from deploy.tools import DEPLOY, Rendered, image_environment, ours, tool
from interop.programs import Done, run
from postroad.config.loader import load
from postroad.config.settings import Settings
from postroad.http.rest.operations import ENDPOINTS

CHART = DEPLOY / "helm" / "postroad"
_KUBERNETES = "1.29.0"
_SECRET = {
    "POSTROAD_MASTER_KEY": "00" * 32,
    "POSTROAD_STORAGE__METADATA": "postgres://postroad:secret@db/postroad",
    "POSTROAD_STORAGE__S3__ACCESS_KEY_ID": "key",
    "POSTROAD_STORAGE__S3__SECRET_ACCESS_KEY": "secret",
    "POSTROAD_BUS": "redis://:secret@redis",
}
_TERMS = [{"matchExpressions": [{"key": "disk", "operator": "Exists"}]}]
_REQUIRED = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": _TERMS}}
_AFFINITY = {"nodeAffinity": _REQUIRED}
_OTHERS = [
    *("--set", "tlsSecret=tls", "--set", "autoscaling.enabled=false", "--set", "replicas=3"),
    *("--set", "init.enabled=false", "--set", "service.type=ClusterIP"),
    *("--set", "imagePullSecrets[0].name=pull", "--set", "nodeSelector.disk=fast"),
    *("--set", "tolerations[0].key=mail", "--set", "podAnnotations.one=two"),
    *("--set", "serviceAccount.annotations.role=mail", "--set", "service.annotations.a=b"),
    *("--set-json", f"affinity={json.dumps(_AFFINITY)}", "--set-string", "image.tag=1"),
    *(
        word
        for name, text in _SECRET.items()
        for word in ("--set-string", f"secret.{name}={text}")
    ),
]
WAYS = pytest.mark.parametrize("words", [[], _OTHERS], ids=["defaults", "others"])


def helm(*words: object) -> Done:
    return run([tool("helm"), *words, "--kube-version", _KUBERNETES])


def rendered(words: Sequence[str]) -> str:
    done = helm("template", "mail", CHART, *words)
    assert done.code == 0, done.out
    return done.out


def resources(words: Sequence[str]) -> dict[str, Rendered]:
    """By their kinds; there is one of each."""
    found = [one for one in YAML(typ="safe").load_all(rendered(words)) if one]
    kinds = {one["kind"]: one for one in found}
    assert len(kinds) == len(found)
    return kinds


def container(words: Sequence[str]) -> Rendered:
    (one,) = resources(words)["Deployment"]["spec"]["template"]["spec"]["containers"]
    found: Rendered = one
    return found


def settings(words: Sequence[str], folder: Path) -> Settings:
    """As the program reads them in a pod."""
    file = folder / "postroad.yaml"
    file.write_text(resources(words)["ConfigMap"]["data"]["postroad.yaml"])
    given = {one["name"]: one["value"] for one in container(words)["env"]}
    assert given == {"POSTROAD_CONFIG": f"/etc/postroad/{file.name}"}
    return load(file, ours(image_environment()) | _SECRET)


@WAYS
def test_the_linter_finds_no_fault(words: list[str]) -> None:
    done = helm("lint", "--strict", CHART, *words)
    assert done.code == 0, done.out


@WAYS
def test_kubernetes_knows_every_field(words: list[str], tmp_path: Path) -> None:
    checker = [tool("kubernetes-validate"), "--strict", "-k"]
    file = tmp_path / "rendered.yaml"
    file.write_text(rendered(words))
    for release in ("1.29", "1.36"):
        done = run([*checker, release, file])
        assert done.code == 0, done.out
    file.write_text(rendered(words).replace("readOnlyRootFilesystem", "readOnlyFilesystem"))
    assert run([*checker, "1.29", file]).code != 0


def test_what_it_makes() -> None:
    always = {"Deployment", "Service", "ConfigMap", "ServiceAccount", "PodDisruptionBudget"}
    assert set(resources([])) == always | {"HorizontalPodAutoscaler", "Job"}
    assert set(resources(_OTHERS)) == always | {"Secret"}
    assert resources(_OTHERS)["Secret"]["stringData"] == _SECRET
    assert resources(_OTHERS)["Deployment"]["spec"]["replicas"] == 3
    pods = resources(_OTHERS)["Deployment"]["spec"]["template"]["spec"]
    assert pods["affinity"] == _AFFINITY
    assert pods["containers"][0]["image"] == "postroad:1"
    assert container([])["image"] == f"postroad:{version('postroad')}"
    assert "replicas" not in resources([])["Deployment"]["spec"], "the autoscaler has it"


@WAYS
def test_the_program_takes_the_settings(words: list[str], tmp_path: Path) -> None:
    found = settings(words, tmp_path)
    mounted = {one["mountPath"] for one in container(words)["volumeMounts"]}
    assert str(found.data_dir) in mounted
    certificate = found.tls.certificate
    assert (certificate is not None) == ("tlsSecret=tls" in words)
    if certificate is not None:
        assert str(certificate.parent) in mounted


def test_the_variables_of_the_secret_are_those_of_the_values() -> None:
    text = (CHART / "values.yaml").read_text()
    assert set(re.findall(r"POSTROAD_[A-Z0-9_]+", text)) == set(_SECRET)


@WAYS
def test_pods_are_given_time_to_end(words: list[str], tmp_path: Path) -> None:
    pod = resources(words)["Deployment"]["spec"]["template"]["spec"]
    before = container(words)["lifecycle"]["preStop"]["exec"]["command"]
    assert before[0] == "sleep"
    needed = settings(words, tmp_path).shutdown.grace + timedelta(seconds=int(before[1]) + 10)
    assert timedelta(seconds=pod["terminationGracePeriodSeconds"]) > needed


@WAYS
def test_probes_and_ports_are_those_of_the_program(words: list[str], tmp_path: Path) -> None:
    one = container(words)
    ports = {port["name"]: port["containerPort"] for port in one["ports"]}
    listen = settings(words, tmp_path).listen
    for name, port in ports.items():
        assert getattr(listen, name) == (f"0.0.0.0:{port}",)
    paths = {endpoint.path for endpoint in ENDPOINTS}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = one[probe]["httpGet"]
        assert asked["path"] in paths
        assert asked["port"] == "http"
    for port in resources(words)["Service"]["spec"]["ports"]:
        assert port["name"] == port["targetPort"]
        assert port["targetPort"] in set(ports) - {"http"}, "the clear one is for probes"


def test_the_service_finds_the_nodes_and_nothing_else() -> None:
    found = resources([])
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    of_job = found["Job"]["spec"]["template"]["metadata"]["labels"]
    for selector in (
        found["Service"]["spec"]["selector"],
        found["Deployment"]["spec"]["selector"]["matchLabels"],
        found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
        assert not selector.items() <= of_job.items()


def test_a_folder_for_blobs_is_refused() -> None:
    done = helm("template", "mail", CHART, "--set", "settings.storage.blobs=segments:blobs")
    assert done.code != 0
    assert "pods share no folder" in done.out
    assert helm("template", "mail", CHART, "--set", "existingSecret=").code != 0
