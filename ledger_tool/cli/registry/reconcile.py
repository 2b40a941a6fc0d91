"""`ledger verify`, `ledger reconcile` and `ledger auth`."""

from __future__ import annotations

import re
import shutil
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ledger_tool.cli import options as o
from ledger_tool.cli.reading import Reading, reads
from ledger_tool.core.ledger import names
from ledger_tool.core.policy.reference import parse_name
from ledger_tool.errors import Denied, InvalidValue, TryAgain, UsageError

if TYPE_CHECKING:
    from ledger_tool.core.registry.drift import Report

CaFile = Annotated[
    str,
    typer.Option(
        "--ca-file",
        metavar="FILE",
        help="The CA of the registry  [default: REQUESTS_CA_BUNDLE, SSL_CERT_FILE, or a built-in list]",
        show_default=False,
        rich_help_panel="Registry",
    ),
]
Jobs = Annotated[
    str, typer.Option("--jobs", metavar="N", help="How many requests at once.", rich_help_panel="Registry")
]


@reads
def verify(
    image: Annotated[str, typer.Argument(metavar="IMAGE:TAG", help="The image.", show_default=False)],
    digest: Annotated[
        str,
        typer.Option(
            "--digest", metavar="DIGEST", help="Also compare the ledger with this digest.", show_default=False
        ),
    ] = "",
    deep: Annotated[bool, typer.Option("--deep", help="Also look for config, layers and children.")] = False,
    output: Annotated[str, typer.Option("--format", metavar="text|json", help="How to print it.")] = "text",
    ca_file: CaFile = "",
    *,
    of: Reading,
) -> int:
    """Compare the ledger with a given digest, and with what each registry serves now.

    Exit code 0: all agree. 1: something differs. 5: something could not be observed.
    """
    from ledger_tool.commands.verify import verify as run
    from ledger_tool.edges.git.opening import open_for_reading
    from ledger_tool.edges.registry.opening import OpenRegistries
    from ledger_tool.render import verify as render

    o.one_of("--format", output, ("text", "json"))
    reference = parse_name(image)
    given = names.parse_digest(digest) if digest else None
    screen = of.screen
    with open_for_reading(of.repo, of.settings, screen) as source, OpenRegistries(ca_file=ca_file) as registries:
        done = run(source, registries, reference, now=o.now(), digest=given, deep=deep)
    screen.data([render.as_json(done)] if output == "json" else render.as_text(done))
    if not done.checks:
        raise UsageError(
            f"there is nothing to compare {done.name} with", "pass `--digest`, or name its registry in ledger.yaml"
        )
    return 1 if done.refuted else 0 if done.ok else TryAgain.exit_code


@reads
def reconcile(
    pattern: o.Pattern = "*",
    since: o.Since = "",
    deep: Annotated[
        bool, typer.Option("--deep", help="Also look for config, layers and children of every image.")
    ] = False,
    untracked: Annotated[
        bool, typer.Option("--untracked", help="Also list tags that the ledger does not have.")
    ] = False,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Record those tags, in one commit; implies --untracked.")
    ] = False,
    output: Annotated[
        str, typer.Option("--format", metavar="text|json|markdown|junit", help="How to print it.")
    ] = "text",
    metrics: Annotated[
        str, typer.Option("--metrics", metavar="FILE", help="Also write a Prometheus textfile.", show_default=False)
    ] = "",
    jobs: Jobs = "20",
    ca_file: CaFile = "",
    *,
    of: Reading,
) -> int:
    """Compare every record with the live registries; read-only, unless tags are adopted.

    Exit code 0: all in sync. 1: drift. 5: not everything could be observed, and what could be is in sync,
    or a registry looks down.
    """
    from datetime import UTC, datetime

    from ledger_tool.commands.reconcile import reconcile as run
    from ledger_tool.core.ledger.query import Query, parse_when
    from ledger_tool.edges.git.opening import open_for_reading, open_for_writing
    from ledger_tool.edges.registry.opening import OpenRegistries
    from ledger_tool.render import reconcile as render
    from ledger_tool.render.progress import Progress

    o.one_of("--format", output, ("text", "json", "markdown", "junit"))
    threads = o.whole_number("--jobs", jobs, 1, 256)
    query = Query(pattern=pattern, since=parse_when(since, datetime.now(UTC)) if since else None)
    screen = of.screen
    progress = Progress("image:tags")
    with ExitStack() as stack:
        opened = (
            open_for_writing(of.repo, of.settings, screen) if adopt else open_for_reading(of.repo, of.settings, screen)
        )
        source = stack.enter_context(opened)
        registries = stack.enter_context(OpenRegistries(jobs=threads, ca_file=ca_file))
        done = run(
            source,
            registries,
            query,
            now=o.now(),
            jobs=threads,
            deep=deep,
            untracked=untracked or adopt,
            progress=progress.step,
        )
        progress.end()
        report = done.report
        if adopt and not done.interrupted:
            report = _adopt(source, registries, report, threads, screen)
    for warning in render.warnings(report, done.homeless):
        screen.note(warning)
    match output:
        case "json":
            screen.data([render.as_json(report)])
        case "markdown":
            screen.data(render.as_markdown(report))
        case "junit":
            screen.data(render.as_junit(report))
        case _:
            width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
            screen.data(render.as_text(report, width))
    if metrics:
        _write_metrics(Path(metrics), report, of_all=query == Query())
    if done.interrupted:
        raise KeyboardInterrupt
    if report.looks_down:
        return TryAgain.exit_code
    return 1 if report.drifted else 0 if report.complete else TryAgain.exit_code


def _adopt(store: Any, registries: Any, report: Report, jobs: int, screen: Any) -> Report:
    from ledger_tool.commands.adopt import adopt as run
    from ledger_tool.render.write import summary

    done = run(store, registries, report, now=o.now(), jobs=jobs)
    for reason in done.left:
        screen.note(f"note: not adopted: {reason}")
    if done.written:
        screen.note(summary(done.written))
    return done.report


def _write_metrics(path: Path, report: Report, *, of_all: bool) -> None:
    from ledger_tool.edges.files.disk import replace_atomically
    from ledger_tool.render import reconcile as render

    before = path.read_text("utf-8", "replace") if path.is_file() else ""
    text = render.as_metrics(report, time.time(), render.last_complete(before), of_all=of_all)
    replace_atomically(path, text.encode())


def auth(
    host: Annotated[
        str,
        typer.Argument(
            metavar="HOST", help="The registry; `http://` in front of a plain-HTTP one.", show_default=False
        ),
    ],
    ca_file: CaFile = "",
) -> int:
    """Say which credential a registry gets, from where, and whether it works; never the credential itself."""
    from ledger_tool.core.policy.policy import Registry
    from ledger_tool.edges.registry.opening import OpenRegistries
    from ledger_tool.render.screen import Screen

    if not re.fullmatch(names.REGISTRY, host):
        raise InvalidValue(
            "host",
            f"host `{names.shown(host)}` is malformed",
            "write `registry.example.com`, or `http://localhost:5000`",
        )
    registry = Registry(re.sub(r"^https?://", "", host), plain_http=host.startswith("http://"))
    with OpenRegistries(jobs=1, ca_file=ca_file) as registries:
        credential, problem = registries.client(registry).check_login()
    who = "anonymous: no credential is configured"
    if credential:
        user = f"user {names.shown(credential.username)}" if credential.username else "an identity token"
        who = f"{user}, from {credential.source}"
    Screen().data([f"{registry.host}: {who}: {'refused, ' + problem if problem else 'works'}"])
    return Denied.exit_code if problem else 0
