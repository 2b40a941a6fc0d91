"""Files that a person named are written where they are, whatever they are."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from threading import Thread

from ledger_tool.edges.files.disk import write_named


def test_what_is_not_a_regular_file_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_named(pipe, b"metrics\n")
    reader.join(10)
    assert read == [b"metrics\n"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_link_stays_and_what_it_names_is_written(tmp_path: Path) -> None:
    file, link = tmp_path / "shared" / "ledger.prom", tmp_path / "ledger.prom"
    file.parent.mkdir()
    link.symlink_to("shared/ledger.prom")
    for content in (b"first\n", b"second\n"):
        write_named(link, content)
        assert link.is_symlink()
        assert file.read_bytes() == content
