"""A view of a git directory: its objects and refs, and none of its settings, any of which may name a program.

It is for reading what somebody else owns. New objects stay in the view; its refs must not be written.
"""

from __future__ import annotations

from pathlib import Path

from ledger_tool.edges.files.disk import local_errors, read_bytes
from ledger_tool.edges.git.user_settings import Settings, config_file

_SMALL = 64 * 1024


def make_view(git_dir: Path, view: Path, settings: Settings) -> Path:
    """Make the view of a git directory in the new folder `view`, which is returned.

    Of the git directory's own settings, only those in `settings` apply. Source: gitrepository-layout(5).
    """
    pointer = git_dir / "commondir"
    with local_errors(git_dir, "read"):
        common = git_dir / pointer.read_text("utf-8", "replace").strip() if pointer.is_file() else git_dir
        (view / "objects" / "info").mkdir(parents=True)
        objects = str((common / "objects").absolute()).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        (view / "objects" / "info" / "alternates").write_text(f'"{objects}"\n', "utf-8", "surrogateescape")
        for name, owner in (("refs", common), ("packed-refs", common), ("shallow", common), ("index", git_dir)):
            if (owner / name).exists():
                (view / name).symlink_to((owner / name).absolute())
        (view / "HEAD").write_bytes(read_bytes(git_dir / "HEAD", _SMALL, "the file"))
        own = ((one.key, one.value) for one in settings if one.is_local and not one.key.startswith("remote."))
        (view / "config").write_bytes(config_file([*own, ("core.bare", "true")]))
    return view
