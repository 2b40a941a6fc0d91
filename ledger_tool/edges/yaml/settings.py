"""`ledger.yaml`: turns people's YAML into a `Policy`, or an error with its line and column.

Anchors, aliases and tags are refused, and so are duplicate keys.
`schema/ledger-config-v1.schema.json` says the same for editors; a test keeps the two in agreement.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from ledger_tool.core.ledger import names
from ledger_tool.core.manifests.tokens import TextDocument, TextFault, TextToken
from ledger_tool.core.manifests.yamltree import YamlNode, decoded, tree
from ledger_tool.core.policy.addresses import parse_signer_glob, parse_source_glob
from ledger_tool.core.policy.globs import parse_image_glob, parse_name_glob, parse_tag_glob
from ledger_tool.core.policy.policy import (
    MAX_SETTINGS_BYTES,
    SETTINGS_SECTIONS,
    Environment,
    Owner,
    Policy,
    ProvenanceRule,
    Registry,
    TrustedSigner,
)
from ledger_tool.edges.yaml.fields import HINT, each_parsed, fail, items, pairs, parsed
from ledger_tool.edges.yaml.tokens import tokens
from ledger_tool.errors import InvalidSettings, UsageError

MAX_DEPTH = 16
_REQUIRABLE = ("sourceRef", "platform", "index", "config", "dependsOn", "ttl", "provenance")
T = TypeVar("T")


def load(raw: bytes) -> Policy:
    """Return the policy in the bytes of a `ledger.yaml`. Raises InvalidSettings."""
    if len(raw) > MAX_SETTINGS_BYTES:
        message = f"the file is larger than {MAX_SETTINGS_BYTES // 1024} KiB"
        raise InvalidSettings(1, 1, message, "check that this is the right file")
    try:
        text = decoded(raw)
        stream = tokens(text, TextDocument(0, len(text), 1), deepest=MAX_DEPTH)
        for token in stream:
            if token.anchor or token.kind == "alias":
                raise fail(token, "anchors and aliases are not allowed here", "write the value itself")
            if token.tag:
                raise fail(token, f"the tag `{names.shown(token.tag)}` is not allowed here", "remove the tag")
        roots = tree(stream)
    except TextFault as fault:
        raise InvalidSettings(fault.line, fault.column, fault.message, HINT) from None
    if len(roots) > 1:
        raise fail(roots[1].token, "a second document", "keep everything in one YAML document")
    return _policy(roots[0]) if roots else Policy()


def _policy(root: YamlNode) -> Policy:
    values: dict[str, Any] = {}
    sections = list(pairs(root, "ledger.yaml", SETTINGS_SECTIONS))
    registries: tuple[Registry, ...] = ()
    for key, value in sections:
        if key.text == "registries":
            registries = values["registries"] = _registries(value)
    image = partial(parse_image_glob, registries=registries)
    name = partial(parse_name_glob, registries=registries)
    for key, value in sections:
        match key.text:
            case "registries":
                pass
            case "tags":
                values |= _tags(value)
            case "require":
                values["require"] = each_parsed(value, "`require`", "a required field", _requirable)
            case "environments":
                values["environments"] = _environments(value)
            case "manifests":
                values["manifest_keys"] = _only_list(value, "manifests", "keys", "a key", _manifest_key)
            case "reconcile":
                values["reconcile_ignore"] = _only_list(value, "reconcile", "ignore", "a pattern", name)
            case "owners":
                values["owners"] = tuple(_owner(item, image) for item in items(value, "`owners`"))
            case _:
                values["provenance"] = tuple(_provenance_rule(item, image) for item in items(value, "`provenance`"))
    return Policy(**values)


def _tags(node: YamlNode) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in pairs(node, "`tags`", ("mutable", "ttl")):
        if key.text == "mutable":
            values["mutable"] = each_parsed(value, "`mutable`", "a tag pattern", parse_tag_glob)
        else:
            values["ttl"] = {
                parsed(pattern, "a tag pattern", parse_tag_glob): parsed(ttl.token, "a TTL", names.parse_ttl)
                for pattern, ttl in pairs(value, "`ttl`")
            }
    return values


def _only_list(node: YamlNode, section: str, only: str, item: str, parse: Callable[[str], T]) -> tuple[T, ...]:
    """Return the list of a section that has this one key."""
    for _, value in pairs(node, f"`{section}`", (only,)):
        return each_parsed(value, f"`{only}`", item, parse)
    return ()


def _registries(node: YamlNode) -> tuple[Registry, ...]:
    """Return the registries, each place with a name of its own; entries of one place without a `name` share its."""
    entries = items(node, "`registries`")
    given = [_registry(item) for item in entries]
    by_https = {registry.name for registry in given if not (registry.plain_http or registry.given_name)}
    registries: list[Registry] = []
    places: dict[str, tuple[object, ...]] = {}
    for number, registry in enumerate(given):
        if registry.plain_http and not registry.given_name and registry.name in by_https:
            registries.append(replace(registry, given_name=f"http://{registry.name}"))
        else:
            registries.append(registry)
        place = (registry.host, registry.prefix, registry.plain_http, number if registry.given_name else None)
        if places.setdefault(registries[-1].name, place) != place:
            message = f"two registries have the name `{registry.name}`"
            raise fail(entries[number].token, message, "give each a `name` of its own: reports distinguish them by it")
    return tuple(registries)


def _registry(node: YamlNode) -> Registry:
    values: dict[str, Any] = {}
    images: YamlNode | None = None
    for key, value in pairs(node, "a registry", ("host", "name", "images", "prefix", "ledgerPrefix")):
        match key.text:
            case "host":
                host = parsed(value.token, "`host`", _host)
                values |= {"host": re.sub(r"^https?://", "", host), "plain_http": host.startswith("http://")}
            case "name":
                values["given_name"] = parsed(value.token, "`name`", _registry_name)
            case "images":
                images = value
            case "prefix":
                values["prefix"] = parsed(value.token, "`prefix`", _path)
            case _:
                values["ledger_prefix"] = parsed(value.token, "`ledgerPrefix`", _path)
    if "host" not in values:
        raise fail(node.token, "a registry has no `host`", "add `host: registry.example.com`")
    registry = Registry(**values)
    if images is None:
        return registry
    globs = each_parsed(images, "`images`", "an image pattern", partial(parse_image_glob, registries=(registry,)))
    if not globs:
        raise fail(images.token, "`images` is empty", 'leave it out to mean every image, `["*"]`')
    return replace(registry, images=globs)


def _environments(node: YamlNode) -> dict[str, Environment]:
    environments: dict[str, Environment] = {}
    sources: list[tuple[TextToken, str]] = []
    for name_token, value in pairs(node, "`environments`"):
        name = parsed(name_token, "an environment", names.parse_tag)
        fields: dict[str, Any] = {}
        for key, setting in pairs(value, "an environment", ("from", "signers")):
            if key.text == "from":
                fields["source"] = parsed(setting.token, "`from`", names.parse_tag)
                sources.append((setting.token, name))
            else:
                fields["signers"] = each_parsed(setting, "`signers`", "a signer", _principal)
        environments[name] = Environment(**fields)
    for token, environment in sources:
        _check_source(token, environment, environments)
    return environments


def _check_source(token: TextToken, name: str, environments: Mapping[str, Environment]) -> None:
    """Raise InvalidSettings if following `from` leads out of the environments, or back to one."""
    passed = [name]
    while source := environments[passed[-1]].source:
        if source not in environments:
            raise fail(token, f"`{source}` is not an environment", f"the environments are {', '.join(environments)}")
        if source in passed:
            raise fail(token, f"`{source}` takes from itself", "let one of the environments take any version")
        passed.append(source)


def _owner(node: YamlNode, image: Callable[[str], str]) -> Owner:
    parsers = {
        "images": ("an image pattern", image),
        "files": ("a file pattern", _file),
        "signers": ("a signer", _principal),
    }
    values: dict[str, tuple[str, ...]] = dict.fromkeys(parsers, ())
    for key, value in pairs(node, "an owner", tuple(parsers)):
        values[key.text] = each_parsed(value, f"`{key.text}`", *parsers[key.text])
    if not values["signers"]:
        raise fail(node.token, "an owner has no `signers`", 'add `signers: ["…"]`')
    if not (values["images"] or values["files"]):
        raise fail(node.token, "an owner has neither `images` nor `files`", 'add `images: ["…"]`')
    return Owner(**values)


def _provenance_rule(node: YamlNode, image: Callable[[str], str]) -> ProvenanceRule:
    values: dict[str, Any] = {}
    for key, value in pairs(node, "a provenance rule", ("images", "source", "signer")):
        match key.text:
            case "images":
                values["images"] = each_parsed(value, "`images`", "an image pattern", image)
            case "source":
                values["sources"] = each_parsed(value, "`source`", "a source pattern", _source)
                if not values["sources"]:
                    raise fail(value.token, "`source` is empty", "leave it out to mean every repository")
            case _:
                several = items(value, "`signer`") if value.token.kind == "list" else [value]
                values["signers"] = tuple(_signer(item) for item in several)
    if not values.get("images"):
        raise fail(node.token, "a provenance rule has no `images`", 'add `images: ["myorg/*"]`')
    if not values.get("signers"):
        raise fail(node.token, "a provenance rule has no `signer`", "add `signer: {key: FILE}`, or issuer and identity")
    return ProvenanceRule(**values)


def _signer(node: YamlNode) -> TrustedSigner:
    parsers = {"issuer": _signer_glob, "identity": _signer_glob, "trustedRoot": _root_file, "key": _key_file}
    values = {
        key.text: parsed(value.token, f"`{key.text}`", parsers[key.text])
        for key, value in pairs(node, "`signer`", tuple(parsers))
    }
    if values.keys() - {"trustedRoot"} != {"issuer", "identity"} and values.keys() != {"key"}:
        raise fail(node.token, "`signer` is neither an issuer with an identity nor a key", "give both, or `key: FILE`")
    root = values.pop("trustedRoot", "")
    return TrustedSigner(**values, root=root)


def _text(what: str, pattern: str, hint: str) -> Callable[[str], str]:
    """Return the parser of a text; `what` names it in the error."""

    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise UsageError(f"{what} `{names.shown(text)}` is malformed", hint)
        return text

    return parse


_host = _text("host", names.REGISTRY, "write `registry.example.com`, or `http://localhost:5000` for plain HTTP")
_pattern = _text("pattern", r"[^\s\x00-\x1f\x7f]{1,256}", "write a glob such as `https://github.com/myorg/*`")
_FILE_HINT = (
    "write a path from the top of the repository, or a glob of such paths, in which `*` matches `/` too, and braces, "
    "`**` and `!` mean nothing; `images` says whose the records in ledger.json are"
)
_file = _text("pattern", names.FILE_PATTERN, _FILE_HINT)
_registry_name = _text("name", names.REGISTRY_NAME, "write up to 64 of `A-Z a-z 0-9 . _ -`, such as `main`")
_manifest_key = _text("key", names.MANIFEST_KEY, "write the name of a key, such as `operatorImage`")
_SIGNER_HINT = (
    "write a principal of `allowed_signers`, such as `release`, or `gpg:` and a key's fingerprint, in capitals"
)
_principal = _text("signer", names.PRINCIPAL, _SIGNER_HINT)
_key_file = _text("key", names.KEY_FILE, "write a path in the ledger repository, such as `keys/release.pub`")
_root_file = _text(
    "trusted root", names.KEY_FILE, "write a path in the ledger repository, such as `keys/trusted_root.json`"
)


def _path(text: str) -> str:
    return names.parse_image(text) if text else ""


def _source(text: str) -> str:
    return parse_source_glob(_pattern(text))


def _signer_glob(text: str) -> str:
    return parse_signer_glob(_pattern(text))


def _requirable(text: str) -> str:
    if text not in _REQUIRABLE and not re.fullmatch(rf"labels\.{names.LABEL_KEY}", text):
        raise UsageError(
            f"`{names.shown(text)}` cannot be required", f"require any of {', '.join(_REQUIRABLE)}, labels.NAME"
        )
    return text
