"""The docs, as tests read them; `python -m tests.support.stage.docs` (`make docs`) rewrites what they show.

A fenced block of language `console` is a transcript: a line that starts with `$ ` is a command, lines with `> `
continue it, the rest is what it printed, on stdout and stderr together. All the blocks of one file run in one
shell, in order, on a `Stage`; `echo $?` shows the exit code of the command before it.

Commit ids, transaction ids and times differ from run to run. They are compared by their order of appearance
in the file: where the text shows the same commit twice, a run must do so too.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support import ROOT
from tests.support.stage.stage import Stage

# These start where their reader does: with nothing.
EMPTY = {"README.md"}

_fence = re.compile(r"^(`{3,})(\w*)[^\n]*\n(.*?)^\1`*$", re.MULTILINE | re.DOTALL)
_volatile = re.compile(
    r"(?P<commit>(?<![0-9a-f:@])[0-9a-f]{40}(?![0-9a-f])|(?<=\bin )[0-9a-f]{12}\b|(?<=\bas )[0-9a-f]{12}\b"
    r"|(?<=\bcommit )[0-9a-f]{12}\b|^[0-9a-f]{12}(?= ))"
    r"|(?P<id>(?<=Transaction-Id: )[0-9a-f]{16})"
    r"|(?P<time>[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}Z)?|(?<=_seconds )[0-9]{10}\b"
    r"|(?<= \()[0-9]+[mhd](?=\)))",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and where the text stands in the file."""

    language: str
    text: str
    start: int


@dataclass(frozen=True)
class Example:
    """One command of a transcript and what the docs say that it prints."""

    command: str
    output: str


def papers() -> list[Path]:
    """Return every Markdown file of the project."""
    return sorted(
        [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "sample-ledger").glob("*.md")],
    )


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a Markdown text."""
    return [Block(found[2], found[3], found.start(3)) for found in _fence.finditer(text)]


def prose(text: str) -> str:
    """Return a Markdown text without its fenced blocks."""
    return _fence.sub("", text)


def examples(text: str) -> list[Example]:
    """Return the commands of all `console` blocks of a Markdown text."""
    return [example for block in blocks(text) if block.language == "console" for example in _transcript(block.text)]


def _transcript(text: str) -> Iterator[Example]:
    command: list[str] = []
    output: list[str] = []
    for line in text.split("\n"):
        if line.startswith("$ "):
            if command:
                yield Example("\n".join(command), _tidy("\n".join(output)))
            command, output = [line[2:]], []
        elif line.startswith("> ") and not output:
            command.append(line[2:])
        else:
            output.append(line)
    yield Example("\n".join(command), _tidy("\n".join(output)))


def _tidy(output: str) -> str:
    return "\n".join(line.rstrip() for line in output.split("\n")).strip("\n")


def comparable(transcript: list[Example]) -> list[str]:
    """Return a transcript in a form in which two runs of it are equal."""
    seen: dict[tuple[str, str], str] = {}

    def numbered(found: re.Match[str]) -> str:
        kind = str(found.lastgroup)
        if kind == "time":
            return "<time>"
        return seen.setdefault((kind, found[0][:12]), f"<{kind} {len(seen) + 1}>")

    return [_volatile.sub(numbered, f"$ {example.command}\n{example.output}") for example in transcript]


def played(path: Path, folder: Path) -> list[Example]:
    """Return the transcript of a file as it really goes, on a stage in `folder`."""
    shown = examples(path.read_text("utf-8"))
    is_first = path.name in EMPTY and path.parent == ROOT
    with Stage.set_up(folder, empty=is_first, forking=not is_first) as stage:
        outputs = stage.run([example.command for example in shown])
    return [Example(example.command, _tidy(output)) for example, output in zip(shown, outputs, strict=True)]


def rewritten(text: str, transcript: list[Example]) -> str:
    """Return a Markdown text with the outputs of its `console` blocks replaced by those of `transcript`."""
    outputs = iter(transcript)

    def filled(found: re.Match[str]) -> str:
        if found[2] != "console":
            return found[0]
        lines: list[str] = []
        for _ in _transcript(found[3]):
            example = next(outputs)
            lines.append("$ " + example.command.replace("\n", "\n> "))
            if example.output:
                lines.append(example.output)
        text = "\n".join(lines)
        return f"{found[1]}{found[2]}\n{text}\n{found[1]}"

    return _fence.sub(filled, text)


def main() -> None:
    """Rewrite every file whose shown output is not what a run gives; leave the others as they are."""
    for path in papers():
        text = path.read_text("utf-8")
        if not (shown := examples(text)):
            continue
        with tempfile.TemporaryDirectory() as folder:
            real = played(path, Path(folder) / "stage")
        if broken := next((one for one in real if "error: this is a bug in ledger" in one.output), None):
            raise SystemExit(f"error: {path.relative_to(ROOT)} would show a bug\n$ {broken.command}\n{broken.output}")
        if comparable(shown) != comparable(real):
            path.write_text(rewritten(text, real), "utf-8")
            sys.stdout.write(f"rewrote {path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
