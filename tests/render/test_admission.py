"""The policies of admission: their rule, on pods that must pass and that must not, and the published schemas."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator
from ruamel.yaml import YAML

from ledger_tool.core.export import celtext
from ledger_tool.core.export.admission import ConfigMapName, admission
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.render.admission import in_config_map, kyverno, validating_admission_policy
from tests.core.export.test_admission import POLICIES
from tests.support import EXAMPLES
from tests.support.cel import CelRule
from tests.support.values.make import digest, record
from tests.support.values.pods import PLACES, is_admitted, pod
from tests.support.values.profiles import example_count

WRITERS = {"admission": validating_admission_policy, "kyverno": kyverno}
POLICY = Policy(
    (
        Registry("registry.example.com", ("myorg/*",)),
        Registry("mirror.example.net:5000", ("myorg/*",), prefix="cache"),
        Registry("docker.io", ("nginx", "team/*")),
    )
)
INDEX = digest("index")
RECORDS = (
    record(platform="linux/amd64", index=INDEX),
    record("myorg/worker", digest=digest("worker")),
    record("nginx", digest=digest("nginx")),
    record("team/tool", digest=f"sha512:{'5' * 128}"),
)
SCHEMAS = {
    "admission": Draft7Validator(json.loads((EXAMPLES / "admission/kubernetes-1.37.schema.json").read_text())),
    "kyverno": Draft202012Validator(json.loads((EXAMPLES / "admission/kyverno-1.19.schema.json").read_text())),
}


def documents(form: str, records: tuple[Record, ...] = RECORDS, policy: Policy = POLICY) -> list[Any]:
    found = admission(ConfigMapName("ledger", "prod"), records, policy, by_platform=False)
    return list(YAML(typ="safe").load_all("".join(line + "\n" for line in WRITERS[form](found))))


def rule_of(form: str, records: tuple[Record, ...], policy: Policy) -> tuple[CelRule, dict[str, str]]:
    config_map, main, *_ = documents(form, records, policy)
    spec = main["spec"] if form == "admission" else main["spec"]["rules"][0]["validate"]["cel"]
    variables = {one["name"]: one["expression"] for one in spec["variables"]}
    return CelRule(variables, spec.get("validations") or spec["expressions"]), config_map["data"]


@lru_cache
def rule(form: str) -> tuple[CelRule, dict[str, str]]:
    return rule_of(form, RECORDS, POLICY)


def denied(form: str, images: list[str], place: str = "containers", before: Any = None) -> list[str]:
    found, data = rule(form)
    return found.denials(pod(images, place), data, before)


APP, NGINX = digest(), digest("nginx")
PASS = [
    f"registry.example.com/myorg/app@{APP}",
    f"registry.example.com/myorg/app:v1@{APP}",
    f"registry.example.com/myorg/app:anything@{INDEX}",
    f"Registry.Example.COM/myorg/app@{APP}",
    f"registry.example.com:443/myorg/app@{APP}",
    f"mirror.example.net:5000/cache/myorg/app@{APP}",
    f"nginx@{NGINX}",
    f"nginx:1.27@{NGINX}",
    f"library/nginx@{NGINX}",
    f"docker.io/nginx@{NGINX}",
    f"docker.io/library/nginx:1.27@{NGINX}",
    f"index.docker.io/nginx@{NGINX}",
    f"registry.hub.docker.com/library/nginx@{NGINX}",
    f"registry-1.docker.io:443/library/nginx@{NGINX}",
    f"team/tool@sha512:{'5' * 128}",
    # somebody else's
    "busybox",
    "registry.k8s.io/pause:3.10",
    "quay.io/myorg/app:v1",
    "registry.example.com:5000/myorg/app:v1",
    "registry.example.com/other/app:v1",
    "mirror.example.net/cache/myorg/app:v1",
    "mirror.example.net:5000/myorg/app:v1",
    "myorg/app:v1",
    "localhost/myorg/app",
    "[::1]:5000/myorg/app:v1",
    f"busybox@sha256:{'f' * 64}",
]
DENY = [
    "registry.example.com/myorg/app",
    "registry.example.com/myorg/app:v1",
    "registry.example.com/myorg/app:latest",
    "REGISTRY.EXAMPLE.COM/myorg/app:v1",
    "registry.example.com:443/myorg/app:v1",
    "registry.example.com:80/myorg/app:v1",
    "registry.example.com:0443/myorg/app:v1",
    f"registry.example.com/myorg/app@{digest('worker')}",
    f"registry.example.com/myorg/worker@{APP}",
    f"registry.example.com/myorg/unknown@{APP}",
    f"registry.example.com/myorg/app@{digest('never')}",
    f"registry.example.com/myorg/app@{APP[:-1]}",
    f"registry.example.com/myorg/app@{APP.upper()}",
    f"registry.example.com/myorg/app@{APP}@{APP}",
    f"registry.example.com/myorg/app@sha256-{APP[7:]}",
    "mirror.example.net:5000/cache/myorg/app:v1",
    "nginx",
    "nginx:1.27",
    "docker.io/nginx",
    "index.docker.io/library/nginx:1.27",
    f"nginx@{APP}",
    "team/tool:v1",
    # not a name in a registry
    "",
    " ",
    f" registry.example.com/myorg/app@{APP}",
    f"registry.example.com/myorg/app@{APP}\n",
    "busybox\nregistry.example.com/myorg/app",
    "registry.example.com//myorg/app",
    "registry.example.com/MyOrg/app",
    "docker://registry.example.com/myorg/app",
    APP,
    APP[:19],
    APP[7:],
    f"sha256:{APP[7:].upper()}",
    f"SHA256:{APP[7:]}",
    f"docker.io/library/{APP}",
    f"sha512:{APP[7:]}@{APP}",
]


@pytest.mark.parametrize("place", PLACES)
def test_a_pod_may_run_what_the_ledger_has_by_its_digest_and_what_is_not_ours(place: str) -> None:
    assert [image for image in PASS if denied("admission", [image], place)] == []


@pytest.mark.parametrize("place", PLACES)
def test_a_pod_may_run_nothing_else_of_ours(place: str) -> None:
    assert [image for image in DENY if not denied("admission", [image], place)] == []


@pytest.mark.parametrize("form", WRITERS)
def test_one_image_among_many_is_enough_for_a_denial(form: str) -> None:
    assert denied(form, PASS) == []
    assert len(denied(form, [*PASS, "nginx:1.27"])) == 1


def test_the_lists_say_what_the_model_says() -> None:
    assert [is_admitted(image, RECORDS, POLICY) for image in (*PASS, *DENY)] == [True] * len(PASS) + [False] * len(DENY)


def test_a_denial_names_each_image_and_why() -> None:
    images = ["registry.example.com/myorg/app:v1", PASS[0], "nginx", APP]
    assert denied("admission", images) == [
        f"an image is not named as `registry/repository:tag@digest`: {APP}",
        "an image of our registries is not one that the ledger has by this digest: "
        "registry.example.com/myorg/app:v1, nginx",
    ]


@pytest.mark.parametrize("form", WRITERS)
def test_an_update_is_judged_by_the_images_that_it_brings(form: str) -> None:
    """So a pod that runs already can be changed, and end, whatever has become of its image."""
    before = pod(["nginx"])
    assert denied(form, ["nginx"], before=before) == []
    assert denied(form, ["nginx"], "ephemeralContainers", before) == []
    assert len(denied(form, ["nginx", "nginx:1.27"], before=before)) == 1
    assert len(denied(form, ["nginx:1.27"], "ephemeralContainers", before)) == 1
    assert denied(form, [PASS[0]], "ephemeralContainers", before) == []


@pytest.mark.parametrize("form", WRITERS)
def test_a_config_map_without_a_digest_or_without_data_admits_nothing_of_ours(form: str) -> None:
    found, _ = rule(form)
    assert len(found.denials(pod([PASS[0]]), {})) == 1
    assert found.denials(pod(["busybox"]), {}) == []


@pytest.mark.parametrize("typed", [True, False])
def test_each_value_of_a_map_is_a_text_for_the_checker_whatever_it_knows(typed: bool) -> None:
    """Kubernetes refuses a literal with values of several types, and "any" is one (cel-go's AST validators)."""
    what = admission(ConfigMapName("ledger", "prod"), RECORDS, POLICY, by_platform=False)
    types = CelRule(celtext.variables(what.served), celtext.validations(), typed=typed).types
    texts, maps = "LIST<STRING>", "LIST<MAP<STRING, STRING>>"
    made = dict.fromkeys(("before", "images", "refused"), texts) | dict.fromkeys(
        ("named", "addressed", "located", "repositories"), maps
    )
    assert {name: types[name] for name in made} == made


# ---- any settings, any ledger, any pod

_paths = st.lists(st.sampled_from(["a", "b", "ab", "library", "x-1"]), min_size=1, max_size=3).map("/".join)
_hosts = st.sampled_from(["r.io", "R.IO:443", "r.io:80", "r.io:5000", "docker.io", "Index.Docker.io", "[::1]:5000", ""])
_digests = st.sampled_from([digest(at) for at in range(3)])
_slips = st.sampled_from([*"/:@.A0- _", "\n", "é", "sha256:"])
_digested = st.one_of(st.just(""), *[_digests.map("@{}".format)] * 3)
_records = st.builds(record, image=_paths, digest=_digests, index=st.one_of(st.none(), _digests))


@st.composite
def _images(draw: st.DrawFn, homes: list[str]) -> str:
    """Draw an image that is often one of ours, in some spelling, and sometimes not even a name."""
    elsewhere = st.tuples(_hosts, _paths).map("/".join)
    host, _, path = draw(st.one_of(elsewhere, *[st.sampled_from(homes)] * 4)).partition("/")
    if host in ("docker.io", ""):
        host, path = draw(_hosts.filter(lambda one: "ocker" in one or not one)), draw(st.sampled_from([path, path[8:]]))
    elif ":" not in host:
        host += draw(st.sampled_from(["", ":443", ":80", ":5000", ":0443"]))
    host = draw(st.sampled_from([host, host.upper()]))
    tag = draw(st.sampled_from(["", ":v1", ":443", f":{'a' * 64}"]))
    image: str = (f"{host}/" if host else "") + path + tag + draw(_digested)
    at = draw(st.integers(0, 10 * len(image)))  # mostly behind its end
    if at <= len(image):
        image = image[:at] + draw(_slips) + image[at + draw(st.integers(0, 1)) :]
    return image


@example_count(60)
@given(POLICIES, st.lists(_records, min_size=1, max_size=4), st.data())
def test_a_pod_passes_exactly_if_each_new_image_may_run(
    policy: Policy, records: list[Record], data: st.DataObject
) -> None:
    check_against_the_model(policy, records, data)


@pytest.mark.storm
@settings(max_examples=3000)
@given(POLICIES, st.lists(_records, min_size=1, max_size=4), st.data())
def test_many_pods_pass_exactly_if_each_new_image_may_run(
    policy: Policy, records: list[Record], data: st.DataObject
) -> None:
    check_against_the_model(policy, records, data)


def check_against_the_model(policy: Policy, records: list[Record], data: st.DataObject) -> None:
    policy = replace(policy, registries=(*policy.registries, Registry("r.io", prefix="all")))
    served = [one for one in records if policy.serving(one.image)]
    assume(served)
    what = admission(ConfigMapName("ledger", "prod"), served, policy, by_platform=False)
    found, digests = CelRule(celtext.variables(what.served), celtext.validations()), in_config_map(what)
    homes = sorted({home for homes in what.repositories.values() for home in homes})
    for _ in range(4):
        image, others = data.draw(_images(homes)), data.draw(st.lists(_images(homes), max_size=1))
        place = data.draw(st.sampled_from(PLACES))
        may_run = [is_admitted(one, served, policy) for one in (image, *others)]
        assert (found.denials(pod([image, *others], place), digests) == []) == all(may_run), image
        may_come = may_run[0] or image in others
        assert (found.denials(pod([image, *others], place), digests, pod(others)) == []) == may_come, image


# ---- the files


@pytest.mark.parametrize("form", WRITERS)
def test_the_published_schemas_hold(form: str) -> None:
    config_map, *others = documents(form)
    SCHEMAS["admission"].validate(config_map)
    for one in others:
        SCHEMAS[form].validate(one)
        assert list(SCHEMAS[form].iter_errors(one | {"spec": one["spec"] | {"extra": "no"}}))
    kinds = ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"]
    assert [one["kind"] for one in others] == (kinds if form == "admission" else ["ClusterPolicy"])


@pytest.mark.parametrize("form", WRITERS)
def test_a_policy_fails_closed_and_reads_its_own_config_map(form: str) -> None:
    config_map, main, *binding = documents(form)
    place = {"name": "prod", "namespace": "ledger"}
    assert config_map["metadata"] == place
    if form == "admission":
        (bound,) = binding
        assert (bound["spec"]["policyName"], bound["spec"]["validationActions"]) == (main["metadata"]["name"], ["Deny"])
        assert main["spec"]["failurePolicy"] == "Fail"
        parameters = bound["spec"]["paramRef"]
    else:
        check = main["spec"]["rules"][0]["validate"]
        assert (check["failureAction"], main["spec"]["webhookConfiguration"]) == ("Enforce", {"failurePolicy": "Fail"})
        parameters = check["cel"]["paramRef"]
    assert parameters == place | {"parameterNotFoundAction": "Deny"}


def test_both_policies_have_one_rule() -> None:
    (_, kubernetes, _), (_, other) = documents("admission"), documents("kyverno")
    cel = other["spec"]["rules"][0]["validate"]["cel"]
    assert cel["variables"] == kubernetes["spec"]["variables"]
    assert cel["expressions"] == kubernetes["spec"]["validations"]
    assert cel["paramKind"] == kubernetes["spec"]["paramKind"]


@pytest.mark.parametrize("form", WRITERS)
def test_the_keys_of_the_config_map_are_valid_and_every_reader_of_yaml_gets_texts(form: str) -> None:
    found = admission(ConfigMapName("null", "1e3"), RECORDS, POLICY, by_platform=False)
    written = "".join(line + "\n" for line in WRITERS[form](found))
    assert written == "".join(line + "\n" for line in WRITERS[form](found))
    for version in ("1.1", "1.2"):
        reader = YAML(typ="safe")
        reader.version = version
        config_map = next(iter(reader.load_all(written)))
        assert config_map["metadata"] == {"name": "1e3", "namespace": "null"}
        assert all(re.fullmatch(r"[-._a-zA-Z0-9]{1,253}", key) for key in config_map["data"])


def test_nothing_in_the_settings_gets_out_of_its_place() -> None:
    odd = ("'", '"', "a'b", "`", "#x", "{{x}}", "$(x)", "é", "\\", "a\\b", ": x", "*'*", "[^a]", "(?i)", "a|.*", "$")
    found, data = rule_of("admission", RECORDS, replace(POLICY, registries=(*POLICY.registries, Registry("r.io", odd))))
    assert [image for image in PASS if found.denials(pod([image]), data)] == []
    assert [image for image in DENY if not found.denials(pod([image]), data)] == []
    assert found.denials(pod(["r.io/b", "r.io/x", "r.io/ab"]), data) == []
    assert found.denials(pod(["r.io/a"]), data)  # `[^a]` is one of two characters to a glob
