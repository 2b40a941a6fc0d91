"""What `export` writes, read by the parsers of those who will: YAML, a shell, CycloneDX's schema."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from ruamel.yaml import YAML

from ledger_tool.commands.export import Exported, export
from ledger_tool.core.changes.promotion import promoted
from ledger_tool.core.export.selection import Selection
from ledger_tool.core.ledger.names import Tag, Timestamp
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.errors import RuleRefused
from ledger_tool.render import cyclonedx
from ledger_tool.render import export as exported
from tests.support import EXAMPLES
from tests.support.values.make import SOURCE, digest, ledger_of, record
from tests.support.values.memory import MemoryStore
from tests.support.values.profiles import example_count

NOW = Timestamp("2026-11-25T00:00:00Z")
POLICY = Policy((Registry("registry.example.com:5000", ("myorg/*",), prefix="team"),))
SCHEMA = json.loads((EXAMPLES / "cyclonedx/bom-1.6.schema.json").read_text("utf-8"))
REPOSITORY = "registry.example.com:5000/team/myorg/app"


def done(form: str, *records: Record, keys: Sequence[str] = (), policy: Policy = POLICY) -> Exported:
    return export(MemoryStore(ledger_of(*records), policy), form, Selection(), now=NOW, keys=keys)


def text(form: str, *records: Record, keys: Sequence[str] = (), policy: Policy = POLICY) -> str:
    return "".join(line + "\n" for line in exported.lines(done(form, *records, keys=keys, policy=policy), form))


def yaml(form: str, *records: Record, keys: Sequence[str] = ()) -> Any:
    return YAML(typ="safe").load(text(form, *records, keys=keys))


# Names and tags that YAML would take for something else.
ODD = (record("myorg/app", "1.10"), record("null", "null"), record("y", "0x10"), record("1e3", "2026-11-24"))


def test_kustomize_gets_a_component_that_pins_both_ways_to_write_an_image() -> None:
    value = yaml("kustomize", record("myorg/app", "1.10"))
    assert (value["kind"], value["apiVersion"]) == ("Component", "kustomize.config.k8s.io/v1alpha1")
    pinned = {"newName": REPOSITORY, "newTag": "1.10", "digest": digest()}
    assert value["images"] == [{"name": "myorg/app"} | pinned, {"name": REPOSITORY} | pinned]


def test_kustomize_pins_an_image_of_docker_hub_in_each_of_its_forms() -> None:
    policy = Policy((Registry("registry.example.com", ("redis",)), Registry("docker.io")))

    def names(*records: Record) -> dict[str, str]:
        images = YAML(typ="safe").load(text("kustomize", *records, policy=policy))["images"]
        assert len({one["name"] for one in images}) == len(images)
        return {one["name"]: one["newName"] for one in images}

    nginx = "docker.io/library/nginx"
    assert names(record("nginx")) == dict.fromkeys(("nginx", nginx, "docker.io/nginx"), nginx)
    tool = "docker.io/team/tool"
    assert names(record("team/tool")) == dict.fromkeys(("team/tool", tool), tool)
    own, hub = "registry.example.com/redis", "docker.io/library/redis"
    assert names(record("redis"), record("library/redis")) == (
        dict.fromkeys(("redis", own), own) | dict.fromkeys(("library/redis", hub, "docker.io/redis"), hub)
    )


def test_an_image_without_a_registry_has_one_entry() -> None:
    value = yaml("kustomize", record("tool", "v1"))
    assert value["images"] == [{"name": "tool", "newName": "tool", "newTag": "v1", "digest": digest()}]


def test_helm_gets_registry_repository_tag_and_digest_under_a_key_for_templates() -> None:
    value = yaml("helm-values", record("myorg/my-app.x", "1.10"))
    repository = "team/myorg/my-app.x"
    assert value == {
        "images": {
            "myorg_my_app_x": {
                "registry": "registry.example.com:5000",
                "repository": repository,
                "tag": "1.10",
                "digest": digest(),
                "ref": f"registry.example.com:5000/{repository}@{digest()}",
            }
        }
    }


def test_compose_gets_a_service_for_each_key() -> None:
    one = {"image": f"{REPOSITORY}:v1@{digest()}"}
    assert yaml("compose", record()) == {"services": {"app": one}}
    assert yaml("compose", record(), keys=["myorg/app=web", "myorg/app=on"]) == {"services": {"web": one, "on": one}}


def test_imgpkg_gets_every_version_with_the_reference_that_kbld_looks_for() -> None:
    value = yaml("imgpkg", record("myorg/app", "v1"), record("myorg/app", "v2", digest=digest("b")))
    assert (value["apiVersion"], value["kind"]) == ("imgpkg.carvel.dev/v1alpha1", "ImagesLock")
    assert value["images"] == [
        {"image": f"{REPOSITORY}@{digest(seed)}", "annotations": {"kbld.carvel.dev/id": f"{REPOSITORY}:{tag}"}}
        for tag, seed in (("v1", "a"), ("v2", "b"))
    ]


def test_images_are_lines_of_tags_and_digests_sorted_and_each_once() -> None:
    """An environment's image has the tag of its version, which the registry serves."""
    records = (record(tag="v2", digest=digest("b")), record(tag="prod", version="v1"), record(), record("tool"))
    assert text("images", *records).splitlines() == [
        f"{REPOSITORY}:v1@{digest()}",
        f"{REPOSITORY}:v2@{digest('b')}",
        f"tool:v1@{digest()}",
    ]


@pytest.mark.parametrize("form", ["admission", "kyverno"])
def test_a_policy_admits_nothing_yanked_or_expired_but_what_an_environment_has(form: str) -> None:
    yanked = record(tag="v2", digest=digest("bad"), yanked={"at": "2026-11-25T08:00:00Z", "reason": "crashes"})
    old = record(tag="pr-1", digest=digest("old"), ttl="1h")
    again = record(tag="latest", digest=digest("bad"))
    found = done(form, record(), yanked, old, again)
    assert found.admission is not None
    assert list(found.admission.repositories) == [digest().replace(":", "-")]
    assert list(exported.notes(found, form)) == [
        "note: skipped as yanked or expired: myorg/app:latest, myorg/app:pr-1, myorg/app:v2"
    ]
    found = done(form, record(), yanked, record(tag="prod", digest=digest("bad"), version="v2"))
    assert found.admission is not None
    assert sorted(found.admission.repositories) == sorted(one.replace(":", "-") for one in (digest(), digest("bad")))
    assert next(iter(exported.notes(found, form))).startswith("warning: myorg/app:prod has v2, which is yanked")


def test_a_policy_says_which_images_it_does_not_know_the_registry_of() -> None:
    assert list(exported.notes(done("admission", record(), record("tool")), "admission")) == [
        "note: ledger.yaml names no registry for tool; the policy leaves such images alone"
    ]


@pytest.mark.parametrize("form", ["kustomize", "helm-values", "compose", "imgpkg"])
def test_yaml_texts_stay_texts(form: str) -> None:
    def leaves(value: Any) -> list[Any]:
        if isinstance(value, dict):
            return [leaf for pair in value.items() for one in pair for leaf in leaves(one)]
        return [leaf for one in value for leaf in leaves(one)] if isinstance(value, list) else [value]

    assert all(isinstance(leaf, str) for leaf in leaves(yaml(form, *ODD)))
    for version in ("1.1", "1.2"):
        reader = YAML(typ="safe")
        reader.version = version
        assert {type(leaf) for leaf in leaves(reader.load(text(form, *ODD)))} == {str}


def test_a_shell_reads_dotenv_and_docker_needs_no_quotes_in_it(tmp_path: Path) -> None:
    (tmp_path / "env").write_text(text("dotenv", *ODD))
    script = 'set -eu; . ./env; printf "%s\\n" "$MYORG_APP_IMAGE" "$NULL_IMAGE" "$_1E3_IMAGE"'
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{REPOSITORY}@{digest()}", f"null@{digest()}", f"1e3@{digest()}"]
    plain = [line for line in (tmp_path / "env").read_text().splitlines() if not line.startswith("#")]
    assert all("'" not in line and '"' not in line for line in plain)


def test_a_registry_at_a_bare_ipv6_address_is_quoted_for_the_shell(tmp_path: Path) -> None:
    policy = Policy((Registry("[::1]:5000", ("*",)),))
    (tmp_path / "env").write_text(text("dotenv", record("app"), policy=policy))
    done = subprocess.run(
        ["sh", "-c", '. ./env; echo "$APP_IMAGE"'], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"[::1]:5000/app@{digest()}\n"


def test_csv_cells_are_never_formulas() -> None:
    lines = text(
        "csv", record(labels={"a": "=1+1"}), record(tag="v2", forced={"replaces": digest("x"), "reason": "=A1"})
    )
    assert lines.startswith("image,tag,platform,digest,")
    assert not any(cell.startswith(("=", "+", "@", "-")) for line in lines.splitlines() for cell in line.split(","))


def test_notes_say_what_is_doubtful_and_what_has_no_registry() -> None:
    yanked = record(yanked={"at": "2026-11-25T08:00:00Z", "reason": "crashes"})
    old = record("tool", ttl="1h")
    assert list(exported.notes(done("dotenv", yanked, old), "dotenv")) == [
        "warning: myorg/app:v1 is yanked: crashes",
        "warning: tool:v1 is past its TTL of 1h",
        "note: ledger.yaml names no registry for tool; clients use their own default",
    ]


def test_a_ledger_full_of_what_has_expired_does_not_fill_the_log() -> None:
    found = list(exported.notes(done("csv", *(record("tool", f"v{at}", ttl="1h") for at in range(30))), "csv"))
    assert (len(found), found[-1]) == (11, "warning: 20 more are yanked or past their TTL")


# ---- one repository:tag is one image, whatever environments have


_TAGS, _SEEDS = st.sampled_from(["v1", "main"]), st.sampled_from("ab")
_versions = st.tuples(st.sampled_from(["myorg/app", "team/app"]), _TAGS, _SEEDS, st.sampled_from(["", "i", "j"]))
_had = st.tuples(st.sampled_from(["staging", "prod", "test"]), _versions)


def _record(version: tuple[str, str, str, str]) -> Record:
    image, tag, seed, index = version
    return record(image, tag, digest=digest(seed), platform="linux/amd64", index=digest(index) if index else None)


@example_count(150)
@given(
    st.lists(_versions, max_size=4, unique_by=lambda one: one[:2]),
    st.lists(_had, min_size=1, max_size=4, unique_by=lambda one: (one[0], one[1][0])),
    st.booleans(),
)
def test_one_repository_and_tag_is_one_image(
    recorded: list[tuple[str, str, str, str]], had: list[tuple[str, tuple[str, str, str, str]]], is_one: bool
) -> None:
    """Environments may have what their version's tag was once; two images may be one repository."""
    other = Registry("r.io", ("team/*",), ledger_prefix="team", prefix="org" if is_one else "other")
    policy = Policy((Registry("r.io", ("myorg/*",), ledger_prefix="myorg", prefix="org"), other))
    has = [promoted([_record(one)], Tag(environment), NOW)[0] for environment, one in had]
    records = [*map(_record, recorded), *has]
    try:
        lines = text("images", *records, policy=policy).splitlines()
        lock = YAML(typ="safe").load(text("imgpkg", *records, policy=policy))["images"]
        parts = bill(*records, policy=policy)["components"]
    except RuleRefused:
        assert is_one
        return
    names, ids = [line.partition("@")[0] for line in lines], [one["annotations"]["kbld.carvel.dev/id"] for one in lock]
    assert len(set(names)) == len(names)
    assert len({(one["image"], name) for one, name in zip(lock, ids, strict=True)}) == len(set(ids))
    versions = {(one["purl"].partition("repository_url=")[2], one["hashes"][0]["content"]) for one in parts}
    assert len({place for place, _ in versions}) == len(versions)
    assert {one.pull_digest for one in records} == {line.partition("@")[2] for line in lines}
    for one in recorded:
        image, tag = f"r.io/{'org' if is_one or one[0] == 'myorg/app' else 'other'}/app", one[1]
        assert f"{image}:{tag}@{_record(one).pull_digest}" in lines


def test_two_images_that_are_one_repository_cannot_share_a_tag() -> None:
    policy = Policy((Registry("r.io", ("*/app",)), Registry("r.io", ("app",), prefix="myorg")))
    assert text("images", record("myorg/app"), record("app"), policy=policy) == f"r.io/myorg/app:v1@{digest()}\n"
    with pytest.raises(RuleRefused, match=r"app:v1 and myorg/app:v1 are .* both are r\.io/myorg/app:v1"):
        text("images", record("myorg/app"), record("app", digest=digest("b")), policy=policy)


# ---- CycloneDX


def bill(*records: Record, serial: str = "", at: str = "", policy: Policy = POLICY) -> Any:
    made = done("cyclonedx", *records, policy=policy)
    tags = {version.name: version.tag for version in made.versions}
    lines = cyclonedx.lines(made.records, made.policy, tags, serial=serial, time=at)
    value = json.loads("\n".join(lines))
    Draft7Validator(SCHEMA).validate(value)
    return value


INDEX = digest("index")
BILL = (
    record("myorg/base", "12", platform="linux/amd64", digest=digest("amd"), index=INDEX),
    record("myorg/base", "12", platform="linux/arm/v7", digest=digest("arm"), index=INDEX),
    record(
        "myorg/app",
        platform="linux/arm/v7",
        sourceRef=f"git@git.example.com:team/app.git@{'a' * 40}",
        labels={"env": "prod", "odd": '"<>&'},
        dependsOn=[f"myorg/base:12@{INDEX}", f"docker.io/library/debian:12@{digest('deb')}"],
    ),
)


def test_cyclonedx_has_a_component_for_each_record_and_each_base_outside() -> None:
    value = bill(*BILL)
    app, amd, arm, debian = value["components"]
    assert {one["type"] for one in value["components"]} == {"container"}
    assert (app["name"], app["version"], app["hashes"]) == (
        "myorg/app", "v1", [{"alg": "SHA-256", "content": digest().removeprefix("sha256:")}],
    )  # fmt: skip
    assert app["purl"] == (
        f"pkg:oci/app@sha256%3A{digest()[7:]}?arch=arm&repository_url=registry.example.com%3A5000/team/myorg/app&tag=v1"
    )
    assert app["externalReferences"] == [
        {"type": "vcs", "url": "ssh://git@git.example.com/team/app.git", "comment": f"commit {'a' * 40}"}
    ]
    assert {"name": "ledger:label:odd", "value": '"<>&'} in app["properties"]
    assert debian["name"] == "docker.io/library/debian"
    assert {one["ref"]: one["dependsOn"] for one in value["dependencies"]} == {
        app["bom-ref"]: [debian["bom-ref"], arm["bom-ref"]],
        amd["bom-ref"]: [],
        arm["bom-ref"]: [],
    }


def test_cyclonedx_names_one_tag_of_a_base_that_has_many_the_one_that_was_built_on_if_it_can() -> None:
    tags = [record("myorg/base", f"n{number}", digest=digest("base")) for number in range(3)]
    refs = [f"{REPOSITORY.removesuffix('app')}base:n1@{digest('base')}", f"myorg/base@{digest('base')}"]
    apps = [record(tag=f"v{at}", digest=digest(at), dependsOn=[text]) for at, text in enumerate(refs)]
    value = bill(*tags, *apps)
    on = {one["ref"]: one["dependsOn"] for one in value["dependencies"]}
    assert [on[str(one.key)] for one in apps] == [[str(tags[1].key)], [str(tags[0].key)]]


def test_cyclonedx_is_the_same_every_time_and_has_a_clock_and_a_serial_only_where_given() -> None:
    value = bill(*BILL)
    assert "serialNumber" not in value
    assert "timestamp" not in value["metadata"]
    assert bill(*BILL) == value
    serial = "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79"
    told = bill(*BILL, serial=serial, at="2026-11-24T09:30:00Z")
    assert (told["serialNumber"], told["metadata"]["timestamp"]) == (serial, "2026-11-24T09:30:00Z")


def test_cyclonedx_takes_sha512_and_an_image_without_a_registry() -> None:
    (found,) = bill(record("tool", digest="sha512:" + "a" * 128))["components"]
    assert found["hashes"] == [{"alg": "SHA-512", "content": "a" * 128}]
    assert found["purl"] == f"pkg:oci/tool@sha512%3A{'a' * 128}?tag=v1"
    assert found["externalReferences"][0]["url"] == SOURCE.rpartition("@")[0]


def test_the_schema_that_bills_are_held_to_refuses_bad_ones() -> None:
    """So that the tests above can fail."""
    value = bill(record())
    value["components"][0]["hashes"][0]["content"] = "short"
    assert list(Draft7Validator(SCHEMA).iter_errors(value))
