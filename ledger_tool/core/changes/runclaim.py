"""Which CI run made a commit, and who or what started it: what the commit's message claims.

Nothing compares these claims with anything: a signature proves who pushed. Everybody who reads the ledger reads them,
so a URL with a login or a token in it is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from ledger_tool.core.ledger.names import HOST, parse_text, shown
from ledger_tool.core.ledger.secrets import SECRET_NAME, TOKEN, redacted
from ledger_tool.errors import InvalidValue

ACTOR_MAX = 255
_RUN_MAX = 2000
_PART = r"[A-Za-z0-9._~:/!$&'()*+,;=%?-]*"  # no `@`: what stands before one is a login; no brackets: hosts obey some
RUN = rf"https?://{HOST}(?:[/?]{_PART})?(?:#{_PART})?"
_parameter = re.compile(r"[?&#;]([^=&;#?]*)=")


@dataclass(frozen=True, slots=True)
class RunClaim:
    """The URL of a CI run, and who or what started it; `""` for what nobody says."""

    url: str = ""
    actor: str = ""

    def __bool__(self) -> bool:
        return bool(self.url or self.actor)

    def __str__(self) -> str:
        """Return the claim in words, such as `https://ci.example.com/runs/1, started by alice`."""
        return ", ".join(filter(None, (self.url, f"started by {shown(self.actor, ACTOR_MAX)}" if self.actor else "")))


NO_RUN = RunClaim()


def parse_run(value: str) -> str:
    """Return the URL of a CI run, or raise InvalidValue: for a login or a token in it, which is then not repeated."""
    hint = "give the http(s) URL of the run's page, without a login or a token, such as `https://ci.example.com/runs/1`"
    if (
        "@" in value
        or TOKEN.search(unquote(value))
        or any(SECRET_NAME.search(unquote(name)) for name in _parameter.findall(value))
    ):
        raise InvalidValue("run", "the run's URL has a login or a token in it", hint)
    if len(value) > _RUN_MAX or not re.fullmatch(RUN, value) or not _has_a_port_that_exists(value):
        raise InvalidValue("run", f"the run `{shown(value)}` is not the http(s) URL of a page", hint)
    return value


def _has_a_port_that_exists(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def parse_actor(value: str) -> str:
    """Return who or what started a run, or raise InvalidValue."""
    actor = parse_text(value, "actor")
    if redacted(actor) != actor:
        raise InvalidValue("actor", "the actor has a login in it", "give a name, such as `alice`")
    if TOKEN.search(actor):
        raise InvalidValue("actor", "the actor has a token in it", "give a name, such as `alice`")
    if len(actor) > ACTOR_MAX:
        raise InvalidValue("actor", f"the actor is longer than {ACTOR_MAX} characters", "shorten it")
    return actor


def read_claim(run: str, actor: str) -> RunClaim:
    """Return what a message claims; what `ledger` would not have written is left out."""
    read = []
    for parse, value in ((parse_run, run), (parse_actor, actor)):
        try:
            read.append(parse(value) if value else "")
        except InvalidValue:
            read.append("")
    return RunClaim(*read)
