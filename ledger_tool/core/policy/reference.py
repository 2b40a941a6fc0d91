"""`[registry/]image[:tag][@digest]`, split by Docker's rules: the one grammar for everything that names an image.

What a person types has to be valid in a ledger, and a message says which part is not. A manifest may
contain more, such as a digest by another algorithm. A recorded `dependsOn` was checked when it was recorded.
`resolve` says which image of the ledger a reference means.

Source: distribution's `reference` package (`normalize.go`, `splitDockerDomain`; `regexp.go`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ledger_tool.core.ledger import names
from ledger_tool.core.ledger.names import Digest, Tag, parse_digest, parse_image, parse_tag, shown
from ledger_tool.errors import InvalidValue

ANY_DIGEST = r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-f]{32,}"
_IMAGE_ID = r"[0-9a-f]{64}"
_ALGORITHM = r"(?:sha[-_]?[0-9]+(?:[-_.][0-9]+)?|md[245]|blake[23][a-z]{0,2}(?:[-_][0-9]+)?)"
# `ALGORITHM:HEX`, a digest or an image id, in any case, or cut. By the grammar it is a name with a tag.
# Behind a slash, where a tag may be the number of a commit, only in the length of a digest.
DIGEST_ALONE = rf"(?i:{_ALGORITHM}:[^/]*|.*/{_ALGORITHM}:[0-9a-f]{{56,}}(?:@.*)?)"

# What no reference has, not even one with a mistake in it: a character of patterns, sentences and data; `//`; the
# beginning of a path. One word that is not a name. Azure's `Publisher:Offer:SKU:Version`.
_NO_REFERENCE = re.compile(
    rf"(?s:.*[^A-Za-z0-9._/:@+-].*)|.*//.*|[./@].*|(?!{names.IMAGE}\Z)[^/:@]*|{_IMAGE_ID}|[^/:@]+(?::[^/:@]+){{3}}"
)
_DIGEST_ALONE = re.compile(DIGEST_ALONE, re.DOTALL)
_DEEPEST = 50  # variables in defaults of others; more are not looked at
_VARIABLE = re.compile(r"\$(?:\{\{(?:(?!\}\}).)*\}\}|\{[^{}$]*\}|\([^()$]*\)|\[[^\[\]$]*\]|[A-Za-z_0-9]+)")
_DEFAULT = re.compile(r"\$\{[A-Za-z_]\w*:?[-=]([^${}]*)\}")
_WITH_DEFAULT = re.compile(r"\$\{[A-Za-z_]\w*:?[-=]")
_BRACE = re.compile(r"[{}]")
_LONGEST = 1000  # characters of a text with variables
# What a name may go on from: all that a name has in it. The dash of a variable's default is none, nor is an escape.
_IN_NAME = re.compile(r"[\w.-]", re.ASCII)
_IN_FRONT = re.compile(r"\$\{[A-Za-z_]\w{0,200}:?-\Z|(?<!\\)(?:\\\\)*\\(?:[abefnrtv]|[ux][0-9A-Fa-f]{2,4})\Z", re.ASCII)
# What a program replaces before anything reads the text, by Go and Jinja, CircleCI, Concourse, Argo CD's and other
# plugins, token replacement in Azure Pipelines, Windows, CMake, and by whoever copies an example.
_PLACEHOLDER = re.compile(
    r"(?<!\$)\{\{.*?(?:\}\}|\Z)|<<[^<>]*>>|<%.*?%>|<[^<>]*>|\(\([^()]*\)\)|\[\[[^\[\]]*\]\]|#\{[^{}]*\}#?|%\{[^{}]*\}"
    r"|%\w+%|(?<![^\W_])__[A-Za-z]\w*?__(?![^\W_])|@[A-Za-z][\w.]*@|(?<![${])\{[\w.-]+\}"
)
# What is a name by the grammar, and is meant to be something else: Docker Hub has nothing that lies so deep, and no
# official image whose name ends in a number, or is one; nor is a GUID an image.
_DEEP = re.compile(r"(?:[^/]+/){2,}[^/]+")
_NUMBERED = re.compile(
    r"(?:[a-z]+-)+[0-9][0-9a-f.]*(?:-[a-z0-9]+)*|[0-9.]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
# Images of LXD, with a server in front; icons of Home Assistant.
_OF_ANOTHER_KIND = re.compile(r"(?!localhost:)[a-z][a-z0-9-]*:[a-z][^/:@]*/[^:@]+|(?:mdi|hass):[a-z0-9-]+")
_LETTERS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_VARIABLE_ALONE = re.compile(r"\$(?:\{\{[^{}]*\}\}|\{[\w.-]+\}|\w+)")
_FILE = re.compile(
    r".*\.(?:avif|bmp|gif|heic|ico|jpe?g|mp4|pdf|png|psd|svg|tiff?|webm|webp"
    r"|7z|bz2|gz|img|iso|ova|ovf|qcow2?|raw|tar|tgz|vdi|vhdx?|vmdk|wim|xz|zip|zst)"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """The parts as written; a missing registry is `""`, a missing tag or digest is None."""

    registry: str
    path: str
    tag: Tag | None = None
    digest: Digest | None = None

    def __str__(self) -> str:
        return written(self.name, self.tag or "", self.digest or "")

    @property
    def name(self) -> str:
        """The registry and the path."""
        return f"{self.registry}/{self.path}" if self.registry else self.path

    @property
    def effective_tag(self) -> str:
        """The tag that a client pulls: `latest` if neither a tag nor a digest is given."""
        return self.tag or ("" if self.digest else "latest")


def written(name: str, tag: str, digest: str) -> str:
    """Return `name[:tag][@digest]`."""
    return name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def split(text: str) -> Reference:
    """Return the parts of a reference, unchecked: for text that has been checked, such as a record's `dependsOn`.

    A first component is a registry if it is `localhost`, or contains a dot, a colon or an upper-case letter.
    """
    rest, at, digest = text.partition("@")
    head, slash, last = rest.rpartition("/")
    image, colon, tag = last.partition(":")
    registry, path = "", head + slash + image
    first, slash, below = path.partition("/")
    if slash and (first == "localhost" or "." in first or ":" in first or first != first.lower()):
        registry, path = first, below
    return Reference(registry, path, Tag(tag) if colon else None, Digest(digest) if at else None)


def is_digest_alone(text: str) -> bool:
    """Return whether a text is `ALGORITHM:HEX`, or is meant to be: never an image, whatever its case and its length."""
    return bool(_DIGEST_ALONE.fullmatch(text))


@lru_cache(maxsize=1024)  # a file of records names each image many times
def parse_reference(value: str) -> Reference:
    """Return the reference that a person typed, or raise InvalidValue if no ledger can contain it."""
    hint = "write `IMAGE:TAG`, or `IMAGE:TAG@DIGEST`, such as `myorg/app:v1.5.0`"
    if "://" in value:  # it may contain a password, so it is not repeated
        raise InvalidValue("image", "image has a scheme in front, such as `https://`", hint)
    reference = split(value)
    if not reference.path:
        raise InvalidValue("image", f"`{shown(value)}` names no image", hint)
    if is_digest_alone(value):
        raise InvalidValue("image", f"`{shown(value)}` is a digest, not an image", hint)
    if reference.registry and not re.fullmatch(names.HOST, reference.registry):
        raise InvalidValue("image", f"image `{shown(value)}` is malformed", hint)
    is_host = reference.registry == "localhost" or re.search(r"[.:]", reference.registry)
    parse_image(reference.path if is_host else reference.name)  # `MyOrg/app` is more likely a name than a host
    if reference.tag is not None:
        parse_tag(reference.tag)
    if reference.digest is not None:
        parse_digest(reference.digest)
    return reference


def parse_name(value: str) -> Reference:
    """Return the parts of `[registry/]image:tag`, or raise InvalidValue if the tag is missing or there is a digest."""
    reference = parse_reference(value)
    if reference.digest or not reference.tag:
        what = "has a digest" if reference.digest else "has no tag"
        raise InvalidValue("image", f"`{shown(value)}` {what}", "write `IMAGE:TAG`, such as `myorg/app:v1.5.0`")
    return reference


def parse_in_manifest(text: str) -> Reference:
    """Return the reference in a manifest, or raise InvalidValue if Docker would not accept it."""
    reference = split(text)
    registry, path, tag, digest = reference.registry, reference.path, reference.tag, reference.digest
    problem = ""
    if is_digest_alone(text):
        problem = "is a digest, not a name"
    elif path.lower() != path:
        problem = "has upper-case letters"
    elif re.fullmatch(_IMAGE_ID, path) and reference.name == path and tag is None:
        problem = "is an image id, not a name"
    elif not (
        (not registry or re.fullmatch(names.HOST, registry))
        and len(path) <= names.IMAGE_MAX
        and re.fullmatch(names.IMAGE, path)
        and (tag is None or re.fullmatch(names.TAG, tag))
        and (digest is None or re.fullmatch(ANY_DIGEST, digest))
    ):
        problem = "is malformed"
    if problem:
        hint = "write `[registry/]image[:tag][@digest]`, such as `registry.example.com/myorg/app:v1.5.0`"
        raise InvalidValue("image", f"image `{shown(text)}` {problem}", hint)
    return reference


def may_begin(text: str, at: int) -> bool:
    """Return whether a name may begin at a place in a text, and does not just go on there."""
    if not at or not _IN_NAME.match(text, at - 1):
        return True
    return bool(_IN_FRONT.search(text[max(0, at - 250) : at]))


def defaulted(text: str) -> str:
    """Return a text with the defaults of its variables in their place; a variable without one stays."""
    count = int("$" in text and len(text) < _LONGEST)
    while count:  # from the inside out
        text, count = _DEFAULT.subn(lambda match: match[1], text)
    return text


def unwrapped(text: str) -> tuple[str, str, str]:
    """Return what is in front of the default in a text that is one variable, the default, and what is behind it."""
    opening = closing = ""
    while (variable := _WITH_DEFAULT.match(text)) and _is_one_variable(text):
        opening, text, closing = opening + variable[0], text[variable.end() : -1], "}" + closing
    return opening, text, closing


def _is_one_variable(text: str) -> bool:
    """Return whether the brace that the first one opens is closed by the last character."""
    depth = 0
    for brace in _BRACE.finditer(text, 0, _LONGEST):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return brace.end() == len(text)
    return False


def has_placeholder(text: str) -> bool:
    """Return whether a part of a text stands for something that a template engine or a person puts in: `{{ tag }}`."""
    return bool(_PLACEHOLDER.search(text))


def filled(text: str) -> str:
    """Return a text with some word, `x`, in the place of each placeholder and each variable."""
    return _solid(_PLACEHOLDER.sub("x", text))


def _solid(text: str) -> str:
    for _ in range(_DEEPEST):  # from the inside out
        text, count = _VARIABLE.subn("x", text)
        if not count:
            break
    return text


def is_no_reference(text: str) -> bool:
    """Return whether a text in the place of a reference is something else: a URL, a path, a pattern, an id, a sentence.

    A reference with a mistake in it, such as `MyOrg/app:v1`, is not something else. Nor is a variable.
    """
    solid = _solid(text)
    if "$" in solid:
        return False
    try:
        parse_in_manifest(solid)
    except InvalidValue:
        return bool(_NO_REFERENCE.fullmatch(solid)) or is_digest_alone(solid)
    return False


def is_word(text: str) -> bool:
    """Return whether a text may be any word, if nothing around it shows an image: without registry, tag and digest.

    So may be a variable alone, an icon, and an image of a machine with a server in front.
    """
    is_one = re.fullmatch(names.IMAGE, text) and "/" not in text
    return bool(is_one or _OF_ANOTHER_KIND.fullmatch(text) or _VARIABLE_ALONE.fullmatch(text))


def are_words(name: str, tag: str) -> bool:
    """Return whether a name and a tag in fields of their own may be two words of any language: `ablage`, `marke`."""
    return bool(_LETTERS.fullmatch(tag) and _LETTERS.fullmatch(name))


def is_unlikely(reference: Reference, *, has_fields: bool) -> bool:
    """Return whether a reference that the ledger does not know is more likely to be a file or a machine's image.

    `has_fields` says that its name is in a field of its own, and so is its tag.
    """
    if not reference.registry and re.fullmatch(r"[0-9]+(?::[0-9]+)?", str(reference)):  # `1:23`
        return True
    if reference.digest or (reference.tag is not None and not has_fields):
        return False
    if _FILE.fullmatch(reference.path):
        return True
    is_bare = not reference.registry and reference.tag is None
    return is_bare and bool(_DEEP.fullmatch(reference.path) or _NUMBERED.fullmatch(reference.path))
