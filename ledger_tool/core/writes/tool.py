"""Where CI jobs get this program from, fixed to the byte: a job with a key never installs a name from an index."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ledger_tool.core.ledger.names import shown
from ledger_tool.errors import UsageError

# None of these means anything to YAML, Groovy, a shell or a CI system's expressions between quotes.
_CHARACTERS = r"[A-Za-z0-9._~%+/:@#=-]+"
_HOST = "[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?"
_PATH = "[A-Za-z0-9._~%+/@=-]"
_WHEEL_NAME = "ledger_tool-[A-Za-z0-9._+%]+-py3-none-any[.]whl"
_REGISTRY = (
    "([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?:[0-9]{1,5}|[A-Za-z0-9][A-Za-z0-9-]*[.]([A-Za-z0-9.-]*[A-Za-z0-9]))"
)
_COMPONENT = "[a-z0-9]+(([.]|_|__|-+)[a-z0-9]+)*"
# What is accepted, as extended regular expressions of POSIX without a backslash: `kits/shell/tool.sh` has the same, for
# what a person sets by hand.
FORMS: Mapping[Literal["wheel", "git", "image"], str] = {
    "git": f"git[+]https://{_HOST}/{_PATH}+@[0-9a-f]{{40}}",
    "wheel": f"(https://{_HOST}/)?({_PATH}*/)?{_WHEEL_NAME}#sha256=[0-9a-f]{{64}}",
    "image": (
        f"({_REGISTRY}/)?{_COMPONENT}(/{_COMPONENT})*(:[A-Za-z0-9_][A-Za-z0-9._-]{{0,127}})?@sha256:[0-9a-f]{{64}}"
    ),
}
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
    for kind, form in FORMS.items():
        if re.fullmatch(form, spec):
            return Tool(kind, spec)
    if spec.startswith("git+"):
        raise _no_commit(spec, what)
    if ".whl" in spec or "#" in spec:
        raise _no_wheel(spec, what)
    if "://" in spec:
        raise UsageError(f"{what} is neither a wheel nor a commit", _HOW)
    raise _no_image(spec, what)


def _no_commit(spec: str, what: str) -> UsageError:
    if not re.search(r"@[0-9a-f]{40}$", spec):
        return UsageError(
            f"{what} names no commit, and a branch or a tag may move",
            "write `git+https://HOST/PATH@COMMIT` with all 40 digits; `git ls-remote URL` shows them",
        )
    return UsageError(f"{what} is not an https address", "write `git+https://HOST/PATH@COMMIT`")


def _no_wheel(spec: str, what: str) -> UsageError:
    path, hash_mark, given = spec.partition("#")
    if re.fullmatch(FORMS["wheel"], f"{path}#sha256={'0' * 64}"):
        problem = "has a malformed hash" if hash_mark and given else "has no hash, and another file may take its place"
        return UsageError(f"{what} {problem}", "add `#sha256=HASH` with the 64 digits that `sha256sum FILE` prints")
    return UsageError(
        f"{what} is not the https address or the path of a wheel of `ledger`",
        "write an address that ends with the wheel's own name, `ledger_tool-VERSION-py3-none-any.whl#sha256=HASH`",
    )


def _no_image(spec: str, what: str) -> UsageError:
    if not re.search(r"[/:@]", spec) or "=" in spec:
        return UsageError(f"{what} is the name of a package, which anybody may register on an index", _HOW)
    name, at, digest = spec.partition("@")
    if at and re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        return UsageError(f"{what} is not an image that Docker would accept", _HOW)
    return UsageError(
        f"{what} has no sha256 digest, and a tag may move",
        f"write `{shown(name)}@sha256:DIGEST`; `docker buildx imagetools inspect {shown(name)}` shows it",
    )
