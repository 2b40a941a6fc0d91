"""`ledger.yaml` as a value: where images live, which tags may move, which fields a team requires."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from ledger_tool.core.ledger.names import REGISTRY, Ttl, shown
from ledger_tool.core.ledger.record import Record
from ledger_tool.errors import InvalidValue, UsageError

MAX_SETTINGS_BYTES = 64 * 1024  # of a valid `ledger.yaml`
MAX_SETTINGS_READ = 2**20  # bytes; what is between the two is read, so that `check` can report it


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry: `host[:port]`, the globs of the images it serves, and the path in front of them."""

    host: str
    images: tuple[str, ...] = ("*",)
    prefix: str = ""
    plain_http: bool = False

    def serves(self, image: str) -> bool:
        """Return whether one of its globs matches an image."""
        return any(fnmatchcase(image, pattern) for pattern in self.images)

    def image(self, path: str) -> str | None:
        """Return the image at a path of this registry, without the prefix, or None if it serves none there."""
        if self.prefix and not path.startswith(self.prefix + "/"):
            return None
        image = path[len(self.prefix) + 1 :] if self.prefix else path
        return image if self.serves(image) else None


@dataclass(frozen=True, slots=True)
class Policy:
    """The parsed `ledger.yaml`; the default value applies without one."""

    registries: tuple[Registry, ...] = ()
    mutable: tuple[str, ...] = ()
    ttl: Mapping[str, Ttl] = field(default_factory=dict)
    require: tuple[str, ...] = ()

    def is_mutable(self, tag: str) -> bool:
        """Return whether a tag may move without force."""
        return any(fnmatchcase(tag, pattern) for pattern in self.mutable)

    def default_ttl(self, tag: str) -> Ttl | None:
        """Return the TTL of a newly published tag, the first matching pattern's."""
        return next((ttl for pattern, ttl in self.ttl.items() if fnmatchcase(tag, pattern)), None)

    def check_registries(self, purpose: str) -> None:
        """Raise UsageError if there is no registry for a purpose such as `compare with` or `ask`."""
        if not self.registries:
            hint = "add `- host: registry.example.com` under `registries`"
            raise UsageError(f"ledger.yaml names no registry to {purpose}", hint)

    def meets_requirements(self, record: Record) -> bool:
        """Return whether a record has every field that the team requires."""
        try:
            self.check_required(record)
        except InvalidValue:
            return False
        return True

    def check_required(self, record: Record) -> None:
        """Raise InvalidValue for a field that the team requires and `record` lacks."""
        fields: Mapping[str, tuple[object, str]] = {
            "sourceRef": (record.source_ref, "--source"),
            "platform": (record.platform, "--platform"),
            "index": (record.index, "--index"),
            "config": (record.config, "--config"),
            "dependsOn": (record.depends_on, "--depends-on"),
            "ttl": (record.ttl, "--ttl"),
        }
        for name in self.require:
            label = name.removeprefix("labels.")
            value, option = fields[name] if label == name else (record.labels.get(label), f"--label {label}=VALUE")
            if not value:
                message = f"{record.name} has no {name}, which ledger.yaml requires"
                raise InvalidValue(name, message, f"pass `{option}`, or give it in the record")


ReadPolicy = Callable[[bytes | None], Policy]  # parses a `ledger.yaml`; None means that there is none


def parse_registry(value: str, field_name: str) -> Registry:
    """Return the registry of a host that a person typed, with `http://` for a plain-HTTP one. Raises InvalidValue."""
    if not re.fullmatch(REGISTRY, value):
        raise InvalidValue(
            field_name,
            f"{field_name} `{shown(value)}` is malformed",
            "write a host such as `registry.example.com`, or `http://localhost:5000`",
        )
    return Registry(re.sub(r"^https?://", "", value), plain_http=value.startswith("http://"))
