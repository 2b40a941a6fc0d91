"""Where a Dockerfile names images, and what its variables make of them.

====================================  ===============================================================
`FROM REF [AS stage]`                 not `scratch`, and not a stage above it
`COPY --from=REF`                     not a stage, nor the number of one
`RUN --mount=type=bind,from=REF`      the same, and with `type=cache`
`# syntax=REF`                        the image that reads the file
====================================  ===============================================================

The same behind `ONBUILD`, where a plain name may be a stage of the Dockerfile that builds on the image. A reference
that is nothing but a variable is edited at the `ARG` above the first `FROM` that gives its default, or in
`${NAME:-REF}`. One that is put together from variables is judged by their defaults and never edited: whoever builds
may choose others.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from ledger_tool.core.manifests.dockerfile import Dockerfile, DockerfileLine, Stretch, instruction_parts
from ledger_tool.core.manifests.marks import Mark, Marks, find_marks
from ledger_tool.core.manifests.site import Site, SiteField
from ledger_tool.core.manifests.tokens import TextDocument, TextToken
from ledger_tool.core.policy.reference import split

_NO_IMAGE = "scratch"
_WORD = re.compile(r"[^ \t\v\f\r]+")
_ARG_WORDS = {
    escape: re.compile(
        rf"""(?:{re.escape(escape)}.|'[^']*'|"(?:{re.escape(escape)}.|[^"{re.escape(escape)}])*"|\S)+""", re.DOTALL
    )
    for escape in "\\`"
}
_VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-+?]|[#%/])|(?=\})))", re.ASCII)
_PLAIN_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")
_NUMBER = re.compile(r"[-+]?[0-9]+")
_WITHOUT_IMAGE = ("tmpfs", "secret", "ssh")
_MOST_LINKED = 100  # variables, each the default of the next
_LONGEST = 500  # characters; anything longer, as it stands or expanded, is not a reference
_COMPOSED = "it is put together from variables, and whoever builds may choose others; write all of it in one `ARG`"
_SHARED = "a variable that contains it is also a part of another value"
_IN_PIECES = "it is written with quotes or escapes inside, or over several lines"


@dataclass(frozen=True, slots=True)
class _Value:
    """What a word comes to by default; a piece that is None can be anything.

    `source` is where all of it is written, if it is in one place, and `variables` those that contain it.
    """

    pieces: tuple[str | None, ...]
    source: Stretch | None = None
    variables: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        """What it says, if it is known."""
        return "".join(piece or "" for piece in self.pieces)

    @property
    def is_known(self) -> bool:
        return None not in self.pieces

    def may_be_one_of(self, names: Sequence[str]) -> bool:
        """Return whether it is, or with the right variables could be, one of these names."""
        if self.is_known:
            return self.text.lower() in names
        return bool(self.text) and any(_fits(self.pieces, name) for name in names if name)


def _fits(pieces: Sequence[str | None], name: str) -> bool:
    """Return whether a name is these pieces, where each None is any text; there is at least one."""
    runs = "".join("\0" if piece is None else piece.lower() for piece in pieces).split("\0")
    first, last = runs[0], runs[-1]
    if len(name) < len(first) + len(last) or not (name.startswith(first) and name.endswith(last)):
        return False
    at, end = len(first), len(name) - len(last)
    for run in runs[1:-1]:
        at = name.find(run, at, end)
        if at < 0:
            return False
        at += len(run)
    return True


@dataclass(slots=True)
class _Variables:
    """The defaults of the variables above the first `FROM`, and those that are a part of another value."""

    escape: str
    defaults: dict[str, _Value] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)

    def set(self, line: DockerfileLine, rest: int) -> None:
        """Add what an `ARG` says."""
        for match in _ARG_WORDS[self.escape].finditer(line.text, rest):
            name, equals, _ = match[0].partition("=")
            if equals:
                word = line.part(match.start() + len(name) + 1, match.end()).without_quotes(self.escape)
                value = self.value(word)
                value = value if len(value.variables) < _MOST_LINKED else _Value((None,))
                self.defaults[name] = replace(value, variables=value.variables | {name})

    def value(self, word: Stretch) -> _Value:
        """Return what a word without quotes comes to."""
        if len(word.text) > _LONGEST:
            return _Value((None,))
        parts, names, end = [], set(), 0
        for start, stop, name, operator, inner in _variables(word):
            parts += [_Value((word.text[end:start],))] if start > end else []
            parts.append(self._of_variable(name, operator, inner))
            names.add(name)
            end = stop
        if not parts:
            return _Value((word.text,), word)
        if end < len(word.text):
            parts.append(_Value((word.text[end:],)))
        if len(parts) == 1:
            return parts[0]
        self.shared |= names.union(*(part.variables for part in parts))
        value = _Value(tuple(piece for part in parts for piece in part.pieces))
        return value if len(value.text) + len(value.pieces) <= _LONGEST else _Value((None,))

    def _of_variable(self, name: str, operator: str, inner: Stretch) -> _Value:
        default = self.defaults.get(name)
        if operator in ("-", ":-") and (default is None or (operator == ":-" and default.pieces == ("",))):
            return self.value(inner)
        if operator in ("", "?", ":?", "-", ":-"):
            return default or _Value((None,))
        self.shared.add(name)
        return _Value((None,))


def _variables(word: Stretch) -> Iterator[tuple[int, int, str, str, Stretch]]:
    """Yield start and end of each variable in a word, its name, its operator, and what follows the operator."""
    at = 0
    while match := _VARIABLE.search(word.text, at):
        at = match.end()
        if match[1]:
            yield match.start(), at, match[1], "", word[0:0]
            continue
        inner, depth = at, 1
        while at < len(word.text) and depth:
            depth += {"{": 1, "}": -1}.get(word.text[at], 0)
            at += 1
        yield match.start(), at, match[2], match[3] or "", word[inner : at - 1]


@dataclass(frozen=True, slots=True)
class _Reference:
    """A word that names an image, and what it comes to."""

    line: DockerfileLine
    word: Stretch
    value: _Value


def find_in_dockerfile(dockerfile: Dockerfile, marks: Marks) -> tuple[list[TextToken], list[Site]]:
    """Return what a Dockerfile says as tokens, one for each reference that can be edited, and its sites in order."""
    variables = _Variables(dockerfile.escape)
    references = list(_references(dockerfile, variables))
    sources = {
        source.places[0]: source
        for reference in references
        if (source := reference.value.source) and source.is_in_one_piece
    }
    tokens = list(_tokens(dockerfile, sources))
    by_start = {token.start: token for token in tokens if token.end}
    sites: dict[tuple[int, ...], Site] = {}
    for reference in references:
        source = reference.value.source
        token = by_start.get(source.places[0]) if source and source.is_in_one_piece else None
        site = _site(reference, token, variables.shared, _marks(reference, marks))
        place = source.places if source else reference.word.places
        known = sites.setdefault(place, site)
        sites[place] = replace(known, marks=tuple(dict.fromkeys((*known.marks, *site.marks))))
    return tokens, [sites[place] for place in sorted(sites)]


def _references(dockerfile: Dockerfile, variables: _Variables) -> Iterator[_Reference]:
    stages = [_stage_name(line) for line in dockerfile.lines if line.kind == "from"]
    above = 0
    for line in dockerfile.lines:
        parts = instruction_parts(line.text) if not line.kind.startswith(("#", "<")) else None
        if line.kind == "#directive" and line.name == "syntax" and line.text.startswith("#"):
            match = _WORD.search(line.text, line.text.index("=") + 1)
            word = line.part(match.start(), match.end()) if match else Stretch("", ())
            yield _Reference(line, word, _Value((word.text,), word))
        elif parts and line.kind == "arg" and not above:
            variables.set(line, parts.rest)
        elif parts and line.kind == "from":
            match = _WORD.search(line.text, parts.rest)
            if match:
                word = line.part(match.start(), match.end()).without_quotes(dockerfile.escape)
                yield from _named(line, word, variables, stages[:above])
            above += 1
        elif parts and line.kind in ("copy", "run"):
            for word in _from_flags(line, 0):
                if not _NUMBER.fullmatch(word.text):
                    yield from _named(line, word, variables, stages)
        elif parts and line.kind == "onbuild":
            for word in _from_flags(line, parts.rest):
                if not _PLAIN_NAME.fullmatch(word.text):  # it may be a stage of the Dockerfile that builds on the image
                    yield from _named(line, word, _Variables(dockerfile.escape), ())


def _named(line: DockerfileLine, word: Stretch, variables: _Variables, stages: Sequence[str]) -> Iterator[_Reference]:
    value = variables.value(word)
    is_nothing = not word.text or (value.is_known and value.text in ("", _NO_IMAGE))
    if not is_nothing and not value.may_be_one_of(stages):
        yield _Reference(line, word, value)


def _stage_name(line: DockerfileLine) -> str:
    """Return the name that a `FROM` gives to its stage, in lower case, or `""`."""
    words = _WORD.findall(line.text, instruction_parts(line.text).rest)
    return words[2].lower() if len(words) > 2 and words[1].lower() == "as" else ""


def _from_flags(line: DockerfileLine, start: int) -> Iterator[Stretch]:
    """Yield what `COPY --from` and `RUN --mount` take files from."""
    parts = instruction_parts(line.text, start)
    for name, first, end in parts.flags:
        value = line.part(first, end).without_quotes("\\") if name in ("from", "mount") else Stretch("", ())
        if parts.keyword == "copy" and name == "from":
            yield value
        elif parts.keyword == "run" and name == "mount":
            yield from _from_mount(value)


def _from_mount(value: Stretch) -> Iterator[Stretch]:
    word, kind, at = None, "bind", 0
    for text in value.text.split(","):
        key, equals, said = text.partition("=")
        if equals and key.lower() == "type":
            kind = said.lower()
        elif equals and key.lower() == "from":
            word = value[at + len(key) + 1 : at + len(text)]
        at += len(text) + 1
    if word and kind not in _WITHOUT_IMAGE:
        yield word


def _site(reference: _Reference, token: TextToken | None, shared: set[str], marks: tuple[Mark, ...]) -> Site:
    value = reference.value
    said = value.text if value.is_known else reference.word.text
    parts = split(said)
    locked = _COMPOSED if value.source is None else _SHARED if value.variables & shared else "" if token else _IN_PIECES
    return Site(
        line=token.line if token else reference.line.line,
        text=said,
        name=parts.name,
        tag=parts.tag or "",
        digest=parts.digest or "",
        fields=(SiteField("whole", token),) if token else (),
        whole=True,
        marks=marks,
        locked=locked,
        is_certain=True,
    )


def dockerfile_marks(text: str, document: TextDocument, dockerfile: Dockerfile) -> Marks:
    """Return the marks of a Dockerfile: above a line or, though few builders allow it, in it; not in heredocs."""
    heredocs = {number for line in dockerfile.lines if line.kind == "<<" for number in _lines_of(line)}
    return find_marks(text, document, lambda offset: dockerfile.line_of(offset) not in heredocs)


def in_comments(marks: Marks, dockerfile: Dockerfile) -> list[Mark]:
    """Return the marks that are comments for every builder, and not parts of a command."""
    comments = {line.line for line in dockerfile.lines if line.kind.startswith("#")}
    return [mark for mark in marks.all if mark.line in comments]


def _lines_of(heredoc: DockerfileLine) -> range:
    return range(heredoc.line, heredoc.line + heredoc.text.count("\n") + 1)


def _marks(reference: _Reference, marks: Marks) -> tuple[Mark, ...]:
    """Return the marks at a reference, at its instruction, or at its variable's default."""
    source = reference.value.source
    return marks.at(reference.line.start, reference.word.places[0], *(source.places[:1] if source else ()))


def _tokens(dockerfile: Dockerfile, sources: dict[int, Stretch]) -> Iterator[TextToken]:
    """Yield what each line says; a reference that can be edited is a token of its own, with its place."""
    number = 0
    ahead = sorted(sources)
    for line in dockerfile.lines:
        end = 0
        for place in ahead[bisect_left(ahead, line.start) : bisect_left(ahead, line.end)]:
            index, length = line.index_of(place), len(sources[place].text)
            at = dockerfile.line_of(place)
            yield TextToken(0, 0, line.line, 1, number, "scalar", line.text[end:index], tag=line.kind)
            column = place - dockerfile.starts[at - 1] + 1
            said = line.text[index : index + length]
            yield TextToken(place, place + length, at, column, number + 1, "scalar", said)
            number, end = number + 2, index + length
        yield TextToken(0, 0, line.line, 1, number, "scalar", line.text[end:], tag=line.kind)
        number += 1
