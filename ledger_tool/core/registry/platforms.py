"""Platforms as descriptors and configs state them, which is often in part, and sometimes in words of their own.

Clients choose an image of an index by the platform in its entry alone, and read its config only where the entry has
none. So the entry's platform is the image's; the config adds the variant that an entry leaves open.

Sources: OCI image-spec 1.1 "Image Index" and "Image Configuration"; containerd's `images.Manifest`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from ledger_tool.core.ledger import names
from ledger_tool.core.ledger.names import Platform, shown
from ledger_tool.errors import InvalidValue

_PARTS = ("os", "os.version", "architecture", "variant")
_IMPLIES_VARIANT = ("armhf", "armel")  # names of an architecture that say the variant as well


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedPlatform:
    """The parts of a platform as written, `""` for one that is not given."""

    system: str = ""
    version: str = ""
    architecture: str = ""
    variant: str = ""

    @property
    def is_unknown(self) -> bool:
        """Whether it says that this is not an image for any platform, as `unknown/unknown` does."""
        return "unknown" in (self.system, self.architecture)

    @property
    def says_nothing(self) -> bool:
        """Whether it names no platform; an operating system or an architecture alone is none."""
        return self.is_unknown or not (self.system and self.architecture)

    def __bool__(self) -> bool:
        return not self.says_nothing

    def normal(self) -> Platform | None:
        """Return the platform in its normal form, None if it names none. Raises InvalidValue for a malformed one."""
        if self.says_nothing:
            return None
        version = f"({self.version})" if self.version else ""
        variant = f"/{self.variant}" if self.variant else ""
        if "/" in self.system + self.architecture + self.variant:  # would move what follows into another part
            raise InvalidValue("platform", f"platform `{self}` is malformed")
        return names.parse_platform(f"{self.system}{version}/{self.architecture}{variant}")

    @property
    def chosen_by(self) -> StatedPlatform:
        """What clients compare when they choose: the version of an operating system is compared on Windows only."""
        return self if self.system.lower() == "windows" else replace(self, version="")

    def agrees_with(self, other: StatedPlatform) -> bool:
        """Return whether neither contradicts the other; what one of them leaves open is no contradiction."""
        if self.says_nothing or other.says_nothing:
            return True
        if self.version and other.version and self.version != other.version:
            return False
        *mine, my_variant = self._parts()
        *theirs, their_variant = other._parts()
        is_open = not (self._has_variant and other._has_variant)
        return mine == theirs and (is_open or my_variant == their_variant)

    def is_vaguer_than(self, other: StatedPlatform) -> bool:
        """Return whether it leaves the variant open that another platform states."""
        return bool(other) and other._has_variant and not self._has_variant and self.agrees_with(other)

    def completed_by(self, config: StatedPlatform) -> StatedPlatform:
        """Return the platform of an image: the one that its entry states, with the variant that only its config has."""
        if self.says_nothing:
            return config
        if self._has_variant or config.says_nothing or not self.agrees_with(config):
            return self
        return replace(self, architecture=config.architecture, variant=config.variant)

    @property
    def _has_variant(self) -> bool:
        return bool(self.variant) or self.architecture.lower() in _IMPLIES_VARIANT

    def _parts(self) -> tuple[str, str, str]:
        """Return system, architecture and variant as containerd writes them; as they are if they are malformed."""
        try:
            normal = replace(self, version="").normal() or ""
        except InvalidValue:
            return self.system.lower(), self.architecture.lower(), self.variant.lower()
        system, architecture, *variant = normal.split("/")
        return system, architecture, variant[0] if variant else ""

    def __str__(self) -> str:
        """Return it for a message: safe to show, and with its parts apart even where they are malformed."""
        version = f"({self.version})" if self.version else ""
        parts = (self.system + version, self.architecture, self.variant)
        return shown("/".join(part for part in parts if part))


NOTHING_STATED = StatedPlatform()


def stated(value: Any) -> StatedPlatform:
    """Return the platform that an OCI descriptor's `platform` or an image's config states; anything is accepted."""
    if not isinstance(value, dict):
        return NOTHING_STATED
    parts = {key: _text(value.get(key)) for key in _PARTS}
    for key in value:
        if key not in _PARTS and folded(key) in _PARTS:  # some clients read it as the part, and some do not
            parts[folded(key)] += f"<{key}: {value[key]}>"
    return StatedPlatform(
        system=parts["os"], version=parts["os.version"], architecture=parts["architecture"], variant=parts["variant"]
    )


def folded(key: str) -> str:
    """Return a key of JSON as Go's `encoding/json` compares it, if it does not find it as it is written."""
    return key.lower().replace("\u017f", "s")


def stated_by(platform: Platform) -> StatedPlatform:
    """Return the parts of a platform in its normal form."""
    match = re.fullmatch(r"([^(/]+)(?:\(([^)]*)\))?/([^/]+)(?:/(.+))?", platform)
    assert match is not None, platform
    system, version, architecture, variant = match.groups(default="")
    return StatedPlatform(system=system, version=version, architecture=architecture, variant=variant)


def _text(value: Any) -> str:
    """Return a part as text; what is neither text nor null stays recognizably malformed."""
    return value if isinstance(value, str) else "" if value is None else f"<{value}>"
