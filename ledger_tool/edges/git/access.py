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
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from ledger_tool.core.ledger.secrets import LONG_TOKEN, LONG_USER, Mask, secrets_of_header, secrets_of_url
from ledger_tool.edges.git.connection import control_path
from ledger_tool.edges.git.deploy_key import hold, read_key
from ledger_tool.edges.git.known_hosts import read_known_hosts
from ledger_tool.edges.git.location import Address, Credentials
from ledger_tool.edges.git.process import run
from ledger_tool.edges.git.settings_variables import CREDENTIAL, HEADER, numbered
from ledger_tool.edges.git.user_settings import Setting, Settings, config_file
from ledger_tool.edges.http.proxies import check_proxies
from ledger_tool.errors import Denied, UsageError

_PROXIES = ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")
PASSED = (
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
    r"user\.(?:name|email|signingkey)|gpg\.(?!mintrustlevel).*|credential\..*"
    r"|http\.(?:.*\.)?(?:proxy|proxyauthmethod|proxysslcainfo|sslcainfo|sslcapath|sslcert|sslkey)"
)
NO_GRAFTS = f"{os.devnull}/none"  # does not exist: even an empty file makes git print a hint
_HELPERS = re.compile(r"credential\.(?:.*\.)?helper")
_PROXY = re.compile(r"http\.(?:.*\.)?proxy")
# The user's own override these. Without them, git would guess a committer, or refuse, where none is configured.
_DEFAULT_NAME, _DEFAULT_EMAIL = "ledger", "ledger@localhost"
_DEFAULT_SETTINGS = (("user.name", _DEFAULT_NAME), ("user.email", _DEFAULT_EMAIL))
DEFAULT_IDENTITY = f"{_DEFAULT_NAME} <{_DEFAULT_EMAIL}>"  # in git's notation
_FIXED_SETTINGS = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("i18n.commitEncoding", "UTF-8"),  # our messages are UTF-8, whatever a checkout sets
    ("i18n.logOutputEncoding", "UTF-8"),  # and so is what we read, ids and dates included
    ("gpg.minTrustLevel", "undefined"),
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
    ssh: Sequence[str] = ()  # the program with its options, if git reaches the remote by it
    control_path: str = ""  # where that ssh looks for a connection that is there already


def prepare(
    address: Address | None,
    credentials: Credentials,
    settings: Settings,
    folder: Path,
    stack: ExitStack,
    *,
    sign: bool = False,
    also: Sequence[tuple[str, str]] = (),
    trusting: bool = True,
    number: int = 0,
) -> Access:
    """Return the access of git commands that reach `address`; None is for local git only.

    Files that the environment names exist until `stack` closes. `folder` is a private temporary folder; `sign` lets the
    deploy key sign if the user has no signing key; `also` are further settings. With `trusting`, a local `address` was
    named by the user, whoever owns it. `number` is this address's own in the folder. Raises UsageError or Denied for
    credentials that cannot be used, or would be sent unencrypted.
    """
    over_http = address is not None and address.scheme in ("http", "https")
    over_ssh = address is not None and address.scheme == "ssh"
    token = ((address.password if address else "") or credentials.token.strip()) if over_http else ""
    passed = [setting for setting in settings if _PASSED_SETTINGS.fullmatch(setting.key)]
    proxies = [setting.value for setting in passed if _PROXY.fullmatch(setting.key)]
    headers = [setting for setting in settings if HEADER.fullmatch(setting.key)]
    # A repository's own settings come before these, and may be repeated: that matters for helpers alone.
    users = [*_DEFAULT_SETTINGS, ("credential.helper", ""), *((key, value) for key, value, _ in passed)]
    named: dict[str, str] = {}
    extra: list[tuple[str, str]] = []
    answers = ""
    if over_http and address:
        check_proxies(address.url, os.environ, proxies)
        extra = headers_for(address.url, [] if token else headers)
    if token and address:
        users = [(key, value) for key, value in users if not CREDENTIAL.fullmatch(key)]
        extra += _with_token(address, token)
        named |= {"LEDGER_GIT_USERNAME": address.user or "x-access-token", "LEDGER_GIT_PASSWORD": token}
    elif over_http and any(_HELPERS.fullmatch(setting.key) for setting in passed) and hasattr(os, "memfd_create"):
        answers = hold(b"", "ledger-answers", folder, stack)
        named |= {"LEDGER_GIT_ANSWERS": answers, "LEDGER_GIT_SETTINGS": str(len(users))}
        extra += [("credential.helper", ""), ("credential.helper", _USERS_HELPERS)]
    key_path = control = ""
    ssh: list[str] = []
    if credentials.deploy_key:
        key_path = hold(read_key(credentials.deploy_key), "ledger-deploy-key", folder, stack)
    if over_ssh:
        control = control_path(folder, number) if key_path else ""  # the user's own set-up may have another one
        ssh = _ssh(key_path, credentials.known_hosts, folder, stack, control)
        named["GIT_SSH_COMMAND"] = shlex.join(ssh)
        named["GIT_SSH_VARIANT"] = "ssh"
    if sign and key_path and not any(setting.key == "user.signingkey" for setting in passed):
        extra += [("gpg.format", "ssh"), ("user.signingKey", key_path)]
    runs_programs = (over_http and not token) or (over_ssh and not key_path) or sign
    is_named = address is not None and address.scheme == "file" and trusting
    environment = {
        **(_callers() if runs_programs else _passed()),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": _trusting(address.url, folder) if address and is_named else os.devnull,
        "GIT_ASKPASS": "",  # else git would run `core.askPass`
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "file:ssh:http:https",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_GRAFT_FILE": NO_GRAFTS,
        "LC_ALL": "C",
        **named,
    }
    environment |= numbered([*users, *also, *extra, *_FIXED_SETTINGS])
    helpers = [setting.value for setting in settings if _HELPERS.fullmatch(setting.key)]
    mask = Mask(_secrets(address, credentials.token, headers, proxies, helpers))
    host = re.sub(r":[0-9]+$", "", address.host) if address and over_http else ""

    def masked(text: str) -> str:
        learned = mask.and_of(_answered(answers)) if answers else mask
        return learned.and_of(_in_netrc(host))(text) if host else learned(text)

    return Access(environment, masked, ssh, control)


def _with_token(address: Address, token: str) -> list[tuple[str, str]]:
    """Return the settings that make git use our token for this address, and no other login or proxy of this machine."""
    if re.search(r"[\x00-\x1f\x7f]", token):
        raise Denied(
            "the token has a line break or a control character in it", "set it to the token itself, on one line"
        )
    if not address.is_confidential:
        raise UsageError(
            f"{address.shown} is plain HTTP, which would expose the token on the network",
            "use its address with `https://`, or ssh with `--deploy-key`",
        )
    origin = f"{address.scheme}://{address.host}"
    settings = [("credential.helper", ""), (f"credential.{origin}.helper", _OUR_HELPER)]
    return [*settings, (f"http.{address.url}.proxy", "")] if address.scheme == "http" else settings


def headers_for(url: str, headers: Settings) -> list[tuple[str, str]]:
    """Return the settings that make git send these extra headers to a URL once, wherever they were set.

    As in git, a setting for part of a URL is ignored after one for a longer part, and an empty one forgets those before
    it (git-config(1), `http.extraHeader`, `http.<url>.*`). Hosts refuse two logins, so the last one is sent.
    """
    values: list[str] = []
    longest = 0
    for key, value, _ in headers:
        if len(key) < longest or not _is_for(key, url):
            continue
        longest = len(key)
        is_login = value.lower().startswith("authorization:")
        kept = [one for one in values if one != value and not (is_login and one.lower().startswith("authorization:"))]
        values = [*kept, value] if value else []
    name = f"http.{url}.extraHeader"  # for the whole URL: it wins over all others
    return [(name, ""), *((name, value) for value in values)]


def _is_for(key: str, url: str) -> bool:
    """Return whether git applies a setting `http.<url>.extraheader` to a URL, by git's own rules."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": key,
        "GIT_CONFIG_VALUE_0": "yes",
    }
    asked = [f"--git-dir={os.devnull}", "config", "--get-urlmatch", "http.extraheader", url]
    return run(asked, environment=environment).text.strip() == "yes"


def _secrets(
    address: Address | None, token: str, headers: Sequence[Setting], proxies: Sequence[str], helpers: Sequence[str]
) -> Iterator[str]:
    """Yield the credentials that we know of."""
    yield token
    if address and address.scheme == "ssh" and len(address.user) > LONG_USER:
        yield address.user
    if address and address.password:
        yield address.password
        yield address.user if len(address.user) >= LONG_TOKEN else ""
        yield base64.b64encode(f"{address.user}:{address.password}".encode()).decode()
    for helper in helpers:  # a script with the password in it, which git may repeat
        yield from re.findall(r"password=([^\s\"'\\;}$]+)", helper)
    for header in headers:
        yield from secrets_of_header(header.value)
    for proxy in (*proxies, *(os.environ.get(name, "") for name in _PROXIES)):
        yield from secrets_of_url(proxy)


def _answered(path: str) -> Iterator[str]:
    """Yield the credentials that the user's helpers have answered so far (git-credential(1), "INPUT/OUTPUT FORMAT")."""
    with open(path, "rb") as file:
        text = file.read().decode("utf-8", "replace")
    for match in re.finditer(r"^(?:password|credential|oauth_refresh_token)=(.+)$", text, re.MULTILINE):
        yield match[1]
    yield from re.findall(rf"^username=(.{{{LONG_TOKEN},}})$", text, re.MULTILINE)  # a token, perhaps


def _in_netrc(host: str) -> Iterator[str]:
    """Yield the credentials for a host in `~/.netrc`, which git's HTTP reads."""
    path = Path(os.environ.get("HOME", "/")) / ".netrc"
    if path.is_file():
        from netrc import NetrcParseError, netrc

        with suppress(OSError, NetrcParseError, UnicodeError):
            login, _, password = netrc(path).authenticators(host) or ("", "", "")
            yield from (one for one in (password, login if len(login) >= LONG_TOKEN else "") if one)


def _passed() -> dict[str, str]:
    return {name: os.environ[name] for name in PASSED if os.environ.get(name)}


def _callers() -> dict[str, str]:
    """Return the caller's variables, without git's own."""
    return {name: value for name, value in os.environ.items() if not _OF_GIT.fullmatch(name)} | _passed()


def _trusting(path: str, folder: Path) -> str:
    """Return a settings file that makes git accept this one repository, whoever owns it: the user named it.

    It is a file because git does not pass GIT_CONFIG_COUNT to the process that serves the repository.
    """
    settings = folder / "gitconfig"
    settings.write_bytes(config_file([("safe.directory", path), ("safe.directory", f"{path}/.git")]))
    return str(settings)


def _ssh(key_path: str, known_hosts: str, folder: Path, stack: ExitStack, control: str) -> list[str]:
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
    if control:
        options |= {"ControlPath": control}
    if known_hosts:
        options |= {
            "UserKnownHostsFile": hold(read_known_hosts(known_hosts), "ledger-known-hosts", folder, stack),
            "GlobalKnownHostsFile": os.devnull,
        }
    return words + [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
