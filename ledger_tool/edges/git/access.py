"""How git reaches a remote: one environment, built from an allow-list, for every git command of a run.

Only these git settings of the user are passed on: who commits (`user.*`), how to reach a host (`http.*.proxy`,
`http.*.sslCAInfo`, ..., `credential.*`, `http.*.extraHeader`) and how to sign (`gpg.*`). Everything else
(hooks, fsmonitor, aliases, URL rewriting, tracing) is left out; docs/git.md lists it. Where git may run a program of
the user (a credential helper, ssh with the user's setup, a signing program), that program sees the variables of the
caller; git's own are left out there, too.
"""

from __future__ import annotations

import base64
import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ledger_tool.core.ledger.secrets import LONG_TOKEN, LONG_USER, Mask, secrets_of_header, secrets_of_url
from ledger_tool.edges.files.disk import path_of, read_bytes
from ledger_tool.edges.git.deploy_key import hold, read_key
from ledger_tool.edges.git.location import Address, Credentials
from ledger_tool.edges.git.user_settings import Setting, Settings, config_file
from ledger_tool.edges.http.proxies import check_proxies
from ledger_tool.errors import UsageError

_PROXIES = ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")
_PASSED = (
    "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "SSH_AUTH_SOCK", "GNUPGHOME", *_PROXIES,
    "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL",
)  # fmt: skip
# Git's own variables, and what changes git's language and the dates of commits. Of those that begin like git's own,
# only the names that people and CI systems give to a login are the caller's.
_OF_GIT = re.compile(
    r"GIT_(?!(?!PROTOCOL|CONFIG|TRACE|ASKPASS)\w*(?:TOKEN|USER|USERNAME|LOGIN|PASS|PASSWORD|SECRET|CREDENTIALS?|URL)$).*"
    r"|SSH_ASKPASS.*|LC_.*|LANG|LANGUAGE|TZ"
)
_PASSED_SETTINGS = re.compile(
    r"user\.(?:name|email|signingkey)|gpg\..*|credential\..*"
    r"|http\.(?:.*\.)?(?:proxy|proxyauthmethod|proxysslcainfo|sslcainfo|sslcapath|sslcert|sslkey|extraheader)"
)
_HEADER = re.compile(r"http\.(?:.*\.)?extraheader")
_CREDENTIAL = re.compile(r"credential\..*")
_HELPERS = re.compile(r"credential\.(?:.*\.)?helper")
_PROXY = re.compile(r"http\.(?:.*\.)?proxy")
# The user's own override these. Without them, git would guess a committer, or refuse, where none is configured.
_DEFAULT_SETTINGS = (("user.name", "ledger"), ("user.email", "ledger@localhost"))
_FIXED_SETTINGS = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("i18n.commitEncoding", "UTF-8"),  # our messages are UTF-8, whatever a checkout sets
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("http.lowSpeedLimit", "1"),
    ("http.lowSpeedTime", "30"),
    ("protocol.version", "2"),
)
_OUR_HELPER = (
    '!f() { test "$1" = get || exit 0; '
    'printf "username=%s\\npassword=%s\\n" "$LEDGER_GIT_USERNAME" "$LEDGER_GIT_PASSWORD"; }; f'
)
# Asks the user's own helpers, and tells us what they answer, so that no message repeats it.
_USERS_HELPERS = (
    '!f() { case "$1" in get) do=fill;; store) do=approve;; erase) do=reject;; *) exit 0;; esac; '
    'GIT_CONFIG_COUNT="$LEDGER_GIT_SETTINGS" git credential "$do" | tee -a "$LEDGER_GIT_ANSWERS"; }; f'
)


@dataclass(frozen=True, slots=True)
class Access:
    """How git commands run: their environment, and what takes the credentials out of their messages."""

    environment: Mapping[str, str]
    mask: Callable[[str], str]


def prepare(
    address: Address | None,
    credentials: Credentials,
    settings: Settings,
    folder: Path,
    stack: ExitStack,
    *,
    sign: bool = False,
    has_own: bool = False,
    trusting: bool = True,
) -> Access:
    """Return the access of git commands that reach `address`; None is for local git only.

    Files that the environment names exist until `stack` closes. `folder` is a private temporary folder; `sign` lets
    the deploy key sign if the user has no signing key. With `has_own`, git itself reads the settings of the repository
    in which the commands run. With `trusting`, a local `address` was named by the user, whoever owns it. Raises
    UsageError or Denied for credentials that cannot be used, or would be sent unencrypted.
    """
    over_http = address is not None and address.scheme in ("http", "https")
    over_ssh = address is not None and address.scheme == "ssh"
    token = ((address.password if address else "") or credentials.token) if over_http else ""
    passed = [setting for setting in settings if _PASSED_SETTINGS.fullmatch(setting.key)]
    known = list(_secrets(address, credentials.token, passed))
    if over_http and address:
        check_proxies(address.url, os.environ, [setting.value for setting in passed if _PROXY.fullmatch(setting.key)])
    extra: list[tuple[str, str]] = []
    named: dict[str, str] = {}
    answers = ""
    if token and address:
        named, extra = _with_token(address, token)
        passed = [one for one in passed if not _HEADER.fullmatch(one.key) and not _CREDENTIAL.fullmatch(one.key)]
    elif over_http and any(_HELPERS.fullmatch(setting.key) for setting in settings):
        answers = hold(b"", "ledger-answers", folder, stack)
        named["LEDGER_GIT_ANSWERS"] = answers
        named["LEDGER_GIT_SETTINGS"] = str(sum(setting.scope == "command" for setting in passed))
        extra = [("credential.helper", ""), ("credential.helper", _USERS_HELPERS)]
    key_path = ""
    if credentials.deploy_key:
        key_path = hold(read_key(credentials.deploy_key), "ledger-deploy-key", folder, stack)
    if over_ssh:
        named["GIT_SSH_COMMAND"] = _ssh_command(key_path, credentials.known_hosts, folder, stack)
        named["GIT_SSH_VARIANT"] = "ssh"
    if sign and key_path and not any(setting.key == "user.signingkey" for setting in passed):
        extra += [("gpg.format", "ssh"), ("user.signingKey", key_path)]
    runs_programs = (over_http and not token) or (over_ssh and not key_path) or sign
    trusted = address.url if address and address.scheme == "file" and trusting else ""
    from_file = [setting for setting in passed if setting.scope != "command" and not (has_own and setting.is_local)]
    environment = {
        **(_callers() if runs_programs else _passed()),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": hold(_file(from_file, trusted), "ledger-gitconfig", folder, stack),
        "GIT_ASKPASS": "",  # else git would run `core.askPass`
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "file:ssh:http:https",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_GRAFT_FILE": f"{os.devnull}/none",  # does not exist: even an empty file makes git print a hint
        "LC_ALL": "C",
        **named,
    }
    # These come after all files, and stay out of files and argv (git-config(1)). The user's are the first.
    chosen = [*((key, value) for key, value, scope in passed if scope == "command"), *extra, *_FIXED_SETTINGS]
    environment["GIT_CONFIG_COUNT"] = str(len(chosen))
    for number, (key, value) in enumerate(chosen):
        environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    mask = Mask(known)
    return Access(environment, lambda text: mask.and_of(_answered(answers))(text) if answers else mask(text))


def _with_token(address: Address, token: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return the variables and settings that make git use a token, and nothing else, for this address."""
    if not address.is_confidential:
        raise UsageError(
            f"{address.shown} is plain HTTP, which would expose the token on the network",
            "use its address with `https://`, or ssh with `--deploy-key`",
        )
    variables = {"LEDGER_GIT_USERNAME": address.user or "x-access-token", "LEDGER_GIT_PASSWORD": token}
    origin = f"{address.scheme}://{address.host}"
    return variables, [
        ("credential.helper", ""),
        (f"credential.{origin}.helper", _OUR_HELPER),
        (f"http.{address.url}.extraHeader", ""),  # the longest URL: a checkout's own are for another login
    ]


def _secrets(address: Address | None, token: str, settings: Settings) -> Iterator[str]:
    """Yield the credentials that we know of."""
    yield token
    if address and address.scheme == "ssh" and len(address.user) > LONG_USER:
        yield address.user
    if address and address.password:
        yield address.password
        yield address.user if len(address.user) >= LONG_TOKEN else ""
        yield base64.b64encode(f"{address.user}:{address.password}".encode()).decode()
    for setting in settings:
        if _HEADER.fullmatch(setting.key):
            yield from secrets_of_header(setting.value)
        elif _PROXY.fullmatch(setting.key):
            yield from secrets_of_url(setting.value)
    for name in _PROXIES:
        yield from secrets_of_url(os.environ.get(name, ""))


def _answered(path: str) -> Iterator[str]:
    """Yield the credentials that the user's helpers have answered so far (git-credential(1), "INPUT/OUTPUT FORMAT")."""
    with open(path, "rb") as file:
        text = file.read().decode("utf-8", "replace")
    for match in re.finditer(r"^(?:password|credential|oauth_refresh_token)=(.+)$", text, re.MULTILINE):
        yield match[1]
    yield from re.findall(rf"^username=(.{{{LONG_TOKEN},}})$", text, re.MULTILINE)  # a token, perhaps


def _passed() -> dict[str, str]:
    return {name: os.environ[name] for name in _PASSED if os.environ.get(name)}


def _callers() -> dict[str, str]:
    """Return the caller's variables, without git's own."""
    return {name: value for name, value in os.environ.items() if not _OF_GIT.fullmatch(name)} | _passed()


def _file(settings: Sequence[Setting], trusted: str) -> bytes:
    """Return the settings file of git commands; `trusted` is the path of a repository that may be anybody's.

    It is a file because git does not pass GIT_CONFIG_COUNT to the process that serves a local repository, and because
    a repository's own settings come after it, as they do after the user's.
    """
    safe = [("safe.directory", trusted), ("safe.directory", f"{trusted}/.git")] if trusted else []
    return config_file([*_DEFAULT_SETTINGS, *((key, value) for key, value, _ in settings), *safe])


def _ssh_command(key_path: str, known_hosts: str, folder: Path, stack: ExitStack) -> str:
    """Return ssh with its options: it never prompts, and always checks host keys.

    With a deploy key, it uses that key and ignores the user's ssh setup; without one, it uses the user's.
    """
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "UpdateHostKeys": "no",
        "ConnectTimeout": "20",
        "ServerAliveInterval": "10",
        "ServerAliveCountMax": "3",
        "ClearAllForwardings": "yes",
    }
    words = ["ssh"]
    if key_path:
        words += ["-F", os.devnull, "-i", key_path]
        options |= {"IdentitiesOnly": "yes", "IdentityAgent": "none"}
    if known_hosts:
        options |= {
            "UserKnownHostsFile": hold(_known_hosts(known_hosts), "ledger-known-hosts", folder, stack),
            "GlobalKnownHostsFile": os.devnull,
        }
    words += [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    return shlex.join(words)


def _known_hosts(value: str) -> bytes:
    if "\n" in value or re.search(r"\s(?:ssh|ecdsa|sk)-\S+\s+AAAA", value):
        return value.replace("\r", "").encode() + b"\n"
    try:
        return read_bytes(path_of(value, "the known-hosts file"), 1024 * 1024, "the known-hosts file") + b"\n"
    except UsageError as error:
        hint = "create it with `ssh-keyscan HOST`, and compare the fingerprint with the one that the host publishes"
        raise error.within("", hint) from None
