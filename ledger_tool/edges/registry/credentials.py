"""Which credential a registry gets, and from where: Docker's and podman's places, in their order.

Sources: Docker CLI `config.json` (`auths`, `credHelpers`, `credsStore`) and its credential helper protocol;
containers-auth.json(5). A helper is a program, started once per host in a run.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from ledger_tool.core.ledger.names import shown
from ledger_tool.core.policy.resolve import HUB, HUB_HOSTS, same_host
from ledger_tool.edges.deadline import UNLIMITED, Deadline
from ledger_tool.errors import UsageError

_MAX_FILE = 4 * 2**20
_HUB_KEYS = ("https://index.docker.io/v1/", *HUB_HOSTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A user name and password, or an identity token; `source` says where it comes from."""

    source: str
    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @property
    def secrets(self) -> set[str]:
        """The texts that must never be shown."""
        login = base64.b64encode(f"{self.username}:{self.password}".encode()).decode() if self.password else ""
        return {self.password, login, self.identity_token} - {""}


class Keychain:
    """Looks up credentials, once per host; safe to use from several threads."""

    def __init__(
        self, environment: Mapping[str, str], deadline: Deadline = UNLIMITED, *, helper_seconds: float = 30.0
    ) -> None:
        self._environment = environment
        self._deadline = deadline
        self._helper_seconds = helper_seconds
        self._known: dict[str, Credential | UsageError | None] = {}
        self._lock = Lock()

    def find(self, host: str) -> Credential | None:
        """Return the credential for a registry host, or None for anonymous access.

        Raises UsageError if a configuration file cannot be read or a helper fails.
        """
        with self._lock:
            if host not in self._known:
                try:
                    self._known[host] = self._look_up(host)
                except UsageError as error:  # a helper that fails or hangs is not run again for the next tag
                    self._known[host] = error
            credential = self._known[host]
        if isinstance(credential, UsageError):
            raise credential.within("")  # a copy: the threads share the error
        return credential

    def _look_up(self, host: str) -> Credential | None:
        variables = "LEDGER_REGISTRY_USERNAME", "LEDGER_REGISTRY_PASSWORD"
        username, password = (self._environment.get(name, "") for name in variables)
        if bool(username) != bool(password):
            there, missing = variables if username else reversed(variables)
            raise UsageError(f"{there} is set, and {missing} is not", "set both, or neither")
        if username:
            return Credential(source=" and ".join(variables), username=username, password=password)
        for path in self._files():
            # not Path.is_file, which raises for a folder that we cannot read
            if os.path.isfile(path) and (credential := self._in_file(path, host)):  # noqa: PTH113
                return credential
        return None

    def _files(self) -> Iterator[Path]:
        get = self._environment.get
        home = Path(get("HOME") or os.path.expanduser("~"))  # noqa: PTH111 - HOME comes from our own mapping
        yield Path(get("DOCKER_CONFIG") or home / ".docker") / "config.json"
        if given := get("REGISTRY_AUTH_FILE"):
            yield Path(given)
        if runtime := get("XDG_RUNTIME_DIR"):
            yield Path(runtime) / "containers" / "auth.json"
        yield Path(get("XDG_CONFIG_HOME") or home / ".config") / "containers" / "auth.json"

    def _in_file(self, path: Path, host: str) -> Credential | None:
        config = _load(path)
        names = _HUB_KEYS if same_host(host) == HUB else (host,)
        helpers = _object(config, "credHelpers")
        for name in names:
            if helper := helpers.get(name):
                return self._from_helper(str(helper), name, f"credHelpers of {path}")
        for key, entry in _object(config, "auths").items():
            is_for_host = isinstance(entry, dict) and _host_of(key) in names
            if is_for_host and (credential := _from_entry(entry, f"auths of {path}")):
                return credential
        if store := config.get("credsStore"):
            for name in names:
                if credential := self._from_helper(str(store), name, f"credsStore of {path}"):
                    return credential
        return None

    def _from_helper(self, helper: str, host: str, where: str) -> Credential | None:
        program = f"docker-credential-{helper}"
        seconds = min(self._helper_seconds, self._deadline.remaining(at_least=1.0))
        if not re.fullmatch(r"[A-Za-z0-9._-]+", helper):
            raise UsageError(f"{where} names the credential helper `{shown(helper)}`", "fix the file")
        try:
            done = subprocess.run(
                [program, "get"], input=host.encode(), capture_output=True, timeout=seconds, check=False,
                env=dict(self._environment),
            )  # fmt: skip
        except OSError:
            message = f"`{program}`, named by {where}, is not installed or cannot be run"
            raise UsageError(message, "install it, or fix the file") from None
        except subprocess.TimeoutExpired:
            message = f"`{program}` did not answer in {seconds:.0f} s"
            raise UsageError(message, "run it manually to see what it waits for") from None
        if done.returncode:
            if b"not found" in done.stdout + done.stderr:
                return None
            raise UsageError(
                f"`{program} get` failed with exit code {done.returncode}",
                f"run `echo {shown(host)} | {program} get` to see why",
            )
        try:
            answer = json.loads(done.stdout)
            username, secret = str(answer["Username"]), str(answer["Secret"])
        except (ValueError, KeyError, TypeError, RecursionError):
            message = f"`{program} get` did not return a credential in JSON"
            raise UsageError(message, "run it manually to see what it returns") from None
        source = f"`{program}`, {where}"
        if username == "<token>":
            return Credential(source=source, identity_token=secret)
        return Credential(source=source, username=username, password=secret)


def _load(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            config = json.loads(file.read(_MAX_FILE))
    except (OSError, ValueError, RecursionError):
        raise UsageError(f"{path} cannot be read as JSON", "fix the file, or name another with DOCKER_CONFIG") from None
    return config if isinstance(config, dict) else {}


def _object(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = config.get(name)
    return value if isinstance(value, dict) else {}


def _host_of(key: str) -> str:
    """Return the host of an `auths` key: `host`, `https://host`, `https://host/v1/`; Docker Hub's own stays whole.

    Podman's `host/namespace` is for that namespace only, and stays whole too.
    """
    if key == _HUB_KEYS[0]:
        return key
    return re.sub(r"^https?://|/(?:v[12]/?)?$", "", key)


def _from_entry(entry: Mapping[str, Any], source: str) -> Credential | None:
    if token := entry.get("identitytoken"):
        return Credential(source=source, identity_token=str(token))
    if entry.get("username") and entry.get("password"):
        return Credential(source=source, username=str(entry["username"]), password=str(entry["password"]))
    try:
        decoded = base64.b64decode("".join(str(entry.get("auth", "")).split()), validate=True).decode()
    except ValueError:
        message = f"{source} contain an `auth` that is not base64"
        raise UsageError(message, "log in again with `docker login`") from None
    username, colon, password = decoded.partition(":")
    if decoded and not colon:
        message = f"{source} contain an `auth` that is not the base64 of `USER:PASSWORD`"
        raise UsageError(message, "log in again with `docker login`")
    return Credential(source=source, username=username, password=password.rstrip("\0")) if decoded else None
