"""What commands share that look at the live world: what runs, which findings fail a run, and metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Protocol

from ledger_tool.cli.options import option

if TYPE_CHECKING:
    from ledger_tool.core.running.container import RunningContainer
    from ledger_tool.render.screen import Screen

FailOn = Annotated[str, option("--fail-on", "CLASS,…", "The classes that exit 1; or drift, housekeeping, none.")]
Running = Annotated[
    list[str],
    option(
        "--running",
        "FILE",
        "Keep what runs according to this file, which is read as by `ledger running`; may be repeated.",
    ),
]
Metrics = Annotated[str, option("--metrics", "FILE", "Also write a Prometheus textfile.")]


class LiveReport(Protocol):
    """What was found of the live world; it is `complete` if everything could be observed."""

    @property
    def complete(self) -> bool:
        """Whether everything could be observed."""

    def fails(self, fail_on: Sequence[str]) -> bool:
        """Return whether anything is of these classes or kinds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportForms:
    """A report as each format shows it; `metrics` gets the time of the last complete run, or None."""

    json: Callable[[], str]
    markdown: Callable[[], Iterable[str]]
    junit: Callable[[], Iterable[str]]
    text: Callable[[], Iterable[str]]
    metrics: Callable[[float | None], str]


def conclude(
    screen: Screen,
    report: LiveReport,
    show: ReportForms,
    *,
    output: str,
    metrics: str,
    command: str,
    fail_on: Sequence[str],
) -> int:
    """Print a report, write its metrics to a file unless that is `""`, and return the exit code."""
    from ledger_tool.errors import TryAgain

    screen.show(output, json=show.json, markdown=show.markdown, junit=show.junit, text=show.text)
    if metrics:
        write_metrics(metrics, command, show.metrics)
    return 1 if report.fails(fail_on) else 0 if report.complete else TryAgain.exit_code


def write_metrics(path: str, command: str, text: Callable[[float | None], str]) -> None:
    """Write a textfile; `text` gets the time of the last complete run that the file before told, or None."""
    from ledger_tool.edges.files.disk import path_of, write_named
    from ledger_tool.render.metrics import last_complete

    file = path_of(path, "the metrics")
    before = file.read_text("utf-8", "replace") if file.is_file() else ""
    write_named(file, text(last_complete(before, command)).encode())


def what_runs(files: list[str]) -> list[RunningContainer]:
    """Return the containers in these files, each `[CLUSTER=]FILE`. Raises UsageError for one that cannot be read."""
    from ledger_tool.core.running.input import MAX_RUNNING_BYTES, parse_running, split_cluster
    from ledger_tool.edges.files.disk import path_of, read_bytes

    containers: list[RunningContainer] = []
    for text in files:
        cluster, path = split_cluster(text)
        what = "standard input" if path == "-" else path
        raw = read_bytes(path_of(path, "what runs") if path != "-" else path, MAX_RUNNING_BYTES, "the file")
        containers += parse_running(raw, what, cluster)
    return containers
