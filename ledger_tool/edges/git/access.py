"""How git reaches a remote: one environment, built from an allow-list, for every git command of a run.

Only these git settings of the user are passed on: who commits (`user.*`), how to reach a host (`http.*.proxy`,
`http.*.sslCAInfo`, ..., `credential.*`, `http.*.extraHeader`) and how to sign (`gpg.*`). Everything else
(hooks, fsmonitor, aliases, URL rewriting, tracing) is left out; docs/git.md lists it.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from ledger_tool.core.ledger.names import shown
from ledger_tool.edges.files.disk import path_of, read_bytes
from ledger_tool.edges.git.deploy_key import hold, read_key
from ledger_tool.edges.git.location import Address, Credentials
from ledger_tool.edges.git.process import run
from ledger_tool.errors import UsageError

_PASSED = (
    "PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "SSH_AUTH_SOCK", "GNUPGHOME",
    "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY",
    "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL",
)  # fmt: skip
_CONFIG_SOURCES = re.compile(r"GIT_CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+)|XDG_CONFIG_HOME")
_PASSED_SETTINGS = re.compile(
    r"user\.(?:name|email|signingkey)|gpg\..*|credential\..*"
    r"|http\.(?:.*\.)?(?:proxy|proxyauthmethod|proxysslcainfo|sslcainfo|sslcapath|sslcert|sslkey|extraheader)"
)
_AUTH_SETTINGS = re.compile(r"credential\..*|http\.(?:.*\.)?extraheader")
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
_HELPER = (
    '!f() { test "$1" = get || exit 0; '
    'printf "username=%s\\npassword=%s\\n" "$LEDGER_GIT_USERNAME" "$LEDGER_GIT_PASSWORD"; }; f'
)

Settings = list[tuple[str, str]]


def user_settings(git_dir: Path | None) -> Settings:
    """Return all of the user's effective git settings, including those of a checkout if `git_dir` names one."""
    environment = _passed() | {name: value for name, value in os.environ.items() if _CONFIG_SOURCES.fullmatch(name)}
    done = run([f"--git-dir={git_dir or os.devnull}", "config", "--list", "-z"], environment=environment)
    if not done.ok:
        raise UsageError(f"git cannot read your settings: {shown(' '.join(done.stderr.split()), 300)}", "fix that file")
    pairs = (entry.partition("\n") for entry in done.text.split("\0") if entry)
    return [(key, value) for key, _, value in pairs]


def prepare(
    address: Address | None, credentials: Credentials, settings: Settings, folder: Path, stack: ExitStack, *, sign: bool
) -> Mapping[str, str]:
    """Return the environment of git commands that reach `address`; None is for local git only.

    Files that the environment names exist until `stack` closes. `folder` is a private temporary folder; `sign` lets
    the deploy key sign if the user has no signing key. Raises UsageError or Denied for an unusable key.
    """
    token = (address.password if address else "") or credentials.token
    passed = [(key, value) for key, value in settings if _PASSED_SETTINGS.fullmatch(key)]
    environment = _passed() | {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "file:ssh:http:https",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_GRAFT_FILE": f"{os.devnull}/none",  # does not exist: even an empty file makes git print a hint
        "LC_ALL": "C",
    }
    extra: Settings = []
    key_path = ""
    if address and address.scheme == "file":
        environment["GIT_CONFIG_GLOBAL"] = _trusting(address.url, folder)
    if address and address.scheme in ("http", "https") and token:
        passed = [(key, value) for key, value in passed if not _AUTH_SETTINGS.fullmatch(key)]
        extra = [("credential.helper", ""), (f"credential.{address.scheme}://{address.host}.helper", _HELPER)]
        environment["LEDGER_GIT_USERNAME"] = address.user or "x-access-token"
        environment["LEDGER_GIT_PASSWORD"] = token
    if credentials.deploy_key:
        key_path = hold(read_key(credentials.deploy_key), "ledger-deploy-key", folder, stack)
    if address and address.scheme == "ssh":
        environment["GIT_SSH_COMMAND"] = _ssh_command(key_path, credentials.known_hosts, folder, stack)
        environment["GIT_SSH_VARIANT"] = "ssh"
    if sign and key_path and "user.signingkey" not in dict(passed):
        extra += [("gpg.format", "ssh"), ("user.signingKey", key_path)]
    chosen = [*_DEFAULT_SETTINGS, *passed, *extra, *_FIXED_SETTINGS]
    environment["GIT_CONFIG_COUNT"] = str(len(chosen))  # keeps settings out of files and argv (git-config(1))
    for number, (key, value) in enumerate(chosen):
        environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return environment


def _passed() -> dict[str, str]:
    return {name: os.environ[name] for name in _PASSED if os.environ.get(name)}


def _trusting(path: str, folder: Path) -> str:
    """Return a settings file that makes git accept this one repository, whoever owns it: the user named it.

    It is a file because git does not pass GIT_CONFIG_COUNT to the process that serves the repository.
    """
    settings = folder / "gitconfig"
    quoted = path.replace("\\", "\\\\").replace('"', '\\"')
    settings.write_text(f'[safe]\n\tdirectory = "{quoted}"\n\tdirectory = "{quoted}/.git"\n', "utf-8")
    return str(settings)


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
