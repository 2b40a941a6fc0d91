"""Whether a chart prints an image as its values name it: repository, tag and digest whole, and nothing else.

A digest belongs to one tag of one repository. If a template puts anything behind the tag, or the tag behind another
repository, it deploys another image than the values name, or none. A value to which a digest is added has to be used
for nothing but the image: in a URL, a label or a comparison, the digest would be there too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from ledger_tool.core.manifests.charts.follow import AskedValue, PrintedLine
from ledger_tool.core.manifests.charts.paths import SOME, VALUES, Path, covers, is_at, merged_globals
from ledger_tool.core.manifests.charts.texts import Piece, PrintCondition, PrintedText
from ledger_tool.core.manifests.site import ImageFields

# What stands for the values of the image in a text: its name, tag and digest, or one value with all of them; then what
# may have a part of one of them, or of the one to which a digest is added; a registry, and any other value.
_NAME, _TAG, _DIGEST, _WHOLE, _PART, _CUT, _REGISTRY, _OTHER = "\ue000\ue001\ue002\ue003\ue004\ue005\ue006\ue007"
_OURS = f"{_NAME}{_TAG}{_DIGEST}{_WHOLE}{_PART}{_CUT}"
_EXTENDED = f"{_TAG}{_WHOLE}"
_IS_REGISTRY = re.compile(r"(?i)regist|hub")
_BREAK = re.compile(r"[\s\"'`,;(){}\[\]<>|]+")
_BEFORE = rf"(?:[^{_OURS}]*[/={_REGISTRY}])?"
_BY_TAG = re.compile(rf"{_BEFORE}{_NAME}:{_TAG}")
_BY_DIGEST = re.compile(rf"{_BEFORE}{_NAME}(?::{_TAG})?(?:@(?P<algorithm>sha256:)?{_DIGEST})?")
_IN_ONE = re.compile(rf"{_BEFORE}{_WHOLE}")
_NAME_ALONE = re.compile(rf"[^{_OURS}]*{_NAME}[^:@{_OURS}]*")
_BEHIND_A_NAME = re.compile(rf"[^\s:]:{_TAG}|@(?:sha256:)?{_DIGEST}")
_VERSION_WORD = re.compile(rf"(?i)(?:[^:/]*[^:/a-z])?(?:version|tag|release):{_TAG}")
_FIELD = re.compile(r"(?i)(?:image|tag|version)\w*[\"']?\s*[:=]\s*[\"']?\Z")
_TAG_FIELD = re.compile(r"[tT]ag[\"']?\s*[:=]\s*[\"']?\Z")
_URL = re.compile(r"(?<![\w+.-])(?!(?:docker|docker-image|containers-storage|oci)://)[\w+.-]+://")
_IMAGE = re.compile(r"(?i)image")


@dataclass(frozen=True)
class PrintedImage:
    """An image in the values of a chart, its tag set, and its digest if `has_digest`; `is_unset` knows other values.

    `extended` is what the value says to which a digest is added, that of the tag or of the whole image, or `""`.
    """

    image: ImageFields
    has_digest: bool
    is_unset: Callable[[Path], bool]
    extended: str = ""

    def misprinted(self, line: PrintedLine) -> bool:
        """Return whether a line may print another image than this one with its name, tag or digest."""
        return any(not self._is_right(word, text, line) for text, word in self._words(line))

    def is_asked_for(self, question: AskedValue) -> bool:
        """Return whether a template compares the value to which a digest is added, or takes it apart."""
        is_known = question.texts is not None and not any(
            text == self.extended or "@" in text for text in question.texts
        )
        return not is_known and any(self._sign(path) in _EXTENDED for path in question.used)

    def algorithms(self, line: PrintedLine) -> set[str]:
        """Return what stands in front of the digest where a line prints it with the name: `sha256:` or nothing."""
        words = [_BY_DIGEST.fullmatch(word) for _, word in self._words(line)]
        return {match["algorithm"] or "" for match in words if match and _DIGEST in match[0]}

    def is_part(self, path: Path) -> bool:
        """Return whether a node may be the image as a whole, its name, tag or digest, or contain one of them."""
        merged = merged_globals(path)
        return any(covers(merged, place) for place in self.places)

    @cached_property
    def places(self) -> tuple[Path, Path, Path]:
        """Where its name, tag and digest are."""
        image = self.image
        name, tag, digest = (
            merged_globals((*VALUES, *image.above, key)) for key in (image.name, image.tag, image.digest)
        )
        return name, tag, digest

    def _words(self, line: PrintedLine) -> Iterator[tuple[str, str]]:
        """Yield what a line may print with something of the image, in front of each word, and the word."""
        is_comment = line.text.lstrip().startswith("#")
        if is_comment or not any(self._sign(path) in _OURS for path in line.used):
            return
        for text in line.texts:
            if any(self._is_impossible(condition) for condition in text.conditions):
                continue
            printed = self._written(text)
            start = 0
            while start < len(printed):
                gap = _BREAK.search(printed, start)
                end = gap.start() if gap else len(printed)
                if set(printed[start:end]) & set(_OURS):
                    yield printed[:start], printed[start:end]
                start = gap.end() if gap else end

    def _written(self, text: PrintedText) -> str:
        return "".join(map(self._written_piece, text.pieces))

    def _written_piece(self, piece: Piece) -> str:
        if isinstance(piece, str):
            return piece.translate(_NO_SIGNS)
        if isinstance(piece, frozenset):
            signs = {self._sign(path) for path in piece}
            if self.extended and not signs.isdisjoint(_EXTENDED):
                return _CUT
            return _OTHER if signs.isdisjoint(_OURS) else _PART
        sign = self._sign(piece)
        is_empty = (
            not self.has_digest if sign == _DIGEST else sign not in _OURS and self.is_unset(merged_globals(piece))
        )
        return "" if is_empty else sign

    def _sign(self, path: Path) -> str:
        merged = merged_globals(path)
        signs = (_WHOLE,) * 3 if self.image.is_whole else (_NAME, _TAG, _DIGEST)
        for sign, place in zip(signs, self.places, strict=True):
            if is_at(merged, place):
                return sign
        return _REGISTRY if path and _IS_REGISTRY.search(path[-1]) else _OTHER

    def _is_impossible(self, condition: PrintCondition) -> bool:
        if len(condition.paths) != 1:
            return False
        (path,) = condition.paths
        merged = merged_globals(path)
        if SOME in merged:
            return False
        sign = self._sign(merged)
        if condition.sign == "+":
            return sign == _DIGEST and not self.has_digest if sign in _OURS else self.is_unset(merged)
        if condition.sign != "-":
            return False
        if sign == _DIGEST:
            return self.has_digest
        (name, _, _) = self.places
        return sign in _OURS or (
            merged[:1] == VALUES and len(merged) < len(name) and is_at(merged, name[: len(merged)])
        )

    def _is_right(self, word: str, before: str, line: PrintedLine) -> bool:
        if _CUT in word or (self.extended and _URL.search(word) and not set(_EXTENDED).isdisjoint(word)):
            return False
        if _WHOLE in word:
            return bool(_IN_ONE.fullmatch(word))
        if _PART in word:
            return not (_NAME in before + word or _IMAGE.search(line.text))
        if _NAME in word:
            form = _BY_DIGEST if self.has_digest else _BY_TAG
            return bool(form.fullmatch(word) or _NAME_ALONE.fullmatch(word))
        if self.extended and _TAG in word:
            return word.find(_TAG) == len(word) - 1 and bool(_TAG_FIELD.search(before + word[:-1]))
        if _BEHIND_A_NAME.search(word):
            return bool(_VERSION_WORD.fullmatch(word)) and not _IMAGE.search(line.text)
        return word in (_TAG, _DIGEST) or not _FIELD.search(before)


_NO_SIGNS = dict.fromkeys(map(ord, f"{_OURS}{_REGISTRY}{_OTHER}"), "?")
