"""Where CI jobs get this program from, fixed to the byte: a job with a key never installs a name from an index."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ledger_tool.core.ledger import names
from ledger_tool.core.ledger.names import shown
from ledger_tool.core.policy.reference import parse_in_manifest
from ledger_tool.errors import InvalidValue, UsageError

# None of these means anything to YAML, Groovy, a shell or a CI system's expressions between quotes.
_CHARACTERS = r"[A-Za-z0-9._~%+/:@#=-]+"  # `kits/shell/install.sh` accepts the same
_PATH = r"[A-Za-z0-9._~%+/@=-]+"
_HTTPS = rf"https://{names.HOST}/{_PATH}"
_WHEEL_NAME = r"ledger_tool-[A-Za-z0-9._+%]+-py3-none-any\.whl"
_HOW = (
    "write a wheel with its hash as in `https://HOST/PATH/ledger_tool-VERSION-py3-none-any.whl#sha256=HASH`, "
    "a commit as in `git+https://HOST/PATH@COMMIT`, or an image as in `REGISTRY/IMAGE@sha256:DIGEST`"
)


@dataclass(frozen=True, slots=True)
class Tool:
    """A wheel, a commit or an image of this program; `spec` as the user wrote it."""

    kind: Literal["wheel", "git", "image"]
    spec: str


def parse_tool(spec: str) -> Tool:
    """Return what `--tool` names: a wheel with its hash, `git+https://…@COMMIT`, or an image by its digest.

    Raises UsageError for anything that may come to mean another program later, and for what is none of the three.
    """
    if re.search(r"://[^/]*@", spec.rpartition("@")[0] + "@" if spec.startswith("git+") else spec):
        raise UsageError("`--tool` has a user name or a token in its address, which would be committed", _HOW)
    what = f"`--tool {shown(spec, 200)}`"
    if spec.startswith("-") or not re.fullmatch(_CHARACTERS, spec):
        raise UsageError(f"{what} is malformed", _HOW)
    if spec.startswith("git+"):
        return _commit(spec, what)
    if ".whl" in spec or "#" in spec:
        return _wheel(spec, what)
    if "://" in spec:
        raise UsageError(f"{what} is neither a wheel nor a commit", _HOW)
    return _image(spec, what)


def _commit(spec: str, what: str) -> Tool:
    url, at, commit = spec.removeprefix("git+").rpartition("@")
    if not at or not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise UsageError(
            f"{what} names no commit, and a branch or a tag may move",
            "write `git+https://HOST/PATH@COMMIT` with all 40 digits; `git ls-remote URL` shows them",
        )
    if not re.fullmatch(_HTTPS, url):
        raise UsageError(f"{what} is not an https address", "write `git+https://HOST/PATH@COMMIT`")
    return Tool("git", spec)


def _wheel(spec: str, what: str) -> Tool:
    path, hash_mark, given = spec.partition("#")
    if not re.fullmatch(rf"(?:{_HTTPS}|(?!-){_PATH})", path) or not re.fullmatch(_WHEEL_NAME, path.split("/")[-1]):
        raise UsageError(
            f"{what} is not the https address or the path of a wheel of `ledger`",
            "write an address that ends with the wheel's own name, `ledger_tool-VERSION-py3-none-any.whl#sha256=HASH`",
        )
    if not re.fullmatch(r"sha256=[0-9a-f]{64}", given):
        problem = "has a malformed hash" if hash_mark else "has no hash, and another file may take its place"
        raise UsageError(f"{what} {problem}", "add `#sha256=HASH` with the 64 digits that `sha256sum FILE` prints")
    return Tool("wheel", spec)


def _image(spec: str, what: str) -> Tool:
    if not re.search(r"[/:@]", spec) or "=" in spec:
        raise UsageError(f"{what} is the name of a package, which anybody may register on an index", _HOW)
    try:
        reference = parse_in_manifest(spec)
    except InvalidValue as error:
        raise UsageError(f"{what}: {error.message}", _HOW) from None
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", reference.digest or ""):
        raise UsageError(
            f"{what} has no sha256 digest, and a tag may move",
            f"write `{shown(reference.name)}@sha256:DIGEST`; "
            f"`docker buildx imagetools inspect {shown(spec.partition('@')[0])}` shows it",
        )
    return Tool("image", spec)
