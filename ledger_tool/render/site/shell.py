"""What all pages of a site share: their head, the ways to the other pages, and what they are as of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from ledger_tool.core.ledger.names import Timestamp, shown
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.site import paths
from ledger_tool.core.site.address import commit_page_of
from ledger_tool.core.site.facts import SiteFacts
from ledger_tool.core.site.files import SiteFile
from ledger_tool.render.site.findings import DRIFT, RUNNING, Findings
from ledger_tool.render.site.links import Places, web_link
from ledger_tool.render.site.templating import markup

T = TypeVar("T")
_TITLE_MAX = 120

IMAGES, YANKED, EXPIRING, OUTDATED, CHANGES = (
    "all",
    "yanked",
    "expiring",
    "outdated",
    "changes",
)  # lists, by their paths
MATRIX = "environments"


class SiteWay(NamedTuple):
    """A way to another page, as the head of every page offers it."""

    words: str
    path: str


@dataclass(frozen=True)
class Shell:
    """What is around the content of each page.

    `holders` are the environments that have what an image:tag has. `drift_at` and `running_at` are the times of the
    reports, the oldest of each, or `""`. `around` keeps the markup of what is before and after the content, by root and
    page.
    """

    title: str
    commit: str
    commit_link: str
    ledger_link: str
    at: Timestamp
    ways: Sequence[SiteWay]
    places: Places
    findings: Findings
    holders: Mapping[Name, Sequence[str]]
    ledger_page: str
    drift_at: str = ""
    running_at: str = ""
    around: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, facts: SiteFacts) -> Shell:
        """Return the shell of a site's pages."""
        ways = [SiteWay("Images", paths.list_page(IMAGES))]
        if facts.environments:
            ways.append(SiteWay("Environments", paths.list_page(MATRIX)))
        if facts.drift:
            ways.append(SiteWay("Drift", paths.list_page(DRIFT)))
        if facts.running:
            ways.append(SiteWay("Running", paths.list_page(RUNNING)))
        ways.append(SiteWay("Digest", paths.DIGEST))
        return cls(
            title=shown(facts.title, _TITLE_MAX) or "ledger", commit=facts.commit,
            commit_link=commit_link(facts.ledger_page, facts.commit), ledger_link=web_link(facts.ledger_page),
            at=facts.at, ways=ways, places=Places(facts), findings=Findings(facts), holders=_holders(facts),
            ledger_page=facts.ledger_page,
            drift_at=(facts.drift.at or "") if facts.drift else "",
            running_at=min((report.at for report in facts.running if report.at), default=""),
        )  # fmt: skip

    def page(self, path: str, template: str, root: str = "", **values: Any) -> SiteFile:
        """Return a page; `root` is the way to the root of the site, if it is not the relative one."""
        root = root or paths.root_from(path)
        current = path if path == paths.START or path in (way.path for way in self.ways) else ""
        content = markup(
            template, **self._around(root, current), shell=self, root=root, places=self.places, findings=self.findings,
            **values,
        )  # fmt: skip
        return SiteFile(path, content.encode())

    def _around(self, root: str, current: str) -> dict[str, str]:
        """Return what is before and after the main part of a page: the same for all images with as many folders."""
        if (root, current) not in self.around:
            self.around[root, current] = {
                name: markup(f"{name}.html", shell=self, root=root, current=current) for name in ("top", "foot")
            }
        return self.around[root, current]


def _holders(facts: SiteFacts) -> Mapping[Name, Sequence[str]]:
    holders: dict[Name, list[str]] = {}
    for cell in (cell for image in facts.images for cell in image.environments):
        if cell.held:
            holders.setdefault(cell.held, []).append(cell.environment)
    return holders


def commit_link(ledger_page: str, commit: str) -> str:
    """Return the page of a commit of the ledger at its host, or `""`."""
    return web_link(commit_page_of(ledger_page, commit))


class Pager(NamedTuple):
    """Which of how many pages one is, and where the next to it are, or `""`."""

    number: int
    pages: int
    before: str
    after: str


def pages_of(name: str, items: Sequence[T], size: int) -> Iterator[tuple[str, Sequence[T], Pager]]:
    """Yield path, items and pager of each page of a list; there is one at least."""
    count = max(1, -(-len(items) // size))
    for number in range(1, count + 1):
        pager = pager_of([paths.list_page(name, one) for one in (number - 1, number + 1)], number, count)
        yield paths.list_page(name, number), items[(number - 1) * size : number * size], pager


def pager_of(neighbours: Sequence[str], number: int, count: int) -> Pager:
    """Return the pager of a page, from the paths of the page before it and of that after it."""
    before, after = neighbours
    return Pager(number, count, before if number > 1 else "", after if number < count else "")
