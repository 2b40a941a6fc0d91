"""`ledger doctor`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from ledger_tool.cli import options as o
from ledger_tool.cli.options import argument, formats
from ledger_tool.cli.reading import Reading, reads
from ledger_tool.core.ledger.names import LEDGER

if TYPE_CHECKING:
    from ledger_tool.commands.doctor_check import Check
    from ledger_tool.commands.doctor_tools import DoctorTools
    from ledger_tool.edges.registry.opening import OpenRegistries


@reads
def doctor(
    host: Annotated[
        str,
        argument("HOST", "Only this registry: its host or name in ledger.yaml, or with `http://` or `https://`."),
    ] = "",
    ca_file: o.CaFile = "",
    output: Annotated[str, formats("text", "json")] = "text",
    *,
    ledger: Reading,
) -> int:
    """Check that everything is in place: git, ssh, the remote and the right to write, settings, registries, CI, clock.

    One line each: ok, a note about what is missing or cannot be seen, or a problem and what to do. Nothing is changed,
    and no secret is printed. The exit code is that of the gravest problem: 0 if there is none, 5 if a retry may help.
    """
    from ledger_tool.commands.doctor import doctor as run
    from ledger_tool.commands.doctor import doctor_of_registry, gravest
    from ledger_tool.edges.forge.opening import secrets
    from ledger_tool.edges.registry.opening import OpenRegistries
    from ledger_tool.render import doctor as render

    screen = ledger.screen.hiding(secrets(os.environ))
    checks: list[Check] = []

    def made(found: Iterator[Check]) -> Iterator[Check]:
        for check in found:
            checks.append(check)
            yield check

    with OpenRegistries(jobs=1, ca_file=ca_file, deadline=ledger.host_deadline) as registries:
        tools = _tools(ledger, registries)
        found = made(doctor_of_registry(tools, host) if host else run(tools))
        view = screen.view()
        screen.show(
            output,
            json=lambda: screen.masked(render.as_json(list(found))),
            text=lambda: map(screen.masked, render.as_lines(found, view)),
        )
    if not host:
        screen.note(render.summary(checks))
    return gravest(checks)


def _tools(ledger: Reading, registries: OpenRegistries) -> DoctorTools:
    from ledger_tool.commands.doctor_tools import DoctorTools
    from ledger_tool.edges.files.ledger import read_ledger, read_policy
    from ledger_tool.edges.forge.checkup import look_at_forge
    from ledger_tool.edges.git.checkup import open_place
    from ledger_tool.edges.git.programs import git_version, ssh_version
    from ledger_tool.edges.provenance.library import signature_libraries

    return DoctorTools(
        git_version=git_version,
        ssh_version=ssh_version,
        open_place=lambda: open_place(ledger.repo, ledger.session_options, ledger.screen),
        is_ledger_named=ledger.repo != "." or Path(LEDGER).exists(),
        read_ledger=read_ledger,
        read_policy=read_policy,
        client=lambda registry, is_typed: registries.client(registry, is_typed=is_typed),
        signature_libraries=signature_libraries,
        look_at_forge=lambda remote, branch: look_at_forge(remote, branch, os.environ, ledger.host_deadline),
        environment=os.environ,
        is_secret=ledger.is_secret,
        now=o.now,
    )
