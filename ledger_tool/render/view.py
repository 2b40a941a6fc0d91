"""How text looks to a person: the room that it has, the colours, and what there was no room for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from ledger_tool.core.ledger import names
from ledger_tool.core.ledger.names import escaped

Role = Literal["bad", "doubtful", "good", "minor", "heading"]
_CODES: Mapping[Role, str] = {"bad": "31", "doubtful": "33", "good": "32", "minor": "36", "heading": "1"}
_SHORT, _LONGEST = 12, 128  # hex digits
_DIGEST = re.compile(rf"\b{names.DIGEST}\b")


@dataclass(frozen=True, slots=True)
class View:
    """What text is made for: `width` columns, or as many as it takes for None; `wide` leaves nothing out.

    `hidden` collects the titles of the columns that a table had no room for.
    """

    width: int | None = None
    colour: bool = False
    wide: bool = False
    hidden: dict[str, None] = field(default_factory=dict)

    def painted(self, text: str, *roles: Role | None) -> str:
        """Return text in the colours of its roles, if there are colours."""
        if not (self.colour and text):
            return text
        codes = ";".join(_CODES[role] for role in roles if role)
        return f"\x1b[{codes}m{text}\x1b[0m" if codes else text

    def digest(self, digest: str | None) -> str:
        """Return a digest as a table shows it, or `""` for None."""
        return "" if not digest else digest if self.wide else short_digest(digest)

    def apart(self, digests: Sequence[str | None]) -> list[str]:
        """Return digests that are compared: each with as many digits as it takes to tell them apart."""
        given = {digest for digest in digests if digest}
        lengths = range(_SHORT, _LONGEST)
        enough = next((n for n in lengths if len({short_digest(one, n) for one in given}) == len(given)), _LONGEST)
        return [(digest if self.wide else short_digest(digest, enough)) if digest else "" for digest in digests]

    def source(self, source_ref: str) -> str:
        """Return a sourceRef as a table shows it."""
        return source_ref if self.wide else short_source(source_ref)

    def time(self, timestamp: str) -> str:
        """Return a time as a table shows it: in UTC."""
        return timestamp if self.wide else timestamp.replace("T", " ")[:16]

    def prose(self, text: str) -> str:
        """Return a sentence as a table shows it: with short digests."""
        clean = escaped(text)
        return clean if self.wide else _DIGEST.sub(lambda match: short_digest(match[0]), clean)


def short_digest(digest: str, digits: int = _SHORT) -> str:
    """Return a digest shortened for people: the algorithm and its first digits."""
    algorithm, _, value = digest.partition(":")
    return f"{algorithm}:{value[:digits]}"


def short_source(source_ref: str) -> str:
    """Return the repository's last two path components and 10 digits of the commit."""
    url, _, commit = source_ref.rpartition("@")
    path = url.replace(":", "/").rstrip("/").removesuffix(".git").split("/")
    return f"{'/'.join(path[-2:])}@{commit[:10]}"
