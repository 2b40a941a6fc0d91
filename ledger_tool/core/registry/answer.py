"""What the answers of a registry say: whether it is one, what does not exist, where a list goes on, what tokens grant.

Sources: OCI distribution-spec 1.1 "Determining Support", "Error Codes" and "Listing Tags"; RFC 8288 (Link); RFC 7519
(JSON Web Token) and distribution's "Token Authentication Implementation".
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from fnmatch import fnmatchcase

from ledger_tool.core.ledger.names import shown

_parameter = r'\s*;\s*([^\s=;,"<>]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;<>]*)))?'
_link = re.compile(rf"\s*<([^<>]*)>((?:{_parameter})*)\s*(?:,|$)")
_relations = re.compile(r"""[^\s'"]+(?:\s+[^\s'"]+)*""")  # RFC 8288 section 3.3: names, or URIs
_LONGEST_LINK = 16_384
_OF_PARTS = frozenset({"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"})
_LONGEST_ERROR = 200  # characters
_MOST_ERRORS = 3
# `NOT_FOUND` is Harbor's, and `TAG_EXPIRED` Quay's for a deleted tag; the others are the specification's.
_ABSENT = frozenset({"MANIFEST_UNKNOWN", "BLOB_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND", "TAG_EXPIRED"})


def is_registry(status: int, headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether this is how a registry answers `GET /v2/`; `headers` have names in lower case.

    It is 200, or 401 to ask for a login, with distribution's own header, or with JSON or nothing as its body. An
    ingress that has lost its registry, a page to sign in and a site for browsers answer something else.
    """
    if status not in (200, 401):
        return False
    if headers.get("docker-distribution-api-version", "").startswith("registry/2"):
        return True
    if not body.strip():
        return "html" not in headers.get("content-type", "").lower()
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def shows_absence(body: bytes) -> bool:
    """Return whether the body of a 404 is a registry's error that says that it knows no such thing.

    Headers prove nothing: proxies add `Docker-Distribution-Api-Version`, and gateways answer JSON of their own.
    """
    try:
        codes = {error["code"] for error in json.loads(body)["errors"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
    return bool(codes) and codes <= _ABSENT


def told_errors(body: bytes) -> str:
    """Return the errors of a registry's answer in its own words, escaped and cut short, `""` if it names none."""
    try:
        errors = [(str(error["code"]), str(error.get("message") or "")) for error in json.loads(body)["errors"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
    return "; ".join(shown(": ".join(filter(None, error)), _LONGEST_ERROR) for error in errors[:_MOST_ERRORS])


def lacks_part(body: bytes) -> bool:
    """Return whether a registry's answer to a push says that it does not have a part of what was pushed."""
    try:
        return not _OF_PARTS.isdisjoint(error["code"] for error in json.loads(body)["errors"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


def is_page(headers: Mapping[str, str]) -> bool:
    """Return whether an answer is a text for people, which may come from something in front of the registry."""
    return headers.get("content-type", "").strip().lower().startswith("text/")


def next_page(header: str) -> str:
    """Return the target of the `rel="next"` in a `Link` header, or `""` if there is none.

    Raises ValueError if any of the header cannot be understood: a list must not end where it only looks so.
    """
    if len(header) > _LONGEST_LINK:
        raise ValueError("too long")
    place, target = 0, ""
    while header[place:].strip():
        link = _link.match(header, place)
        if link is None:
            raise ValueError("not a list of links")
        relations = [
            quoted or plain for name, quoted, plain in re.findall(_parameter, link[2]) if name.lower() == "rel"
        ]
        if not all(map(_relations.fullmatch, relations or [""])):
            raise ValueError("a link of no known relation")
        if any("next" in relation.lower().split() for relation in relations):
            if not link[1].strip() or target:
                raise ValueError("not one next page")
            target = link[1]
        place = link.end()
    return target


def withholds(token: str, scope: str) -> bool:
    """Return whether a token says of itself that it does not grant a scope such as `repository:myorg/app:pull`.

    Many token servers issue a token to everybody who logs in, and list in it what that one may do. Of a token that is
    not readable nothing is known; a `*` in a granted name is a wildcard.
    """
    try:
        claims = token.split(".")[1]
        access = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["access"]
        resource, _, needed = scope.rpartition(":")
        granted = {
            str(action)
            for entry in access or []
            if fnmatchcase(resource, f"{entry['type']}:{entry['name']}")
            for action in entry["actions"] or []
        }
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return False
    return "*" not in granted and not granted.issuperset(needed.split(","))
