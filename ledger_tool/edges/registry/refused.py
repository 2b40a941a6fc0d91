"""Why a registry does not do what it was told: errors, each with what to do about it."""

from __future__ import annotations

from ledger_tool.core.registry.answer import lacks_part, told_errors
from ledger_tool.edges.http.client import Answer
from ledger_tool.errors import Denied, Unreachable

_ALLOW_DELETIONS = (
    "allow it in the registry's settings, such as `REGISTRY_STORAGE_DELETE_ENABLED=true` of docker-registry, or "
    "prune without `--registry-delete`"
)


def untag(name: str, status: int) -> Denied:
    """Return the error for a tag that is not deleted alone."""
    return Denied(f"{name} does not delete a tag without its image: it answers {status}", _ALLOW_DELETIONS)


def deletion_not_done(name: str, digest: str) -> Denied:
    """Return the error for a 404 to the deletion of what is served."""
    return Denied(f"{name} answers 404 to the deletion of {digest}, but serves it", _ALLOW_DELETIONS)


def deletion(name: str, image: str, digest: str, status: int, *, is_unsupported: bool) -> Denied:
    """Return the error for a digest that is not deleted: none is (`is_unsupported`), or this one has to stay."""
    if is_unsupported:
        return Denied(f"{name} does not delete manifests: it answers {status}", _ALLOW_DELETIONS)
    return Denied(
        f"{name} refuses to delete {digest} of {image}: it answers {status}",
        "check its rules for tags that must stay, such as immutable ones",
    )


def push(name: str, image: str, reference: str, answer: Answer) -> Denied | Unreachable:
    """Return the error for a manifest that is not taken; Unreachable if something that it refers to is missing yet."""
    what = reference if ":" in reference else f"the tag {reference}"
    told = ", ".join(filter(None, (str(answer.status), told_errors(answer.body))))
    message = f"{name} does not take {what} of {image}: it answers {told}"
    if lacks_part(answer.body):
        return Unreachable(message, "run it again; if it stays, push the whole image again")
    return Denied(message, "check whether it takes pushes, and its rules for tags that must stay")
