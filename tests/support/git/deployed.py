"""A ledger with two versions, and a git repository with manifests that name the older one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.support.git.copied import copied
from tests.support.git.upstream import git
from tests.support.values.make import digest, ledger_bytes, record, source

IMAGE = "registry.example.com/myorg/app"
OLD, NEW = digest("old"), digest("new")
SETTINGS = 'registries:\n  - host: registry.example.com\n    images: ["myorg/*"]\n'
POD = f"kind: Pod\nspec:\n  containers:\n    - image: {IMAGE}:v1.0.0\n      name: app\n"


def moved(text: str) -> str:
    """Return a manifest's text after the bump."""
    return text.replace(f"{IMAGE}:v1.0.0", f"{IMAGE}:v1.1.0@{NEW}")


@dataclass(frozen=True)
class Deployed:
    """Two folders: the ledger's, and that of a repository with `pods/a.yaml` and `pods/b.yaml` in its one commit."""

    ledger: Path
    folder: Path

    @classmethod
    def create(cls, root: Path) -> Deployed:
        """Make them."""
        made = cls(root / "deployed-ledger", root / "deployed")
        made.ledger.mkdir()
        url = "https://gitlab.example.com/team/app"
        records = (
            record("myorg/app", "v1.0.0", digest=OLD, sourceRef=source("old").replace("https://git", "https://gitlab")),
            record("myorg/app", "v1.1.0", digest=NEW, sourceRef=source("new").replace("https://git", "https://gitlab")),
        )
        assert all(one.source_ref.startswith(url) for one in records)
        (made.ledger / "ledger.json").write_bytes(ledger_bytes(*records))
        (made.ledger / "ledger.yaml").write_text(SETTINGS)
        copied("deployed", made.folder, made._start)
        made.git("update-index", "--refresh")  # the files of a copy are others
        return made

    def _start(self) -> None:
        git("init", "--quiet", "--initial-branch=main", self.folder)
        for name in ("a", "b"):
            self.write(f"pods/{name}.yaml", POD)
        self.write("README.md", "# Ours\n")
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", "start")

    def write(self, name: str, text: str) -> None:
        """Write a file of the work tree, byte for byte."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())

    def read(self, name: str) -> str:
        """Return the text of a file of the work tree."""
        return (self.folder / name).read_bytes().decode()

    def git(self, *arguments: object, check: bool = True) -> str:
        """Run git in the repository."""
        return git("-C", self.folder, *arguments, check=check)

    def at(self, revision: str, name: str) -> str:
        """Return the text of a file at a revision; `""` means the index."""
        return self.git("show", f"{revision}:{name}") + "\n"
