"""The files of a new ledger repository, as text."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ledger_tool.core.ledger import codec
from ledger_tool.core.ledger.ledger import Ledger
from ledger_tool.core.ledger.names import HOST, shown_address
from ledger_tool.core.writes.tool import Tool
from ledger_tool.errors import UsageError

_USER = r"[A-Za-z0-9._][A-Za-z0-9._-]*"

SETTINGS_SCHEMA = "ledger-config-v1.schema.json"
_REGISTRY = """\
registries:
  - host: {host}
    images: ["*"]
"""

_NO_REGISTRY = """\
# registries:
#   - host: registry.example.com    # http://localhost:5000 for a plain-HTTP registry
#     images: ["myorg/*"]           # globs; leave it out for every image
#     prefix: ""                    # a path in front of the image's name
"""

_SETTINGS = """\
# yaml-language-server: $schema=@SCHEMA@
# The settings of this ledger. Every part is optional; lines that start with `#` show what is possible.

# Where images live. The first match wins; several may serve one image (mirrors).
{registries}
tags:
  # Tags that may move without force; every move stays in history. All others are immutable.
  mutable: [latest, main, "pr-*"]
  # How long newly published records live, by tag; quote patterns with a star.
  ttl: {{"pr-*": 7d}}

# Optional fields that every record must have: platform, index, config, dependsOn, ttl, provenance, labels.NAME
# require: [platform, labels.team]

# What each environment runs is a record that `ledger promote` moves, in a commit that can be reviewed.
# environments:
#   staging: {{}}
#   prod: {{from: staging}}         # takes what staging has; anything else needs a reason

# Of which images a signed statement has to prove the source, and by whom it has to be signed.
# provenance:
#   - images: ["myorg/*"]
#     source: ["https://github.com/myorg/*"]
#     signer: {{key: keys/release.pub}}   # a public key in this repository

# Whose signature a change needs; the keys are in `allowed_signers`, in this repository.
# owners:
#   - images: ["payments/*"]
#     signers: [payments-ci]
#   - files: [ledger.yaml, "allowed_signers*"]
#     signers: [admin]
"""

_ATTRIBUTES = """\
# ledger.json is only valid byte for byte: no line-ending conversion, ever.
# `ledger merge-driver --install` tells a clone what `merge=ledger` means; without it, git merges the file as text.
ledger.json text eol=lf merge=ledger
ledger.yaml text eol=lf
"""

_README = """\
# Ledger of container images

`ledger.json` in this repository says which exact digest every `image:tag` is, when it was published, and from
which source commit. `ledger publish` writes it; do not edit it by hand. `ledger.yaml` holds the settings.

Look something up, in a clone of this repository:

```
ledger list
ledger list 'myorg/*:v1.*'
ledger get myorg/app:v1.5.0
docker pull "$(ledger get myorg/app:v1.5.0 --format ref)"
```

Record an image from CI, right after the push, with a deploy key that has write access here:

```
ledger publish myorg/app:v1.5.0@sha256:… --repo @LEDGER_REPO@
```

`LEDGER_REPO`, `LEDGER_DEPLOY_KEY` and `LEDGER_KNOWN_HOSTS` set these options for a whole job. The same tag with another
digest is refused (exit 3), unless `ledger.yaml` lists the tag as mutable, or the move is forced with a reason.

To merge or rebase branches of this repository, register the merge driver once in each clone:

```
ledger merge-driver --install
```
"""

# Forges that serve the path of an https URL by ssh, too, to the user `git` and on the usual port.
_SSH_FORGES = ("github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "gitea.com")

CI_SYSTEMS = ("github", "gitlab", "jenkins")
# What a job of GitLab runs in, if not in an image of this program.
_PYTHON = "python:3.13@sha256:3592650a0a8e6709cd4f3359dc7f1665c35bd9da6da34a9f22050aaf4878511f"


def new_ledger_files(
    registry: str = "",
    kit: Mapping[str, str] | None = None,
    *,
    url: str = "",
    tool: Tool | None = None,
    schema: str = "{}\n",
) -> dict[str, str]:
    """Return the text of each file by its path.

    `schema` is the text of the JSON Schema of `ledger.yaml`, which editors find beside it, whatever the network.
    `registry` is a host for `ledger.yaml`, and `url` the ledger's address for jobs as `job_url` returns it, each or
    `""`. `kit` has the files of a CI system, by path, with blanks for these and for `tool`. What is not known is left
    empty in them, and the jobs say so and stop.
    """
    # Else YAML might read a list, a number or a truth value: `[::1]`, `1.2`, `on`.
    host = registry if re.match(r"[A-Za-z][^.:]*[.:]", registry) else f'"{registry}"'
    registries = _REGISTRY.format(host=host) if registry else _NO_REGISTRY
    blanks = {
        "@LEDGER_REPO@": url,
        "@REGISTRY@": re.sub(r"^https?://", "", registry) or "registry.example.com",
        "@TOOL@": tool.spec if tool else "",
        "@TOOL_IMAGE@": tool.spec if tool and tool.kind == "image" else _PYTHON,
    }
    return {
        "ledger.json": codec.dumps(Ledger()).decode(),
        "ledger.yaml": _SETTINGS.format(registries=registries).replace("@SCHEMA@", SETTINGS_SCHEMA),
        SETTINGS_SCHEMA: schema,
        ".gitattributes": _ATTRIBUTES,
        "README.md": _README.replace("@LEDGER_REPO@", url or "ssh://git@HOST/PATH/OF/THIS/REPOSITORY.git"),
    } | {path: re.sub(r"@[A-Z_]+@", lambda blank: blanks[blank[0]], text) for path, text in (kit or {}).items()}


def job_url(url: str) -> str:
    """Return a ledger's URL for jobs, which have an ssh key; `""` if that does not show from an https one."""
    host, _, path = url.removeprefix("https://").partition("/")
    if not url.startswith("https://"):
        return url
    return f"ssh://git@{host}/{path}" if host.lower() in _SSH_FORGES else ""


def parse_ledger_url(value: str) -> str:
    """Return the git URL of a ledger, for files that are committed. Raises UsageError if it is none or has a login."""
    if not re.fullmatch(rf"(?:ssh://(?:{_USER}@)?{HOST}|https://{HOST}|{_USER}@{HOST}:)/?[A-Za-z0-9._~%+/-]+", value):
        raise UsageError(
            f"`{shown_address(value)}` is not the URL of a ledger that a CI job can use",
            "write `ssh://git@HOST/PATH`, `git@HOST:PATH` or `https://HOST/PATH`, without a password",
        )
    return value
