"""In-toto statements: bytes in, values out. Whatever a statement says is a claim until its signature is checked.

Sources: in-toto attestation specification, "Statement" v0.1 and v1; its "DigestSet". Unknown keys are ignored, as the
specification asks of parsers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ledger_tool.core.ledger import jsontext
from ledger_tool.core.ledger.names import shown
from ledger_tool.errors import InvalidStatement

MEDIA_TYPE = "application/vnd.in-toto+json"  # of a statement in a layer, and the payload type of one that is signed
TYPES = ("https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1")
MAX_BYTES = 8 * 1024 * 1024
MOST_SUBJECTS = 1024
_LONGEST_TYPE = 1024
_SUBJECT = "an attestation"


@dataclass(frozen=True, slots=True)
class Subject:
    """A thing that a statement is about: its name, which says nothing certain, and its digests, `sha256:…`."""

    name: str
    digests: frozenset[str]


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said (`predicate`, of the type `predicate_type`), and of what; nothing of it has been checked."""

    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: Mapping[str, Any]

    @property
    def about(self) -> frozenset[str]:
        """The digests of all its subjects."""
        return frozenset().union(*(subject.digests for subject in self.subjects))

    def is_about(self, digest: str) -> bool:
        """Return whether a digest is that of one of its subjects."""
        return digest in self.about


def parse_statement(payload: bytes) -> Statement:
    """Return the statement of a payload. Raises InvalidStatement for anything but a valid one of at most 8 MiB."""
    data = _object(payload)
    kind = data.get("_type")
    if not isinstance(kind, str):
        raise invalid("its `_type` is missing, or not a text")
    if kind not in TYPES:
        raise invalid(f"its `_type` is `{shown(kind)}`")
    predicate_type = data.get("predicateType")
    if not isinstance(predicate_type, str) or not 0 < len(predicate_type) <= _LONGEST_TYPE:
        raise invalid("its `predicateType` is missing, or not a text")
    predicate = data.get("predicate", {})
    if not isinstance(predicate, dict):
        raise invalid("its `predicate` is not an object")
    return Statement(_subjects(data.get("subject")), predicate_type, predicate)


def invalid(reason: str) -> InvalidStatement:
    """Return the error for a statement that is not valid; `reason` says why: `its … is …`."""
    hint = "find out which tool wrote it, and build or sign the image again"
    return InvalidStatement(f"{_SUBJECT} is not a valid statement: {reason}", hint)


def fault_of(error: InvalidStatement) -> str:
    """Return what is wrong with a statement, after words that have named it: `it is not …`."""
    return error.message.replace(_SUBJECT, "it", 1)


def _object(payload: bytes) -> Mapping[str, Any]:
    if len(payload) > MAX_BYTES:
        raise invalid(f"it is larger than {MAX_BYTES // 2**20} MiB")
    try:
        data = jsontext.parse_bytes(payload)
    except jsontext.JsonFault as fault:
        raise invalid(f"it is not JSON: {fault.reason}") from None
    if not isinstance(data, dict):
        raise invalid("it is not a JSON object")
    return data


def _subjects(values: Any) -> tuple[Subject, ...]:
    if not isinstance(values, list) or not values:
        raise invalid("it has no `subject`")
    if len(values) > MOST_SUBJECTS:
        raise invalid(f"it has more than {MOST_SUBJECTS} subjects")
    return tuple(_subject(value, f"subject[{number}]") for number, value in enumerate(values))


def _subject(value: Any, where: str) -> Subject:
    if not isinstance(value, dict):
        raise invalid(f"its `{where}` is not an object")
    name, digests = value.get("name", ""), value.get("digest")
    if not isinstance(name, str):
        raise invalid(f"its `{where}.name` is not a text")
    if not isinstance(digests, dict) or not digests:
        raise invalid(f"its `{where}` has no `digest`")
    if not all(isinstance(encoded, str) and encoded for encoded in digests.values()):
        raise invalid(f"its `{where}.digest` is not an object of texts")
    return Subject(name, frozenset(f"{algorithm}:{encoded}" for algorithm, encoded in digests.items()))
