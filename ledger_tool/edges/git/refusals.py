"""What the words of git, ssh and the hosts mean when they refuse something for good, and what to do about it.

The words never decide whether a push landed: the remote's state does that (`offer`). They say whether asking again can
help, and what the message is. What a host calls temporary is no refusal, whatever else it says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ledger_tool.errors import Denied, LedgerError, UsageError

_BY_HTTP = r"(?:\berror: |\bHTTP )"
_TEMPORARY = re.compile(
    rf"rate[- ]limit|too many (?:requests|connections)|abuse detection|{_BY_HTTP}(?:408|409|423|425|429|5\d\d)"
    r"|maintenance|temporar|try (?:it |this )?again (?:later|in|after|soon)|(?:please )?retry (?:later|in|after)"
    r"|be right back|back (?:shortly|soon)|time ?limit|timed? ?out"
    r"|Failed to connect|Could not resolve|Connection refused|No route to host|Network is unreachable",
    re.IGNORECASE,
)
# Names that people chose, and that mean nothing here: URLs, paths, hosts, whatever is quoted.
_NAMES = re.compile(
    r"(?<![^\s(])'[^'\n]*'(?![^\s.,:;)])|\b[a-z+]{2,9}://\S+|\b(?:hostname|to host) \S+|[\w.-]+/[\w./-]+", re.IGNORECASE
)


class HostKeyRefused(Denied):
    """Ssh does not trust the host key of the remote; nothing was sent to it."""


class RepositoryMissing(Denied):
    """The host has no such repository, or none that this login may see. Over ssh, it has accepted the login."""


class LoginRefused(Denied):
    """The remote does not accept the key, the token or the password."""


def without_deploy_key(error: LoginRefused, variable: str | None) -> LoginRefused:
    """Return what a refused login over ssh means where no deploy key is given; `variable` is what should have it."""
    state = "is not set" if variable is None else "is empty"
    return LoginRefused(
        error.message.replace(
            _KEY_REFUSED, " accepts none of ssh's own keys, if there are any, and no deploy key is given: "
        ),
        f"pass one with LEDGER_DEPLOY_KEY, which {state}, or `--deploy-key FILE`; in a job, check the name of its "
        "secret, and that this run may read it; or register a key of your own with the host",
    )


@dataclass(frozen=True, slots=True)
class Refusal:
    """One meaning: words that have it, the message about `{where}` that `{says}` them, and what to do.

    `for_origin` is what to do about the `origin` of manifests, if that is something else than about a ledger's remote.
    `raises` is the error's class: Denied, or UsageError for an address or a setup that cannot work. With `by_rule`, a
    server may also say it about one push by one of its rules, although the connection and the login are fine. With
    `is_sure`, nothing else that is said makes it temporary; if it `is_vague`, it may be about what a shallow clone
    lacks.
    """

    words: str
    message: str
    hint: str
    for_origin: str = ""
    raises: type[LedgerError] = Denied
    by_rule: bool = False
    is_sure: bool = False
    is_vague: bool = False

    def error(self, where: str, says: str) -> LedgerError:
        """Return the error about a remote that refuses everything."""
        return self.raises(self.message.format(where=where, says=says), self.hint)

    def of_origin(self) -> Refusal:
        """Return what the same words mean if the `origin` of manifests says them."""
        return replace(self, hint=self.for_origin or self.hint)


_MAY_NOT_WRITE = (
    "{where} lets this key or token read but not write: {says}",
    "allow the deploy key write access in the repository's settings",
    "allow it to push branches in the repository's settings, or use another one",
)
_NOT_FOUND = (
    "{where} was not found, or access to it is denied: {says}",
    "check the URL, and that the key or token is for that repository",
)
NO_PAGE = "check the URL, and that no login page or proxy answers in the host's place"
_STORAGE = "check who owns the repository on its host, and its permissions and free space"
_READ_ONLY = r"read[- ]?only"
_KEY_REFUSED = " does not accept the key: "
_PLACE = r"(?:repositor|project|instance|mirror|server|site|file ?system)"
# The first that matches counts.
_REFUSALS = (
    Refusal(
        r"HOST IDENTIFICATION HAS CHANGED",
        "the host key of {where} has changed: another machine may be answering in its place",
        "compare the new fingerprint with the one that the host publishes; only then replace its known-hosts line",
        raises=HostKeyRefused,
    ),
    Refusal(
        r"REVOKED HOST KEY|marked as revoked",
        "the host key of {where} is revoked by your known hosts: whoever answers may be another machine",
        "ask who runs the host for its new key; do not take the old one into the known hosts again",
        raises=HostKeyRefused,
    ),
    Refusal(
        r"Host key verification failed|host key is known for",
        "the host key of {where} is unknown",
        "get the host's key from its own documentation, and pass it with `--known-hosts FILE`",
        for_origin="get the host's key from its own documentation, and add it to `~/.ssh/known_hosts`",
        raises=HostKeyRefused,
    ),
    Refusal(
        r"Bad owner or permissions on|Bad configuration option|bad configuration options",
        "ssh cannot use your settings: {says}",
        "fix that file; with `--deploy-key FILE`, it is not read",
        for_origin="fix that file",
        raises=UsageError,
    ),
    Refusal(
        r"no matching [^\n]{0,40} found|no mutual signature",
        "ssh and {where} have no algorithm in common: {says}",
        "update the older of the two, or use a key of a kind that the host accepts",
    ),
    Refusal(
        r"dumb http transport|git-http-push failed",
        "{where} is served as plain files (dumb HTTP), which takes no push",
        "serve it with `git http-backend` or a git host, or use its ssh address",
        raises=UsageError,
    ),
    Refusal(
        r"not valid: is this a git repository|unable to update url base from redirection",
        "{where} is not the address of a git repository: {says}",
        NO_PAGE,
        raises=UsageError,
    ),
    Refusal(
        r"Unsupported proxy|remote-https?' is not a git command|or missing URL",
        "git cannot use the address {where}: {says}",
        "check the URL, the proxy settings, and that git was built with support for https",
        raises=UsageError,
    ),
    Refusal(
        rf"{_BY_HTTP}413|Entity Too Large|(?:Payload|Content) Too Large",
        "the server of {where} limits the size of a request (HTTP 413), and the push is larger: {says}",
        "raise that limit on the server and on any proxy in front of it (nginx: `client_max_body_size`), or use ssh",
    ),
    Refusal(
        rf"{_BY_HTTP}411|Length Required",
        "the server of {where} takes no request of unknown length (HTTP 411), as git makes for a large push: {says}",
        "let the proxy in front of the server pass on chunked requests, or push by ssh",
    ),
    Refusal(
        r"\bDENIED by\b|prohibited by Gerrit",
        "{where} denies this key or token access by its rules: {says}",
        "allow its user to read and write the ledger's branch in the server's rules",
        for_origin="allow its user to push branches named `ledger/*` in the server's rules",
        by_rule=True,
        is_sure=True,
    ),
    Refusal(
        r"permission to [^\n]{0,300} denied|denied to ",
        *_MAY_NOT_WRITE,
    ),
    Refusal(
        r"\barchived\b",
        "{where} is archived, so it can only be read: {says}",
        "unarchive it, or name the ledger's new repository with `--repo`",
        for_origin="unarchive it, or set the URL of another repository with `git remote set-url origin URL`",
        by_rule=True,
    ),
    Refusal(
        r"\bquota\b|\b(?:size|storage|space) limit|exceed\w*[^\n]{0,80}(?:\bsize|\blimit|maximum)"
        r"|maximum allowed size|size is greater than"
        r"|over (?:its|the) [^\n]{0,40}limit|large files? detected",
        "{where} takes no more data: {says}",
        "free some space there, or raise the limit",
        by_rule=True,
    ),
    Refusal(
        r"\b(?:repository|project|account|user|organi[sz]ation|access)\b[^\n]{0,100}\b(?:disabled|suspended|blocked"
        r"|locked out|deactivated)\b|access over (?:HTTPS?|SSH) is not allowed",
        "{where} is disabled, or access to it is: {says}",
        "ask who runs the host to enable it",
        by_rule=True,
    ),
    Refusal(
        r"\bSAML\b|single sign-on|\bIP allow ?list|\bIP address[^\n]{0,60} not (?:permitted|allowed|in )",
        "{where} denies access by a rule of its organization: {says}",
        "authorize the key or token for the organization, or ask its owners",
    ),
    Refusal(
        rf"{_PLACE}[^\n]{{0,80}}{_READ_ONLY}|{_READ_ONLY} (?:\w+ ){{0,2}}{_PLACE}|{_READ_ONLY} (?:mode|state)",
        "{where} is read-only: {says}",
        "push to the repository that it mirrors, or make it writable",
        by_rule=True,
    ),
    Refusal(
        rf"{_READ_ONLY}|not allowed to (?:push|upload)|write access",
        *_MAY_NOT_WRITE,
    ),
    Refusal(
        r"Permission denied \([a-z,-]*(?:publickey|password|keyboard)|Too many authentication failures",
        f"{{where}}{_KEY_REFUSED}{{says}}",
        "check that the deploy key is registered with the repository, or pass another with `--deploy-key FILE`",
        for_origin="check that your ssh key is registered with the host, and may push to the repository",
        raises=LoginRefused,
    ),
    Refusal(
        r"Load key [^\n]{0,300}(?:invalid format|error in libcrypto)",
        "ssh cannot read the deploy key for {where}",
        "create a new one with `ssh-keygen -t ed25519 -N ''`",
        raises=LoginRefused,
    ),
    Refusal(
        r"Authentication failed|could not read (?:Username|Password)|Invalid username or"
        rf"|{_BY_HTTP}40[13]|terminal prompts disabled|HTTP Basic: Access denied",
        "{where} does not accept the credentials: {says}",
        "pass a token that may write to the repository in LEDGER_TOKEN",
        for_origin="pass a token that may write to the repository in LEDGER_FORGE_TOKEN, or log in with git",
        raises=LoginRefused,
    ),
    Refusal(
        r"does not appear to be a git repository|(?:repository|project) [^\n]{0,300}not (?:be )?found",
        *_NOT_FOUND,
        raises=RepositoryMissing,
    ),
    Refusal(
        r"does not exist"
        rf"|not found$|{_BY_HTTP}4(?:04|10)|not exported|service not enabled|could(?: not|n't) be found",
        *_NOT_FOUND,
    ),
    Refusal(
        r"insufficient permission|unable to (?:create|write)[^\n]{0,300}Permission denied|Read-only file system",
        "{where} cannot be written to: {says}",
        _STORAGE,
        by_rule=True,
    ),
    Refusal(
        r"unable to create temporary object directory",
        "{where} cannot store what is pushed: {says}",
        _STORAGE,
        by_rule=True,
        is_sure=True,  # the directory is temporary, not its lack
    ),
    Refusal(
        r"dubious ownership",
        "git does not trust the owner of {where}",
        "run as the repository's owner, or add it to git's `safe.directory`",
    ),
    Refusal(
        rf"{_BY_HTTP}4\d\d",
        "the server of {where} refuses the request: {says}",
        "check the URL, and any proxy in front of the server",
        is_vague=True,
    ),
)
# What a server says about one push by one of its rules.
_RULES = (
    Refusal(
        r"currently checked out|receive\.denyCurrentBranch",
        "",
        "make that repository bare, or push to another branch of it with `--branch`",
    ),
    Refusal(
        r"(?:must|need to|should)(?: \w+){0,3} (?:be )?signed|verified signatures|signature (?:is )?required",
        "",
        "sign the commit with `--sign`",
    ),
    Refusal(
        r"GH00[0-9]|GH013|protected branch|repository rule violations|only allowed through (?:merge|pull) requests?",
        "",
        "",
    ),
)


def without_names(words: str) -> str:
    """Return words without the names that people chose in them."""
    return _NAMES.sub("it", words)


def refusal_in(words: str) -> Refusal | None:
    """Return what the words of git or a server refuse for good, or None if they do not."""
    return _meaning(words, _REFUSALS)


def rule_in(words: str) -> str | None:
    """Return what to do about a push that a rule of the server refuses for good (`""`: as ever), or None."""
    refusal = _meaning(words, (*_RULES, *(refusal for refusal in _REFUSALS if refusal.by_rule)))
    return refusal.hint if refusal else None


def _meaning(words: str, refusals: Sequence[Refusal]) -> Refusal | None:
    words = without_names(words)
    matching = (one for one in refusals if re.search(one.words, words, re.IGNORECASE | re.MULTILINE))
    refusal = next(matching, None)
    return None if refusal and not refusal.is_sure and _TEMPORARY.search(words) else refusal
