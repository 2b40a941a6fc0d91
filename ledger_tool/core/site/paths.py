"""Where each part of a site stands below its root: relative paths with `/`, each different from all others.

The components of an image's name are lower-case letters, digits and separators between them (OCI distribution-spec,
"Pulling manifests"): none contains `~` or ends with `_`. So a further page of an image is `NAME~2.html`, and a folder
whose name ends like a file gets a `_` behind it: `a` and `a.json/b` may both be images. File systems take 255 bytes for
a component: a name that leaves no room for what follows it is cut, and has the hash of all of it behind a `~`.
"""

from __future__ import annotations

import re
from hashlib import sha256

NO_JEKYLL = ".nojekyll"  # tells GitHub Pages to serve a branch as it is
FEED = "feed.xml"
START = "index.html"
DIGEST = "digest.html"
STATES = "states.html"
MISSING = "404.html"  # what GitHub and GitLab, and others, serve for an address that does not exist
STYLE = "site.css"
SCRIPT = "site.js"
ICON = "icon.svg"
IMAGE_SEARCH = "search/images.js"
DIGEST_SEARCH = "search/digests.js"
LEDGER_DATA = "v1/ledger.json"
FINDINGS_DATA = "v1/findings.json"


def list_page(name: str, number: int = 1) -> str:
    """Return the path of a list's page, such as `drift.html`, or of a further page of it, such as `drift~2.html`."""
    return _file(name, ".html", number)


def image_page(image: str, number: int = 1) -> str:
    """Return the path of an image's page, or of a further page of it, which are numbered from 2."""
    return f"images/{_file(image, '.html', number)}"


def image_data(image: str) -> str:
    """Return the path of an image's data."""
    return f"v1/images/{_file(image, '.json')}"


def renovate_data(image: str) -> str:
    """Return the path of an image's releases, for Renovate."""
    return f"v1/renovate/{_file(image, '.json')}"


def digest_data(digest: str) -> str:
    """Return the path of where a digest comes from, by its first two hex digits."""
    hexadecimal = digest.partition(":")[2]
    return f"v1/digests/{hexadecimal[:2]}/{hexadecimal}.json"


def digest_search(digest: str) -> str:
    """Return the path of what the script of a site knows of digests with the same first two hex digits."""
    return f"search/digests/{digest.partition(':')[2][:2]}.js"


def environment_data(environment: str) -> str:
    """Return the path of what an environment has."""
    return f"v1/environments/{environment}.json"


def root_from(path: str) -> str:
    """Return the way from a page to the root of the site: `""`, or `../` for each folder."""
    return "../" * path.count("/")


def is_path(text: str) -> bool:
    """Return whether text may be the path of a file of a site: it does not lead out of it, and hides nothing."""
    return text == NO_JEKYLL or bool(_path.fullmatch(text))


_COMPONENT = r"[A-Za-z0-9_][A-Za-z0-9._~-]{0,254}"
_path = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_LONGEST = 239  # characters: leaves room for a number of ten digits, and for a suffix


def _file(image: str, suffix: str, number: int = 1) -> str:
    *folders, name = image.split("/")
    folders = [f"{folder}_" if folder.endswith((".html", ".json")) else folder for folder in folders]
    if len(name) > _LONGEST:
        name = f"{name[: _LONGEST - 65]}~{sha256(name.encode()).hexdigest()}"
    return "/".join([*folders, name + (f"~{number}" if number > 1 else "") + suffix])
