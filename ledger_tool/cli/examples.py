"""The examples at the end of every help: what each is for, and the command line. The tests run them all."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ledger_tool.render.table import wrapped

_INDENT = 3
_unbroken = re.compile(r""""[^"]*"|'[^']*'|(?<= )-[-a-z]+ (?=[^-])""")
# By the command's name; two each, the one that most people need first. A line has at most 76 columns.
EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "ledger": (
        ("create a ledger, then record what a CI job has pushed", "ledger init ledger --registry registry.example.com"),
        ("see the newest version of each image", "ledger list --latest"),
    ),
    "publish": (
        ("record what the job has just pushed; the registry knows its digest", "ledger publish myorg/app:v1.5.0"),
        (
            "record all images of a bake, in one commit",
            "ledger publish --tag v1.5.0 --metadata-file metadata.json",
        ),
    ),
    "set": (
        ("label what stays supported", "ledger set myorg/app:v1.5.0 --label support=lts"),
        ("give all images of pull requests three days", "ledger set 'myorg/*:pr-*' --ttl 3d"),
    ),
    "remove": (
        ("remove a tag that should never have been", 'ledger remove myorg/app:v1.5.0 --reason "wrong branch"'),
        (
            "remove one platform of it",
            'ledger remove myorg/app:v1.5.0 --platform linux/amd64 --reason "not built"',
        ),
    ),
    "yank": (
        ("warn everybody who asks for it", 'ledger yank myorg/app:v1.5.0 --reason "crashes on start"'),
        ("take the warning back", 'ledger yank myorg/app:v1.5.0 --undo --reason "it was the node"'),
    ),
    "prune": (
        ("show what has expired", "ledger prune"),
        ("remove it, at the registries too", "ledger prune '*:pr-*' --registry-delete --yes"),
    ),
    "get": (
        ("print what a deployment pulls", "ledger get myorg/app:v1.5.0 --format ref"),
        ("print the digest of one platform", "ledger get myorg/app:v1.5.0 --platform linux/amd64 --format digest"),
    ),
    "list": (
        ("show the newest version of each image of a team", "ledger list 'myorg/*' --latest"),
        ("show what production has", "ledger list --env prod"),
    ),
    "log": (
        ("show every digest that a tag ever had", "ledger log myorg/app:v1.5.0"),
        ("show what happened in the last week", "ledger log --since 7d"),
    ),
    "whence": (
        ("find the source of a digest that runs somewhere", "ledger whence sha256:ce8818fb447f --format text"),
        ("print the commit that recorded it", "ledger whence ce8818fb447f | jq -r '.matches[0].commit'"),
    ),
    "deps": (
        ("show what an image is built on", "ledger deps myorg/app:v1.5.0"),
        ("draw it", "ledger deps myorg/app:v1.5.0 --format mermaid"),
    ),
    "dependents": (
        ("show what is built on a base", "ledger dependents docker.io/library/debian:bookworm"),
        ("list what to rebuild, because its base has moved on", "ledger dependents --stale"),
    ),
    "keepset": (
        ("list all that a garbage collector must keep", "ledger keepset --live"),
        ("the same, of one team and one registry", "ledger keepset 'myorg/*' --registry registry.example.com"),
    ),
    "export": (
        ("pin the newest images in a kustomization", "ledger export --format kustomize --latest"),
        ("write what production has as variables", "ledger export --format dotenv --env prod"),
    ),
    "site": (
        ("write the ledger as pages; start with pages/index.html", "ledger site pages"),
        ("show what the last reconcile found, too", "ledger site pages --reconcile drift.json"),
    ),
    "verify": (
        ("compare a tag with what the registry serves", "ledger verify myorg/app:v1.5.0"),
        ("look at its config and layers too", "ledger verify myorg/app:v1.5.0 --deep"),
    ),
    "reconcile": (
        ("compare the whole ledger with its registries", "ledger reconcile"),
        (
            "report on one team, with the tags that nobody recorded",
            "ledger reconcile 'myorg/*' --untracked --format markdown",
        ),
    ),
    "restore": (
        ("show which tags do not serve what the ledger says", "ledger restore 'myorg/*'"),
        ("let the tags of production serve what it has", "ledger restore --env prod --yes"),
    ),
    "diff": (
        ("show what this branch changes", "ledger diff origin/main"),
        ("describe another branch for its reviewers", "ledger diff origin/main origin/fix --format markdown"),
    ),
    "check": (
        ("check the files as they are", "ledger check"),
        ("check every commit of a pull request", "ledger check --base origin/main"),
    ),
    "audit": (
        ("verify the whole history", "ledger audit"),
        ("verify what came after the last audit", "ledger audit --since last-audit"),
    ),
    "merge-driver": (
        ("let git merge the ledger of this clone by record", "ledger merge-driver --install"),
        ("the same, in another clone", "ledger merge-driver --install --repo ../ledger"),
    ),
    "rebase": (
        ("bring this branch up to date with main", "ledger rebase origin/main"),
        ("only show what that would do", "ledger rebase origin/main --dry-run"),
    ),
    "post": (
        ("show what a request does, in one comment on it", "ledger post review.md --request 7"),
        ("open or update the issue about drift", "ledger post report.md --issue"),
    ),
    "promote": (
        ("let production take a version that was tested", "ledger promote myorg/app:v1.5.0 --to prod"),
        (
            "take all that staging has, in a pull request",
            "ledger promote --from staging --all --to prod --pull-request",
        ),
    ),
    "compare": (
        ("show what a promotion from staging would bring to production", "ledger compare prod staging"),
        ("show what the last commit has changed in production", "ledger compare prod@main~1 prod"),
    ),
    "pin": (
        ("write digests into all manifests of a folder", "ledger pin deploy"),
        ("fail if one of them is missing or old", "ledger pin deploy --check"),
    ),
    "bump": (
        ("move to the newest 1.x", "ledger bump deploy --policy 'semver:^1'"),
        ("propose the newest versions in a pull request", "ledger bump deploy --policy newest --pull-request"),
    ),
    "running": (
        ("compare what a cluster runs with the ledger", "kubectl get pods -A -o json | ledger running"),
        ("report on two clusters, for an issue", "ledger running eu=eu.json us=us.json --format markdown"),
    ),
    "init": (
        ("create a ledger for the images of a registry", "ledger init ledger --registry registry.example.com"),
        ("add the CI files to an existing one", "ledger init ledger --ci github"),
    ),
    "doctor": (
        ("see what is in place on this machine, and what is not", "ledger doctor"),
        ("show which credential a registry gets", "ledger doctor registry.example.com"),
    ),
    "completion": (
        ("complete in this bash; add it to ~/.bashrc for every other", "source <(ledger completion bash)"),
        ("complete in zsh, with ~/.zfunc in its fpath", "ledger completion zsh >~/.zfunc/_ledger"),
    ),
}


def as_lines(name: str, width: int) -> Iterator[str]:
    """Yield the lines of a command's examples, within `width` columns if its words are; a command can be pasted."""
    for what, command in EXAMPLES.get(name, ()):
        for line in (*(f"# {text}" for text in wrapped(what, width - _INDENT - 2)), *_broken(command, width - _INDENT)):
            yield " " * _INDENT + line


def _broken(command: str, room: int) -> Iterator[str]:
    """Yield a command line in parts that a shell joins; an option stays with its value."""
    if len(command) <= room:
        yield command
        return
    whole = _unbroken.sub(lambda match: match[0].replace(" ", "\0"), command)
    *parts, last = (part.replace("\0", " ") for part in wrapped(whole, room - 4))
    for number, part in enumerate((*(f"{part} \\" for part in parts), last)):
        yield f"  {part}" if number else part
