"""What a search for references knows of a ledger: the texts that name its images, and further keys of `ledger.yaml`."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from ledger_tool.core.policy.policy import Policy
from ledger_tool.core.policy.reference import (
    Reference,
    defaulted,
    filled,
    is_no_reference,
    may_begin,
    parse_in_manifest,
)
from ledger_tool.core.policy.resolve import HUB, HUB_HOSTS, Resolver, same_host
from ledger_tool.errors import InvalidValue


@dataclass(frozen=True, slots=True)
class OurImages:
    """The images of a ledger, as manifests name them. `keys` are those of `manifests: keys:` in `ledger.yaml`.

    A name belongs to the ledger if a registry of `ledger.yaml` serves it, and is in front of it; a name without a
    registry, which may be anything, only if the ledger has records of it.
    """

    keys: frozenset[str] = frozenset()
    hosts: tuple[str, ...] = ()
    resolver: Resolver | None = None

    @property
    def may_be_bare(self) -> bool:
        """Whether a name without a registry may be that of one of the images."""
        return self.resolver is not None and (not self.hosts or HUB in self.hosts)

    def has_host(self, text: str) -> bool:
        """Return whether a text has one of the registries in it."""
        return any(host in text for host in self.hosts)

    def has_reference(self, text: str) -> bool:
        """Return whether a text is a reference to one of the images, with a tag or a digest."""
        reference = _parsed(text) if ":" in text else None
        return reference is not None and bool(reference.tag or reference.digest) and self._has(reference)

    def may_be_reference(self, text: str) -> bool:
        """Return whether a text is such a reference, or becomes one with what its variables and placeholders say."""
        text = defaulted(text)
        if self.has_reference(text):
            return True
        solid = filled(text) if ":" in text or "@" in text else text
        return solid != text and ":" in solid.rpartition("/")[2] and self.may_be_meant(text)

    def has_records(self, text: str) -> bool:
        """Return whether a text is such a reference, and the ledger has records of its image."""
        reference = _parsed(text) if self.has_reference(text) else None
        return bool(
            self.resolver and reference and self.resolver.has_records(self.resolver.resolve_in_manifest(reference).name)
        )

    def behind_registry(self, text: str) -> str:
        """Return the image with records that a text is behind a registry that is not known, with ours, or `""`."""
        first, _, rest = text.partition("/")
        choices = (f"{host}/{rest}" for host in self.hosts) if filled(first) != first else ()
        return next(filter(self.has_records, choices), "")

    def has_name(self, text: str) -> bool:
        """Return whether a text is the name of one of the images, without a tag and a digest."""
        reference = _parsed(text)
        return reference is not None and not (reference.tag or reference.digest) and self._has(reference)

    def may_be_name(self, text: str) -> bool:
        """Return whether a text is such a name, or becomes one with what its variables and placeholders say."""
        name = defaulted(text)
        if self.has_name(name):
            return True
        solid = filled(name)
        return solid != name and not re.search("[:@]", solid.rpartition("/")[2]) and self.may_be_meant(name)

    def is_same(self, text: str, other: str) -> bool:
        """Return whether two names, without a tag and a digest, are of one image, at whichever of its registries."""
        one, two = _parsed(text), _parsed(other)
        if text == other or one is None or two is None or self.resolver is None:
            return text == other
        first, second = map(self.resolver.resolve_in_manifest, (one, two))
        return first.ours and second.ours and first.name == second.name

    def is_mirror(self, text: str, other: str) -> bool:
        """Return whether one name is of the other's image, or of a copy at a registry that the ledger does not know.

        A copy keeps the last part of a name, and has what the image has.
        """
        is_copy = text.rpartition("/")[2] == other.rpartition("/")[2] and not (
            self.has_name(text) and self.has_name(other)
        )
        return is_copy or self.is_same(text, other)

    def may_be_meant(self, text: str) -> bool:
        """Return whether a text with placeholders or variables may become a reference to one of the images."""
        whole, (first, _, rest) = filled(text), text.partition("/")
        texts = [whole]
        if filled(first) != first:  # `{{ registry }}/myorg/app`
            texts += [filled(f"{host}/{rest}") for host in self.hosts]
        elif first in self.hosts and not rest[:1].isalnum():  # `registry.example.com/{{ name }}`
            return True
        return any((reference := _parsed(text)) is not None and self._has(reference) for text in texts)

    def is_mistyped(self, text: str) -> bool:
        """Return whether a text that is no reference is one with a mistake: something around one, or one of ours in it.

        Patterns (`registry.example.com/*`), and what a tag computes (`!Sub …`), are not.
        """
        if _PATTERN.search(text):
            return False
        plain = _OTHER_SCRIPT.sub("x", "".join(one for one in text if unicodedata.category(one) != "Cf"))
        bare = plain.strip(_AROUND)
        one = _parsed(bare) if bare != text else None
        return self.has_inside(plain) or bool(one and (one.tag or one.digest) and not is_no_reference(bare))

    def has_inside(self, text: str, *, tagged: bool = False) -> bool:
        """Return whether a text has the registry and the name of one of the images in it; `tagged`, and a tag too."""
        for host in self.hosts:
            if host not in text:
                continue
            for match in re.finditer(rf"{re.escape(host)}/+({_NAME})(:\w|@)?", text, re.ASCII):
                if not may_begin(text, match.start()):
                    continue
                one = _parsed(f"{host}/{_SLASHES.sub('/', match[1])}")
                if one is not None and self._has(one) and (match[2] or not tagged):
                    return True
        return False

    def _has(self, reference: Reference) -> bool:
        if self.resolver is None:
            return False
        named = self.resolver.resolve_in_manifest(reference)
        return named.ours and (bool(reference.registry) or self.resolver.has_records(named.name))


NOBODYS = OurImages()


def our_images(policy: Policy, resolver: Resolver) -> OurImages:
    """Return what a search knows of a ledger with these settings."""
    hosts = {host for registry in policy.registries for host in (registry.host, same_host(registry.host))}
    if HUB in map(same_host, hosts):
        hosts |= set(HUB_HOSTS)
    return OurImages(frozenset(policy.manifest_keys), tuple(sorted(hosts)), resolver)


_NAME = r"[a-z0-9][a-z0-9._-]*(?:/+[a-z0-9][a-z0-9._-]*)*"
_SLASHES = re.compile(r"/+")
_PATTERN = re.compile(r"\A!|[*?]")
_OTHER_SCRIPT = re.compile(r"[^\x00-\x7f]")
_AROUND = " \t\r\n'\"`,;.()[]"
_ANY_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@+-]*")


def _parsed(text: str) -> Reference | None:
    if not _ANY_REFERENCE.fullmatch(text):  # most texts are not, and an error costs more than this
        return None
    try:
        return parse_in_manifest(text)
    except InvalidValue:
        return None
