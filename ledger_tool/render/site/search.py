"""What the script of a site searches, as scripts: a page that was opened from a disk may load no other files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cache
from itertools import groupby, takewhile

from ledger_tool.core.history.log import LogEntry
from ledger_tool.core.ledger.names import Timestamp, escaped
from ledger_tool.core.site.facts import CellState, DigestPlace, EnvironmentCell, SiteFacts, SiteImage, TagFacts
from ledger_tool.core.site.files import SiteFile
from ledger_tool.core.site.paths import DIGEST_SEARCH, IMAGE_SEARCH, digest_search, image_page
from ledger_tool.render.site.links import TAGS_PER_PAGE, Places, source_link, web_link
from ledger_tool.render.site.shell import commit_link
from ledger_tool.render.site.wording import is_pressing, prose, shown_person, who

_MOST_PLACES = 200  # of a digest: its data have all of them

# One letter each, as `search.js` reads them: what is short is loaded fast.
_CELLS: dict[CellState, str] = {"same": "", "behind": "b", "ahead": "a", "differs": "d", "only": ""}


def files(facts: SiteFacts) -> Iterator[SiteFile]:
    """Yield what is searched: images with their tags; and digests, by their first two digits, after a list of these."""
    yield _script(IMAGE_SEARCH, _images(facts))
    places = Places(facts)
    link = cache(lambda commit: commit_link(facts.ledger_page, commit))
    in_order = sorted(facts.digests, key=lambda digest: (digest_search(digest), digest))
    yield _script(DIGEST_SEARCH, list(dict.fromkeys(map(digest_search, in_order))))
    for path, digests in groupby(in_order, digest_search):
        yield _script(path, {one: _places(facts.digests[one], places, link) for one in digests})


def _script(path: str, value: object) -> SiteFile:
    """Return data as a script. Nothing in it can end the script, or a string of it, in any reading of HTML or of JS."""
    name = path.removeprefix("search/").removesuffix(".js")
    text = json.dumps([name, value], separators=(",", ":")).replace("<", "\\u003c").replace(">", "\\u003e")
    return SiteFile(path, f"ledgerSite.take(...{text});\n".encode())


def _images(facts: SiteFacts) -> object:
    return {
        "tagsPerPage": TAGS_PER_PAGE,
        "environments": list(facts.environments),
        "prefixes": sorted({pair for image in facts.images for pair in _prefixes(image)}),
        "images": [_image(image, facts.environments) for image in facts.images],
    }


def _image(image: SiteImage, environments: Sequence[str]) -> list[str]:
    has = {cell.environment: cell.version + _letters(_cell(cell)) for cell in image.environments}
    states = ("x" if any(map(is_pressing, image.drift)) else "") + ("r" if any(map(is_pressing, image.running)) else "")
    cells = " ".join(has.get(environment, "") for environment in environments) if has else ""
    page = image_page(image.image)
    tags = " ".join(_tag(tag, image) for tag in image.tags)
    times = " ".join(_minute(tag.published_at) for tag in image.tags)
    fields = [image.image, tags, states, cells, times]
    return fields if page == f"images/{image.image}.html" else [*fields, page]


def _cell(cell: EnvironmentCell) -> str:
    return _CELLS[cell.state] + ("u" if cell.remarks else "") + ("" if cell.is_version else "o")


def _tag(tag: TagFacts, image: SiteImage) -> str:
    states = [
        "n" if image.is_newest(tag) else "",
        "y" if tag.yanked else "",
        "z" if tag.is_expired else "e" if tag.expires else "",
        "f" if any(record.forced for record in tag.records) else "",
    ]
    return tag.name.tag + _letters("".join(states))


def _prefixes(image: SiteImage) -> set[tuple[str, str]]:
    """Return what stands before the name of an image in the references that clients take, and what does in the ledger.

    That is a registry, perhaps with a path, and usually nothing; both end where the two names begin to be the same.
    """
    pairs = set()
    for repository in {pull.partition("@")[0] for tag in image.tags for pull in tag.pulls}:
        theirs, ours = repository.split("/"), image.image.split("/")
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(theirs[:0:-1], ours[::-1], strict=False)))
        if same:
            pairs.add(("/".join([*theirs[:-same], ""]), "/".join([*ours[:-same], ""]) if ours[:-same] else ""))
    return pairs


def _minute(at: Timestamp) -> str:
    """Return a time in minutes since 1970, in base 36: exact enough for its age, and short."""
    number, digits = int(datetime.fromisoformat(at).timestamp()) // 60, ""
    while number > 0:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"


def _letters(letters: str) -> str:
    return f"!{letters}" if letters else ""


def _places(found: Sequence[DigestPlace], places: Places, link: Callable[[str], str]) -> list[object]:
    """Return the first places of a digest and, if there are more, how many."""
    more = len(found) - _MOST_PLACES
    return [*(_place(each, places, link) for each in found[:_MOST_PLACES]), *([more] if more > 0 else [])]


def _place(place: DigestPlace, places: Places, link: Callable[[str], str]) -> list[object]:
    since, until = (_point(entry, link) if entry else None for entry in (place.since, place.until))
    return [
        place.kind, *place.key, place.version, escaped(place.source_ref), source_link(place.source_ref),
        prose(place.yanked), since, until, places.tag(place.key.image, place.key.tag),
    ]  # fmt: skip


def _point(entry: LogEntry, link: Callable[[str], str]) -> list[str]:
    run = web_link(entry.run.url)
    return [
        entry.at, shown_person(who(entry)), escaped(entry.action), entry.commit, link(entry.commit), run,
        prose(entry.reason),
    ]  # fmt: skip
