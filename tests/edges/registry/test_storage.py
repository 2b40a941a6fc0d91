"""What a test writes into a registry's storage is what a push by a real client leaves there."""

from __future__ import annotations

from pathlib import Path

from tests.support.registries.registry import Layout, real_registry


def files(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_stored_is_what_skopeo_would_have_pushed(tmp_path: Path) -> None:
    old, new = (Layout.image(tmp_path / name, name) for name in ("old", "new"))
    index = Layout.multi_platform(tmp_path / "index", "index", ("linux/amd64", "linux/arm64/v8"), attest=True)
    with real_registry(tmp_path / "pushed") as pushed, real_registry(tmp_path / "stored") as stored:
        for layout, tag in ((old, "v1"), (new, "v1"), (index, "v2")):
            name = f"team/app:{tag}"
            digest = pushed.push_with_skopeo(layout, name, all_platforms=layout is index)
            assert stored.push(layout, name, all_platforms=layout is index) == digest
            assert stored.served(name) == digest
        assert files(stored.folder) == files(pushed.folder)
        assert stored.pulls("team/app:v2", tmp_path)
