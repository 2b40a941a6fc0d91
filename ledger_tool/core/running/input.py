"""What runs, read from a file: the JSON that a tool prints, or plain lines.

JSON is a stream: documents one after the other, on lines of their own or not. A line of text is a reference
(`repository:tag@digest`, or less), or a digest alone. Anything else is an error: what is not understood may be what
runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.running import engines, kubernetes
from ledger_tool.core.running.container import ListedImages, NotUnderstood, RunningContainer, WorkloadPlace, identity
from ledger_tool.errors import UsageError

MAX_RUNNING_BYTES = 256 * 2**20  # about 30,000 pods
CLUSTER = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}"

_BLANK = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(
    r"(?:(?:null|true|false|-?[0-9.]+(?:[eE][+-]?[0-9]+)?)\s*)+"
)  # what `jq` prints for a path that is not there
_TOOLS = (
    "give what `kubectl get pods -A -o json`, `docker inspect` or `crictl ps -o json` prints, or lines of "
    "`repository:tag@digest`"
)


def parse_running(raw: bytes, what: str, cluster: str = "") -> list[RunningContainer]:
    """Return all containers in the bytes of a file, those that have ended too; `what` names the file, for people.

    Raises UsageError if anything in it is not understood, if it says that it is cut, or if it has no container.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{what} is not UTF-8 text", f"save it as UTF-8, or use a pipe; {_TOOLS}") from None
    is_json = text[(start := _after_blank(text, 0)) : start + 1] in ("{", "[") or bool(_SCALAR.fullmatch(text.strip()))
    try:
        containers = _from_json(text, what, cluster) if is_json else list(_from_lines(text, what, cluster))
    except NotUnderstood as error:
        raise UsageError(f"{what} has something that no known tool prints: {error}", _TOOLS) from None
    if not containers:
        raise UsageError(f"{what} has no container", "check the command that wrote it, and its namespace or context")
    return containers


def split_cluster(text: str) -> tuple[str, str]:
    """Return the cluster's name, or `""`, and the path of `[CLUSTER=]FILE`; `./` in front of a path keeps its `=`."""
    match = re.fullmatch(rf"({CLUSTER})=(.+)", text, re.DOTALL)
    return (match[1], match[2]) if match else ("", text)


def _from_json(text: str, what: str, cluster: str) -> list[RunningContainer]:
    facts, objects = ListedImages(), list[Mapping[str, Any]]()
    found: list[Mapping[str, Any]] = []
    for value in _documents(text, what):
        for one in _flat(value, what):
            if kubernetes.is_object(one):
                _check_whole(one, what)
                objects.append(one)
            elif engines.is_of_cri(one) or engines.is_image(one) or engines.is_container(one):
                found.append(one)
            else:
                raise UsageError(f"{what} has a JSON object that no known tool prints: {_keys(one)}", _TOOLS)
    for one in found:
        if engines.is_image(one):
            engines.add_image(one, facts)
        elif engines.is_of_cri(one):
            engines.add_cri_images(one, facts)
    containers = kubernetes.containers_of(objects, cluster)
    for one in found:
        if engines.is_of_cri(one):
            containers += engines.cri_containers_of(one, cluster, facts)
        elif not engines.is_image(one):
            containers.append(engines.container_of(one, cluster, facts))
    return containers


def _flat(value: object, what: str) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a document: those of an array or of a list of Kubernetes, else itself."""
    for outer in value if isinstance(value, list) else [value]:
        if not isinstance(outer, dict):
            raise UsageError(f"{what} has a JSON value that is not an object: {_cut(outer)}", _TOOLS)
        if not (isinstance(outer.get("items"), list) and str(outer.get("kind", "")).endswith("List")):
            yield outer
            continue
        _check_whole(outer, what)
        kind = str(outer["kind"]).removesuffix("List")
        for one in outer["items"]:
            if not isinstance(one, dict):
                raise UsageError(f"{what} has a list with a value that is not an object: {_cut(one)}", _TOOLS)
            # The API's own lists leave out in each item what the list says.
            yield {"kind": kind, "apiVersion": outer.get("apiVersion", ""), **one}


def _check_whole(value: Mapping[str, Any], what: str) -> None:
    """Raise UsageError for a list that goes on elsewhere, and for an error in the place of one."""
    metadata = value.get("metadata")
    if isinstance(metadata, dict) and metadata.get("continue"):
        hint = "ask without `limit`; `kubectl get` follows the pages by itself"
        raise UsageError(f"{what} has only a part of a list", hint)
    if value.get("kind") == "Status":
        message = value.get("message")
        reason = f": {shown(message, 200)}" if isinstance(message, str) and message else ""
        raise UsageError(f"{what} has an error of Kubernetes instead of a list{reason}", "fix that, and write it again")


def _documents(text: str, what: str) -> Iterator[Any]:
    decoder = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant)
    offset = _after_blank(text, 0)
    while offset < len(text):
        try:
            value, offset = decoder.raw_decode(text, offset)
        except json.JSONDecodeError as error:
            line, column = text.count("\n", 0, error.pos) + 1, error.pos - text.rfind("\n", 0, error.pos)
            reason = error.msg[0].lower() + error.msg[1:]
            raise UsageError(f"{what}, line {line}, column {column}: {reason}", _TOOLS) from None
        except RecursionError:
            raise UsageError(f"{what} is nested deeper than any tool prints it", _TOOLS) from None
        except ValueError as error:  # ours, or int() refuses thousands of digits
            reason = str(error) if isinstance(error, _Refused) else "a number has thousands of digits"
            raise UsageError(f"{what}: {reason}", _TOOLS) from None
        yield value
        offset = _after_blank(text, offset)


class _Refused(ValueError):
    """A value that JSON takes and no tool prints."""


def _pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(items)
    if len(fields) != len(items):
        seen: set[str] = set()
        for key, _ in items:
            if key in seen:
                raise _Refused(f"the key `{shown(key)}` appears twice in one object")
            seen.add(key)
    return fields


def _constant(name: str) -> Any:
    raise _Refused(f"`{name}` is not JSON")


def _after_blank(text: str, offset: int) -> int:
    return _BLANK.match(text, offset).end()  # type: ignore[union-attr]


def _from_lines(text: str, what: str, cluster: str) -> Iterator[RunningContainer]:
    for number, line in enumerate(text.splitlines(), 1):
        if not (entry := line.strip()):
            continue
        try:
            image = identity(entry, (), is_typed=True)
        except NotUnderstood as error:
            raise UsageError(f"{what}, line {number}: {error}", _TOOLS) from None
        is_bare = re.fullmatch(r"[0-9a-f]{12,}", entry)  # it may as well be the id of a container
        if is_bare or not (image.references or image.ids or image.digests):
            problem = "is an id without `sha256:`" if is_bare else "is neither an image nor a digest"
            raise UsageError(f"{what}, line {number}: `{shown(entry)}` {problem}", _TOOLS)
        yield RunningContainer(WorkloadPlace(cluster), "", image)


def _keys(value: Mapping[str, Any]) -> str:
    return shown(", ".join(list(value)[:5]), 100) or "it is empty"


def _cut(value: object) -> str:
    return "an array" if isinstance(value, list) else shown(json.dumps(value)[:100], 60)
