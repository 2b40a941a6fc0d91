"""What somebody may have meant by a word that is not known: images and tags of the ledger, commands, options.

A suggestion is never acted on. A tag with other numbers is another version, and is not suggested: what looks like a
typo there may be what was meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from ledger_tool.core.ledger.version import rank

MOST = 3
_CUTOFF = 0.7  # of difflib: two letters of a short word may have changed places
_LONGEST = 200  # characters of a word; the comparison is quadratic


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """Return the known words that are spelled most alike, the likeliest first.

    One with the very same letters in another order leaves no doubt: `lsit` is `list`, and not `site`.
    """
    word = word[:_LONGEST]
    alike = sorted({one for one in known if abs(len(one) - len(word)) <= len(word) // 2 + 1})
    near = get_close_matches(word, alike, MOST, _CUTOFF)
    return [one for one in near if sorted(one) == sorted(word)] or near


def did_you_mean(words: Sequence[str]) -> str:
    """Return the question after one to three words."""
    quoted = [f"`{word}`" for word in words]
    return f"did you mean {' or '.join(filter(None, (', '.join(quoted[:-1]), quoted[-1])))}?"


def near_names(known: Iterable[tuple[str, str]], image: str, tag: str = "") -> list[str]:
    """Return what an unknown image, or image:tag, may mean among these: some names, the likeliest first.

    A near image that lacks the tag counts with its near tags.
    """
    tags: dict[str, set[str]] = {}
    for known_image, known_tag in known:
        tags.setdefault(known_image, set()).add(known_tag)
    images = [image] if image in tags else _near_images(image, tags)
    if not tag:
        return images[:MOST]
    exact = [f"{one}:{tag}" for one in images if tag in tags[one]]
    return (exact or [f"{one}:{near}" for one in images for near in near_tags(tag, tags[one])])[:MOST]


def near_tags(tag: str, known: Iterable[str]) -> list[str]:
    """Return the tags that another one may mean: in another form, in full, or without a typo."""
    tags = sorted(known, key=rank, reverse=True)
    form = _form(tag)
    same = [one for one in tags if _form(one) == form]
    longer = [one for one in tags if re.match(rf"{re.escape(form)}[.+-]", _form(one))]
    shorter = [one for one in tags if re.fullmatch(rf"{re.escape(_form(one))}(?:\.0)+", form)]
    typos = [one for one in nearest(tag, tags) if _numbers(one) == _numbers(tag)]
    return [one for one in dict.fromkeys(same + shorter + longer + typos) if one != tag][:MOST]


def _near_images(image: str, known: Mapping[str, object]) -> list[str]:
    ends = [one for one in known if one.endswith(f"/{image}") or image.endswith(f"/{one}")]
    last = image.rpartition("/")[2]
    moved = [one for one in known if "/" in image and one.rpartition("/")[2] == last]
    joined = [one for one in known if re.sub("[/_.-]+", "-", one) == re.sub("[/_.-]+", "-", image)]
    alike = nearest(image, known)
    if not (ends or joined or alike) and "/" not in image:
        lasts = {one.rpartition("/")[2] for one in known}
        alike = [one for near in nearest(image, lasts) for one in known if one.rpartition("/")[2] == near]
    return list(dict.fromkeys(sorted(ends) + sorted(joined) + alike + sorted(moved)))[:MOST]


def _form(tag: str) -> str:
    """Return a tag in the form for comparison: without a `v` in front of its numbers, in lower case."""
    return re.sub(r"^v(?=\d)", "", tag.lower())


def _numbers(tag: str) -> list[str]:
    return re.findall(r"\d+", tag)
