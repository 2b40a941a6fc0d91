"""Tags without a version: what they say in words, and what moves between the words, as in `main-123-4ef5a30`.

What moves are numbers, and commits or longer numbers, of which nobody can tell whether they are dates, builds or
commits. Of numbers, only the first with those right behind it move: in `openjdk-17-jdk-debian-12`, 12 says which
system. The number of `pr-42` is the name of a pull request, and a number inside of a word is a part of it (`php8`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NUMBER, COMMIT = "*", "#"  # what stands for them in a shape; no tag has either
_separator = re.compile(r"([-_]|(?<![0-9])\.)")
_number = re.compile(r"v?[0-9]{1,6}(?:\.[0-9]{1,6})*")
_commit = re.compile(r"(?:sha|g)?(?=[a-f]*[0-9])[0-9a-f]{7,40}|[0-9]{8}T[0-9]{4,6}Z?")
_time = re.compile(r"1[0-9]{9}(?:[0-9]{3})?")  # seconds or milliseconds since 1970; hardly ever a commit, and never two
_named = frozenset(("pr", "mr", "pull", "merge", "issue"))


@dataclass(frozen=True, slots=True)
class Words:
    """A tag with `*` for its numbers and `#` for its commits (`shape`), and the numbers, in the tag's order.

    `times` are those of its longer numbers that may be points in time, each with its place among the parts.
    """

    shape: str
    numbers: tuple[tuple[int, ...], ...]
    times: tuple[tuple[int, int], ...] = ()

    @property
    def moves(self) -> bool:
        """Whether the tag is one of a series; else it is only a name, such as `latest`."""
        return NUMBER in self.shape or COMMIT in self.shape


def parse_words(tag: str) -> Words:
    """Return the words of a tag."""
    shape, numbers, times, before, is_over = [], [], [], "", False
    for part in _separator.split(tag):
        if _separator.fullmatch(part):
            shape.append(part)
            continue
        if _commit.fullmatch(part):
            times += [(len(shape), int(part))] if _time.fullmatch(part) else []
            shape.append(COMMIT)
        elif _number.fullmatch(part) and not is_over and before not in _named:
            numbers.append(tuple(map(int, re.findall("[0-9]+", part))))
            shape.append(".".join(NUMBER for _ in numbers[-1]))  # `002` does not follow on `01.02.03`
        else:
            shape.append(part)
            is_over = is_over or bool(numbers)
        before = part.lower()
    return Words("".join(shape), tuple(numbers), tuple(times))


def compare_words(a: str, b: str) -> int | None:
    """Return how two tags of one series are ordered, by numbers, then by times: -1, 0 or 1; None if they are of two."""
    one, other = parse_words(a), parse_words(b)
    if one.shape != other.shape or not one.moves:
        return None
    are_times = [at for at, _ in one.times] == [at for at, _ in other.times]
    first, second = (one.numbers, one.times * are_times), (other.numbers, other.times * are_times)
    return (first > second) - (first < second)
