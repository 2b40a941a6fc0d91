"""The branches that a fake forge knows."""

from __future__ import annotations

from tests.support.git.upstream import Upstream


class BranchesOf(set[str]):
    """The branches of a real repository, for the forge to know."""

    def __init__(self, origin: Upstream) -> None:
        super().__init__()
        self._origin = origin

    def __contains__(self, name: object) -> bool:
        return bool(self._origin.git("rev-parse", "--quiet", "--verify", f"refs/heads/{name}", check=False))
