"""The rule of admission in CEL, as ValidatingAdmissionPolicy and Kyverno evaluate it.

Besides the language's own functions it uses those on strings that both have: `split`, `substring`, `indexOf`,
`lastIndexOf`, `replace`, `lowerAscii`, `join`. A reference is split by the rules of `core/policy/reference.py`, and a
repository is written in the form of `admission.py`. Kubernetes refuses a list or a map whose values have several types,
of which one is "any": so each value is a `string` by its own expression, whatever the type of what it is made of.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ledger_tool.core.export.admission import Served
from ledger_tool.core.ledger.names import HOST, IMAGE, TAG
from ledger_tool.core.policy.reference import ANY_DIGEST, DIGEST_ALONE
from ledger_tool.core.policy.resolve import HUB, HUB_HOSTS

MESSAGE = "an image of our registries is not one that the ledger has by this digest"
UNREADABLE = "an image is not named as `registry/repository:tag@digest`"

_REFERENCE = rf"^(?:{HOST}/)?{IMAGE}(?::{TAG})?(?:@{ANY_DIGEST})?$"
# An image by the id that a node has it under, which comes from anywhere; a port with a zero in front, which hides it.
_NO_REFERENCE = rf"^(?:{DIGEST_ALONE}$|[0-9a-f]{{64}}(?:@|$)|[^/]*:0[0-9]*/)"
_HAS_REGISTRY = r"^(?:localhost|[^/]*[.:A-Z][^/]*)/"
_DEFAULT_PORT = r":(?:80|443)$"

# An update is judged by the images that it brings: what runs already must stay able to end.
_IMAGES_OF = """\
{0}.spec.containers.map(c, has(c.image) ? string(c.image) : '')
  + (has({0}.spec.initContainers)
      ? {0}.spec.initContainers.map(c, has(c.image) ? string(c.image) : '') : [])
  + (has({0}.spec.ephemeralContainers)
      ? {0}.spec.ephemeralContainers.map(c, has(c.image) ? string(c.image) : '') : [])
  + (has({0}.spec.volumes)
      ? {0}.spec.volumes.filter(v, has(v.image) && has(v.image.reference)).map(v, string(v.image.reference)) : [])"""


def text(value: str) -> str:
    """Return a string literal of CEL."""
    return json.dumps(value, ensure_ascii=False)


def variables(served: Sequence[Served]) -> Mapping[str, str]:
    """Return the variables of the rule, each with its expression, in the order in which they need each other."""
    aliases = ", ".join(text(host) for host in HUB_HOSTS if host != HUB)
    return {
        "before": f"oldObject == null ? []\n  : {_IMAGES_OF.format('oldObject')}",
        "images": f"({_IMAGES_OF.format('object')})\n  .filter(i, !(i in variables.before))",
        "unreadable": (
            f"variables.images.filter(i, !i.matches({text(_REFERENCE)})\n  || i.matches({text(_NO_REFERENCE)}))"
        ),
        "named": (
            "variables.images.filter(i, !(i in variables.unreadable)).map(i, i.split('@')).map(s, {\n"
            "  'image': s.join('@'),\n"
            "  'digest': size(s) > 1 ? s[1].replace(':', '-') : '',\n"
            "  'name': s[0].lastIndexOf(':') > s[0].lastIndexOf('/')\n"
            "    ? s[0].substring(0, s[0].lastIndexOf(':')) : string(s[0])})"
        ),
        "addressed": (
            f"variables.named.map(n, n.name.matches({text(_HAS_REGISTRY)})\n"
            "  ? {'image': string(n.image), 'digest': string(n.digest),\n"
            "     'host': n.name.substring(0, n.name.indexOf('/')).lowerAscii(),\n"
            "     'path': n.name.substring(n.name.indexOf('/') + 1)}\n"
            "  : {'image': string(n.image), 'digest': string(n.digest),\n"
            f"     'host': {text(HUB)}, 'path': string(n.name)}})"
        ),
        "located": (
            "variables.addressed.map(a, {\n"
            "  'image': string(a.image), 'digest': string(a.digest), 'path': string(a.path),\n"
            f"  'host': a.host.matches({text(_DEFAULT_PORT)})\n"
            "    ? a.host.substring(0, a.host.lastIndexOf(':')) : string(a.host)})"
        ),
        "repositories": (
            "variables.located.map(l, {\n"
            "  'image': string(l.image), 'digest': string(l.digest),\n"
            f"  'repository': l.host != {text(HUB)} && !(l.host in [{aliases}])\n"
            "    ? string(l.host) + '/' + string(l.path)\n"
            f"    : {text(HUB + '/')} + (l.path.contains('/') ? '' : 'library/') + string(l.path)}})"
        ),
        "ours": f"variables.repositories.filter(r,\n  {_is_ours(served)})",
        "refused": (
            "variables.ours.filter(r, !(r.digest in params.data\n"
            "  && r.repository in params.data[r.digest].split(' '))).map(r, string(r.image))"
        ),
    }


def validations() -> list[dict[str, str]]:
    """Return what has to hold, each with what is said where it does not."""
    return [
        {
            "expression": f"size(variables.{variable}) == 0",
            "message": message,
            "messageExpression": f"{text(message + ': ')} + variables.{variable}.join(', ')",
        }
        for variable, message in (("unreadable", UNREADABLE), ("refused", MESSAGE))
    ]


def _is_ours(served: Sequence[Served]) -> str:
    terms = [
        f"r.repository.matches({text(one.pattern)})"
        + (f" && !r.repository.matches({text(one.but)})" if one.but else "")
        for one in served
    ]
    return "\n  || ".join(terms) if terms else "false"
