"""What commands share that report on the live world: which findings fail a run, and metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from ledger_tool.cli.options import option

FailOn = Annotated[str, option("--fail-on", "CLASS,…", "The classes that exit 1; or drift, housekeeping, none.")]
Metrics = Annotated[str, option("--metrics", "FILE", "Also write a Prometheus textfile.")]


def write_metrics(path: str, command: str, text: Callable[[float | None], str]) -> None:
    """Write a textfile; `text` gets the time of the last complete run that the file before told, or None."""
    from ledger_tool.edges.files.disk import path_of, replace_atomically
    from ledger_tool.render.metrics import last_complete

    file = path_of(path, "the metrics")
    before = file.read_text("utf-8", "replace") if file.is_file() else ""
    replace_atomically(file, text(last_complete(before, command)).encode())
