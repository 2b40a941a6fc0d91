"""`doctor`: whether everything is in place to read and write the ledger and to ask its registries, one check a line.

Each step is tried by itself, so that one that fails does not hide the others. Nothing is changed anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from ledger_tool.commands.doctor_check import Check, problem, tried
from ledger_tool.commands.doctor_files import look_at_files
from ledger_tool.commands.doctor_owners import look_at_trust
from ledger_tool.commands.doctor_tools import ConfiguredCredential, DoctorTools, LedgerPlace
from ledger_tool.core.ledger.names import Timestamp, counted, shown
from ledger_tool.core.policy.policy import Registry, parse_registry
from ledger_tool.core.policy.resolve import addressed
from ledger_tool.core.writes.ci import source_ref, system_of, temporary_merge, told_run
from ledger_tool.core.writes.clock import TOLERANCE
from ledger_tool.errors import Denied, LedgerError, TryAgain, UsageError

_CLOSE = 60  # seconds, between two clocks that agree
_NOT_TRIED = "not tried, since the remote was not reached so far"


def doctor(tools: DoctorTools) -> Iterator[Check]:
    """Yield the result of every check, in the order in which one is the reason for the next."""
    registries: list[Registry] | None = None
    made_at: Timestamp | None = None
    yield tried("git", tools.git_version)
    ssh = tried("ssh", tools.ssh_version)
    is_ssh_said = False
    try:
        with tools.open_place() as place:
            yield ssh if place.scheme == "ssh" or ssh.state == "ok" else Check("ssh", "note", ssh.says)
            is_ssh_said = True
            is_reached = place.scheme != "ssh" or ssh.state == "ok"
            if not is_reached:
                yield Check("remote", "note", "not tried, since it is reached by ssh")
            for check in _remote(place) if is_reached else ():
                is_reached = is_reached and check.state != "problem"
                yield check
            found = look_at_files(place, tools, is_reached=is_reached)
            yield from found.checks
            if found.policy:
                yield from look_at_trust(
                    place, tools, found.policy, is_at_remote=bool(place.scheme) and found.is_at_remote
                )
            registries = found.registries
            if is_reached:
                made_at = place.committed_at()
                if place.scheme and found.is_at_remote:
                    yield tried("writing", place.check_writing)
            if place.scheme in ("ssh", "http", "https"):
                yield from _forge(place, tools)
    except LedgerError as error:
        if not is_ssh_said:
            yield ssh if ssh.state == "ok" else Check("ssh", "note", ssh.says)
        yield problem("ledger", error)
    witnesses: dict[str, float] = {}
    if registries is None:
        yield Check("registry", "note", "not tried, since ledger.yaml is not known; `ledger doctor HOST` tries one")
    yield from _registries(registries or (), tools, witnesses)
    yield _ci(tools)
    yield _clock(witnesses, made_at, tools.now())


def doctor_of_registry(tools: DoctorTools, typed: str) -> Iterator[Check]:
    """Yield the result of the checks of one registry, as typed: the host or the name in `ledger.yaml`, or an address.

    Raises InvalidValue for what is neither.
    """
    registry, is_typed = parse_registry(typed, "host"), True
    try:
        with tools.open_place() as place:
            raw = (place.folder_files() or place.files())[1]
        configured = addressed(tools.read_policy(raw).registries, typed)
        registry, is_typed = (configured[0], False) if configured else (registry, True)
    except LedgerError as error:
        if tools.is_ledger_named and "://" not in typed:
            says = f"{shown(typed)} is asked by https, since ledger.yaml is not known: {error.message}"
            yield Check("ledger.yaml", "note", says)
    witnesses: dict[str, float] = {}
    yield from _registries([registry], tools, witnesses, is_typed=is_typed)
    clock = _clock(witnesses, None, tools.now())
    if clock.state == "problem":
        yield clock


def gravest(checks: Iterable[Check]) -> int:
    """Return the exit code of checks: of several problems, one that running it again does not solve; the highest."""
    codes = {check.code for check in checks}
    return max(codes - {TryAgain.exit_code}, default=0) or max(codes, default=0)


def _remote(place: LedgerPlace) -> Iterator[Check]:
    """Yield how far the remote was reached."""
    if not place.scheme:
        without = "has no remote: what is committed there stays there"
        if not place.is_repository:
            without = "is no git repository, and no ledger's URL is given: set LEDGER_REPO, or pass `--repo`"
        yield Check("remote", "note", f"{place.shown} {without}")
        return
    stages = ["remote", *(["host key"] if place.scheme == "ssh" else []), *(["login"] if place.login else [])]
    says: dict[str, Callable[[], str]] = {
        "remote": lambda: f"{place.shown} answers",
        "host key": lambda: "it is the known one",
        "login": place.check_login,
    }
    failure = place.reach()
    failed = failure[0] if failure else ""
    if failed == "repository":
        says["login"] = lambda: f"{place.login}: let in by the host"
        failed, is_let_in = "remote", True
    else:
        is_let_in = False
    for number, stage in enumerate(stages):
        if failure and stage == failed:
            yield problem(stage, failure[1])
        elif failed in stages[:number] and not is_let_in:
            yield Check(stage, "note", _NOT_TRIED)
        else:
            yield tried(stage, says[stage])


def _forge(place: LedgerPlace, tools: DoctorTools) -> Iterator[Check]:
    """Yield what the forge says about the token for pull requests, and about rules for the branch."""
    try:
        says, rules = tools.look_at_forge(place.url, place.branch)
    except LedgerError as error:
        yield problem("forge", error)
        return
    yield Check("forge", "note" if rules is None else "ok", says)
    if rules:
        named = f"`{shown(place.branch)}` has rules for pushes ({shown(', '.join(rules))})"
        yield Check("protection", "note", f"{named}: let the key or token bypass them, or use `--pull-request`")
    elif rules is not None:
        yield Check("protection", "ok", f"the forge shows this token no rule for pushes to `{shown(place.branch)}`")


def _registries(
    registries: Iterable[Registry], tools: DoctorTools, witnesses: dict[str, float], *, is_typed: bool = False
) -> Iterator[Check]:
    """Yield whether each registry answers, and which credential it gets; `witnesses` get what they say of the time."""
    asked: set[tuple[str, bool]] = set()
    for registry in registries:
        if (registry.host.lower(), registry.plain_http) in asked:
            continue
        asked.add((registry.host.lower(), registry.plain_http))
        try:
            client = tools.client(registry, is_typed)
            credential, is_accepted, refusal = client.check_login()
        except LedgerError as error:
            yield problem("registry", error)
            continue
        if client.clock_ahead is not None:
            witnesses[registry.host] = client.clock_ahead
        who = f"{registry.host}{' by plain HTTP' if client.plain_http else ''}: {_who(credential)}"
        if refusal:
            hint = "log in with `docker login`, or set LEDGER_REGISTRY_USERNAME and LEDGER_REGISTRY_PASSWORD"
            yield Check("registry", "problem", f"{who}: refused, {refusal}", hint, Denied.exit_code)
        elif is_accepted:
            yield Check("registry", "ok", f"{who}: works")
        elif credential is None:
            yield Check("registry", "ok", f"{who}: let in without a login")
        else:
            yield Check("registry", "ok", f"{who}: not checked, since the registry lets everybody in")


def _who(credential: ConfiguredCredential | None) -> str:
    if credential is None:
        return "anonymous: no credential is configured"
    user = credential.username
    return f"{f'user {shown(user)}' if user else 'an identity token'}, from {credential.source}"


def _ci(tools: DoctorTools) -> Check:
    """Return what the environment says about the job that this is."""
    try:
        told = told_run(tools.environment, tools.is_secret)
    except LedgerError as error:
        return problem("ci", error)
    system, run = system_of(tools.environment), str(told.claim)
    if system is None:
        says = "no CI system is recognized: `publish` needs `--source`"
        return Check("ci", "note", f"{says}; {f'the run is {run}' if run else 'set LEDGER_RUN and LEDGER_ACTOR'}")
    parts = [f"the run is {run}" if run else "it names no run", *told.left_out]
    try:
        built = f"{system.name}: built from {source_ref(tools.environment)}"
    except UsageError as error:  # which names the system
        return Check("ci", "note", "; ".join([error.message, *parts, error.hint]))
    merge = temporary_merge(tools.environment)
    return Check("ci", "note" if merge else "ok", "; ".join(filter(None, [built, merge, *parts])))


def _clock(witnesses: Mapping[str, float], made_at: Timestamp | None, now: Timestamp) -> Check:
    """Return whether this machine's clock is right, by the registries' and by the ledger's last commit.

    Where one registry agrees with it, it is the others that are wrong. The commit may have been made here, so it
    shows only that an earlier time is wrong.
    """
    hint = "set this machine's clock"
    off = {host: seconds for host, seconds in witnesses.items() if abs(timedelta(seconds=seconds)) > TOLERANCE}
    agreeing = [host for host in witnesses if host not in off]
    if off and not agreeing:
        host, seconds = next(iter(off.items()))
        says = f"{_length(seconds)} {'ahead of' if seconds > 0 else 'behind'} that of {host}"
        return Check("clock", "problem", says, f"{hint}, if it is the wrong one", TryAgain.exit_code)
    if made_at and datetime.fromisoformat(made_at) - datetime.fromisoformat(now) > TOLERANCE:
        says = f"the ledger's last commit is dated {made_at}, and here it is {now}"
        return Check("clock", "problem", says, f"{hint}, or that of whoever made the commit", TryAgain.exit_code)
    if off:
        host, seconds = next(iter(off.items()))
        says = f"agrees with that of {agreeing[0]}; that of {host} is {_length(seconds)} off"
        return Check("clock", "note", says)
    if witnesses:
        host, seconds = max(witnesses.items(), key=lambda pair: abs(pair[1]))
        agrees = "agrees with" if abs(seconds) < _CLOSE else f"{_length(seconds)} off"
        return Check("clock", "ok", f"{agrees} that of {host}")
    if made_at:
        return Check("clock", "note", f"no registry said its time; the ledger's last commit, of {made_at}, is no later")
    return Check("clock", "note", "not compared: no registry said its time")


def _length(seconds: float) -> str:
    """Return a length of time in the largest unit of which there are at least three."""
    units = (("year", 365.25 * 86400), ("day", 86400.0), ("hour", 3600.0), ("minute", 60.0))
    for unit, size in units:
        if abs(seconds) >= 3 * size:
            return counted(round(abs(seconds) / size), unit)
    return counted(round(abs(seconds)), "second")
