"""One browser for each process that runs tests, and the sites that it looks at."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ledger_tool.cli.main import main
from ledger_tool.core.site.files import SiteFile
from ledger_tool.render.site.site import site_files
from tests.support.browser.browser import Browser, open_browser
from tests.support.browser.served import served
from tests.support.git.sample import sample
from tests.support.values.make import digest, record
from tests.support.values.site import digests_of, hostile_facts, image_of, many_facts, site_facts, tag

_failed = pytest.StashKey[bool]()


@dataclass(frozen=True)
class Sites:
    """Sites below one folder: `full` has something of everything, `hostile` bad words in every field, `long` lists that
    go over several pages; `commits` has tags of only hex digits, and `sample` is what the command writes of the sample
    ledger. `address` is where the folder is served.
    """

    folder: Path
    address: str

    def base(self, name: str, scheme: str) -> str:
        """Return where a site is, over `http` or as `file`, with a slash at the end."""
        return f"{self.folder.as_uri() if scheme == 'file' else self.address}/team/{name}/"

    def pages(self, name: str) -> list[str]:
        """Return the paths of all pages of a site."""
        root = self.folder / "team" / name
        return sorted(str(path.relative_to(root)) for path in root.rglob("*.html"))


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    """Return the sites, served."""
    folder = tmp_path_factory.mktemp("sites")
    _write(folder / "team/full", site_files(replace(site_facts(), url="https://a.example/team/full/")))
    _write(folder / "team/hostile", site_files(replace(hostile_facts(), url="")))
    _write(folder / "team/long", site_files(many_facts(2, tags=250)))
    built = [image_of("app", [tag(record("app", commit)) for commit in (digest()[7:47], "e" * 40)])]
    _write(folder / "team/commits", site_files(replace(many_facts(0), images=built, digests=digests_of(built))))
    given = sample(folder / "given")
    reports = ["--reconcile", str(given.drift), "--running", str(given.running)]
    assert main(["site", str(folder / "team/sample"), "--repo", str(given.repository), *reports]) == 0
    with served(folder) as address:
        yield Sites(folder, address)


def _write(folder: Path, files: Iterable[SiteFile]) -> None:
    for path, content in files:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


@pytest.fixture(scope="session")
def _browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("browser") / "profile") as started:
        yield started


@pytest.fixture
def browser(_browser: Browser, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Browser]:
    """Return the browser. A test that fails leaves a picture of what was seen last, and says where."""
    yield _browser
    if request.node.stash.get(_failed, False):
        (tmp_path / "seen.png").write_bytes(_browser.picture())
        request.node.add_report_section("teardown", "picture", str(tmp_path / "seen.png"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep whether a test has failed, for its fixtures."""
    report = yield
    if report.when == "call" and report.failed:
        item.stash[_failed] = True
    return report
