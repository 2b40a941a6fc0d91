"""The pictures of docs/site.md: pages of the sample ledger, as a browser shows them. `make docs` takes them.

A picture is only replaced by one that looks different, since git keeps all of them: another version of the browser
draws letters a little differently. So both are compared at an eighth of their size, where letters are grey.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

from ledger_tool.cli.main import main as ledger
from tests.support import ROOT
from tests.support.browser.browser import Browser, View, open_browser
from tests.support.git.sample import REPORT_AT, sample

FOLDER = ROOT / "docs/pictures"
MOST_BYTES = 100_000
_NOW = int((datetime.fromisoformat(REPORT_AT) + timedelta(hours=3)).timestamp() * 1000)
_DESK, _PHONE = View(1000, 680, now=_NOW), View(360, 640, now=_NOW)
_DARK = View(360, 640, "dark", now=_NOW)
PICTURES = {
    "start": ("index.html", _DESK),
    "image": ("images/dotnet/aspnet.html", _DESK),
    "environments": ("environments.html", _PHONE),
    "drift": ("drift.html", _DARK),
    "search": ("index.html#q=sdk", _PHONE),
    "digest": ("digest.html#86b9a65bc2b8", _DARK),
}
# In pictures that look the same: how many of a hundred points may differ, and by how much, of 255, a point's colour.
_POINTS, _BY = 2, 20
_COMPARED = """
const [one, other, by, done] = arguments;
const points = async png => {
  const image = new Image();
  image.src = 'data:image/png;base64,' + png;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width >> 3, image.height >> 3);
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
};
Promise.all([points(one), points(other)]).then(([a, b]) => {
  if (a.width !== b.width || a.height !== b.height) return done(100);
  let differing = 0;
  for (let at = 0; at < a.data.length; at += 4) {
    const isOther = [0, 1, 2].some(each => Math.abs(a.data[at + each] - b.data[at + each]) > by);
    differing += isOther ? 1 : 0;
  }
  done(100 * differing / (a.width * a.height));
}, error => done(100));
"""


def taken(browser: Browser, site: Path) -> dict[str, bytes]:
    """Return the pictures of a site of the sample ledger, as PNG, by their names."""
    pictures = {}
    for name, (page, view) in PICTURES.items():
        browser.open(f"{site.as_uri()}/{page}", view)
        if "#" in page:
            browser.wait("document.querySelector('#\\\\~results li, #\\\\~answer article')")
        pictures[name] = browser.picture()
    return pictures


def look_alike(browser: Browser, one: bytes, other: bytes) -> bool:
    """Return whether a person would take two pictures for the same."""
    browser.open("about:blank")
    texts = [base64.b64encode(picture).decode() for picture in (one, other)]
    return float(browser.driver.execute_async_script(_COMPARED, *texts, _BY)) <= _POINTS


def main() -> None:
    """Replace the pictures that look different now."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, open_browser(Path(folder) / "browser") as browser:
        made, site = sample(Path(folder) / "sample"), Path(folder) / "site"
        reports = ["--reconcile", str(made.drift), "--running", str(made.running)]
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()) as said:
            code = ledger(["site", str(site), "--repo", str(made.repository), *reports])
        if code:
            raise SystemExit(said.getvalue())
        for name, picture in taken(browser, site).items():
            path = FOLDER / f"{name}.png"
            if len(picture) > MOST_BYTES:
                raise SystemExit(f"error: the picture {name} has {len(picture)} bytes: show less of the page")
            if not path.exists() or not look_alike(browser, path.read_bytes(), picture):
                path.write_bytes(picture)
                sys.stdout.write(f"took {path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
