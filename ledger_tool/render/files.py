"""The other files that a range changes, as `check` and `diff` name them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ledger_tool.core.judging.files import ChangedFile
from ledger_tool.core.ledger.names import escaped, shown

MOST_FILES = 20


def files_json(files: Sequence[ChangedFile]) -> list[dict[str, str | None]]:
    """Return the files as JSON."""
    return [{"path": escaped(file.path), "change": file.kind, "note": file.note or None} for file in files]


def file_lines(
    files: Sequence[ChangedFile], clean: Callable[[str], str] = lambda path: path, most: int = MOST_FILES
) -> Iterator[str]:
    """Yield a line for each file, and one for those beyond the first `most`; `clean` wraps a path that is safe."""
    for file in files[:most]:
        yield f"{clean(shown(file.path, 200))} ({', '.join(filter(None, (file.kind, file.note)))})"
    if len(files) > most:
        yield f"{len(files) - most} more"
