"""Where links lead: to pages of the site, and to pages elsewhere if their address is one of the web."""

from __future__ import annotations

import re

from ledger_tool.core.ledger.names import SourceRef
from ledger_tool.core.ledger.record import Name
from ledger_tool.core.ledger.sourceref import commit_page, split, web_url
from ledger_tool.core.site.facts import SiteFacts
from ledger_tool.core.site.paths import digest_data, image_page

TAGS_PER_PAGE = 50  # of an image; the script of the site knows it too

# RFC 3986's characters, without a login in front of the host: a reader would take that for the host.
_WEB = re.compile(r"https?://[A-Za-z0-9._~:\[\]-]+(?:[/?#][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?")


def web_link(address: str) -> str:
    """Return an address that a page may link to, which is http or https, or `""`: every link to elsewhere asks here."""
    return address if _WEB.fullmatch(address) else ""


def source_link(source_ref: str) -> str:
    """Return the page of a sourceRef's commit, or of its repository, or `""`."""
    source = SourceRef(source_ref)
    return web_link(commit_page(source) or web_url(split(source)[0]))


class Places:
    """Where on a site its images and their tags are."""

    def __init__(self, facts: SiteFacts) -> None:
        self._environments = frozenset(facts.environments)
        self._numbers = {
            image.image: {each.name.tag: at // TAGS_PER_PAGE + 1 for at, each in enumerate(image.tags)}
            for image in (*facts.images, *facts.gone)
        }

    def image(self, image: str) -> str:
        """Return the path of an image's page, or `""` if there is none."""
        return image_page(image) if image in self._numbers else ""

    def tag(self, image: str, tag: str) -> str:
        """Return the path of the page and the place in it that shows a tag, or else its image's, or `""`."""
        numbers = self._numbers.get(image)
        if numbers is None:
            return ""
        if number := numbers.get(tag):
            return f"{image_page(image, number)}#{tag}"
        return image_page(image) + (f"#{environment_id(tag)}" if tag in self._environments else "")

    def data(self, digest: str) -> str:
        """Return the path of all that the site has of a digest."""
        return digest_data(digest)

    def name(self, name: Name) -> str:
        """Return the place of an image:tag, as `tag` does."""
        return self.tag(*name)


def environment_id(environment: str) -> str:
    """Return the id of what an environment has, in an image's page: no tag has a `~`."""
    return f"~env-{environment}"
