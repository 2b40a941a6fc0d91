"""What commands share that look at the live world: what runs, which findings fail a run, and metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from ledger_tool.cli.options import option

if TYPE_CHECKING:
    from ledger_tool.core.running.container import RunningContainer

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


def write_metrics(path: str, command: str, text: Callable[[float | None], str]) -> None:
    """Write a textfile; `text` gets the time of the last complete run that the file before told, or None."""
    from ledger_tool.edges.files.disk import path_of, replace_atomically
    from ledger_tool.render.metrics import last_complete

    file = path_of(path, "the metrics")
    before = file.read_text("utf-8", "replace") if file.is_file() else ""
    replace_atomically(file, text(last_complete(before, command)).encode())


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
