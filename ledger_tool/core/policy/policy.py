"""`ledger.yaml` as a value: where images live, which tags may move, which fields a team requires."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from ledger_tool.core.ledger.names import LEDGER, REGISTRY, Ttl, shown_address
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.addresses import is_signer_match
from ledger_tool.errors import InvalidValue, NotProved, UsageError

SETTINGS_SECTIONS = ("registries", "tags", "require", "environments", "manifests", "reconcile", "owners", "provenance")
_NO_PROVENANCE = "push it with its provenance, as `docker buildx build --push` does, and let `publish` ask the registry"
_NOT_PROVED = (
    "sign its provenance, attach that to the image or name it with `--bundle FILE`, and publish the image again"
)
MAX_SETTINGS_BYTES = 64 * 1024  # of a valid `ledger.yaml`
MAX_SETTINGS_READ = 2**20  # bytes; what is between the two is read, so that `check` can report it


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry: `host[:port]`, the globs of the images it serves, and where it has them.

    `prefix` is the path in front of an image at the registry, `ledger_prefix` the path in front of it in the ledger
    only, and `given_name` is what reports should call the registry instead of what is derived from the two.
    """

    host: str
    images: tuple[str, ...] = ("*",)
    prefix: str = ""
    plain_http: bool = False
    given_name: str = ""
    ledger_prefix: str = ""

    @property
    def name(self) -> str:
        """What reports call it: the given name, else the host and the prefix."""
        return self.given_name or (f"{self.host}/{self.prefix}" if self.prefix else self.host)

    @property
    def address(self) -> str:
        """The host as a person types it: with `http://` for a plain-HTTP registry."""
        return f"http://{self.host}" if self.plain_http else self.host

    def serves(self, image: str) -> bool:
        """Return whether it has an image of the ledger: one of its globs matches the image's name there."""
        is_below = not self.ledger_prefix or image.startswith(self.ledger_prefix + "/")
        return is_below and any(fnmatchcase(image, pattern) for pattern in self.images)

    def image(self, path: str) -> str | None:
        """Return the ledger's name of the image at a path of this registry, or None if it serves none there."""
        if self.prefix and not path.startswith(self.prefix + "/"):
            return None
        image = path[len(self.prefix) + 1 :] if self.prefix else path
        image = f"{self.ledger_prefix}/{image}" if self.ledger_prefix else image
        return image if self.serves(image) else None

    def path(self, image: str) -> str:
        """Return the path at this registry of an image that it serves; the inverse of `image`."""
        path = image.removeprefix(self.ledger_prefix + "/") if self.ledger_prefix else image
        return f"{self.prefix}/{path}" if self.prefix else path


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment: the one whose images it takes (`""`: any), and whose signature a promotion to it needs."""

    source: str = ""
    signers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose signature a change of some images or files needs: globs of them, and principals (`signers.py`)."""

    images: tuple[str, ...]
    signers: tuple[str, ...]
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TrustedSigner:
    """Who may sign a statement: the holder of a key, or an identity of an issuer (globs of both).

    `key` is the file of the public key, and `root` that of what proves identities (sigstore's trusted root; `""`: the
    one that the library ships), both in the ledger repository.
    """

    issuer: str = ""
    identity: str = ""
    key: str = ""
    root: str = ""

    def admits(self, signer: str) -> bool:
        """Return whether this is the signer that a record names, in the form of `key_signer` or `keyless_signer`."""
        if self.key:
            return signer == key_signer(self.key)
        identity, _, issuer = signer.removesuffix(")").rpartition(" (")
        return signer.endswith(")") and self.admits_identity(identity, issuer)

    def admits_identity(self, identity: str, issuer: str) -> bool:
        """Return whether an identity of an issuer matches both globs."""
        is_keyless = bool(self.identity and self.issuer)
        return is_keyless and is_signer_match(self.identity, identity) and is_signer_match(self.issuer, issuer)


def key_signer(file: str) -> str:
    """Return how a record names the holder of the key in a file of the ledger repository."""
    return f"key:{file}"


def keyless_signer(identity: str, issuer: str) -> str:
    """Return how a record names an identity that an issuer has proved."""
    return f"{identity} ({issuer})"


@dataclass(frozen=True, slots=True)
class ProvenanceRule:
    """What has to be proved of some images: globs of the source repositories (none: any), and who may sign that."""

    images: tuple[str, ...]
    signers: tuple[TrustedSigner, ...]
    sources: tuple[str, ...] = ()

    def admits(self, signer: str) -> bool:
        """Return whether a record's signer is one that may sign."""
        return any(trusted.admits(signer) for trusted in self.signers)

    @property
    def files(self) -> tuple[str, ...]:
        """The files of the ledger repository that it names."""
        named = (file for trusted in self.signers for file in (trusted.key, trusted.root))
        return tuple(dict.fromkeys(filter(None, named)))


@dataclass(frozen=True, slots=True)
class Policy:
    """The parsed `ledger.yaml`; the default value applies without one."""

    registries: tuple[Registry, ...] = ()
    mutable: tuple[str, ...] = ()
    ttl: Mapping[str, Ttl] = field(default_factory=dict)
    require: tuple[str, ...] = ()
    environments: Mapping[str, Environment] = field(default_factory=dict)
    manifest_keys: tuple[str, ...] = ()
    reconcile_ignore: tuple[str, ...] = ()
    owners: tuple[Owner, ...] = ()
    provenance: tuple[ProvenanceRule, ...] = ()

    def serving(self, image: str) -> list[Registry]:
        """Return the registries that serve an image of the ledger, in the order of `ledger.yaml`.

        A name below a `ledgerPrefix` belongs to the registries with that prefix, whatever the globs of others match.
        """
        serving = [registry for registry in self.registries if registry.serves(image)]
        innermost = max((len(prefix) for prefix in self._ledger_prefixes(image)), default=0)
        return [registry for registry in serving if len(registry.ledger_prefix) == innermost]

    def name_at(self, registry: Registry, path: str) -> str | None:
        """Return the ledger's name of the image at a path of one of the registries, or None if it is not served."""
        image = registry.image(path)
        return image if image is not None and registry in self.serving(image) else None

    def _ledger_prefixes(self, image: str) -> list[str]:
        prefixes = {registry.ledger_prefix for registry in self.registries if registry.ledger_prefix}
        return [prefix for prefix in prefixes if image.startswith(prefix + "/")]

    def provenance_rule(self, image: str) -> ProvenanceRule | None:
        """Return what has to be proved of an image: the first rule whose globs match it, None if there is none."""
        matching = (rule for rule in self.provenance if any(fnmatchcase(image, glob) for glob in rule.images))
        return next(matching, None)

    def is_mutable(self, tag: str) -> bool:
        """Return whether a tag may move without force."""
        return any(fnmatchcase(tag, pattern) for pattern in self.mutable)

    @property
    def has_owners(self) -> bool:
        """Whether the change of anything needs a signature."""
        return bool(self.owners) or any(environment.signers for environment in self.environments.values())

    def owners_of(self, image: str, tag: str) -> tuple[str, ...]:
        """Return the signers of whom one has to sign a change of an image:tag: an environment's, or else the image's.

        The first entry of `owners` that names the image counts. Nobody has to sign where there are none.
        """
        environment = self.environments.get(tag)
        if environment and environment.signers:
            return environment.signers
        named = (owner.signers for owner in self.owners if any(fnmatchcase(image, glob) for glob in owner.images))
        return next(named, ())

    def owners_of_file(self, path: str) -> tuple[str, ...]:
        """Return the signers of whom one has to sign a change of a file; `ledger.json` is its images' owners' alone."""
        named = (owner.signers for owner in self.owners if any(fnmatchcase(path, glob) for glob in owner.files))
        return next(named, ()) if path != LEDGER else ()

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
        except (InvalidValue, NotProved):
            return False
        return True

    def check_required(self, record: Record) -> None:
        """Raise InvalidValue for a field that the team requires and `record` lacks, NotProved for a checked provenance.

        The record of an environment has what its version has: nothing more can be required of it.
        """
        if record.is_environment or not self.require:
            return
        fields: Mapping[str, tuple[object, str]] = {
            "sourceRef": (record.source_ref, "--source"),
            "platform": (record.platform, "--platform"),
            "index": (record.index, "--index"),
            "config": (record.config, "--config"),
            "dependsOn": (record.depends_on, "--depends-on"),
            "ttl": (record.ttl, "--ttl"),
            "provenance": (record.provenance, ""),
        }
        rule = self.provenance_rule(record.image)
        for name in self.require:
            if name == "provenance" and rule:
                self._check_proved(record, rule)
                continue
            label = name.removeprefix("labels.")
            value, option = fields[name] if label == name else (record.labels.get(label), f"--label {label}=VALUE")
            if not value:
                message = f"{record.name} has no {name}, which ledger.yaml requires"
                hint = f"pass `{option}`, or give it in the record" if option else _NO_PROVENANCE
                raise InvalidValue(name, message, hint)

    def lacks_proof(self, record: Record) -> bool:
        """Return whether a record, of an environment too, lacks the provenance that the team requires of new ones."""
        rule = self.provenance_rule(record.image)
        is_proved = rule.admits(record.signer) if rule else bool(record.provenance)
        return "provenance" in self.require and not is_proved

    def _check_proved(self, record: Record, rule: ProvenanceRule) -> None:
        if not rule.admits(record.signer):
            by = f", but one by {record.signer}, whom ledger.yaml does not name" if record.signer else ""
            message = f"{record.name} has no signed statement that was checked{by}, which ledger.yaml requires"
            raise NotProved(message, _NOT_PROVED)


ReadPolicy = Callable[[bytes | None], Policy]  # parses a `ledger.yaml`; None means that there is none


def check_environment(environment: str, policy: Policy) -> None:
    """Raise UsageError for what `ledger.yaml` does not declare as an environment."""
    if environment not in policy.environments:
        known = ", ".join(policy.environments)
        hint = (
            f"its environments are {known}" if known else f"declare it there: `environments: {{{environment}: {{}}}}`"
        )
        raise UsageError(f"ledger.yaml declares no environment `{environment}`", hint)


def parse_registry(value: str, field_name: str) -> Registry:
    """Return the registry of a host that a person typed, with `http://` for a plain-HTTP one. Raises InvalidValue."""
    if not re.fullmatch(REGISTRY, value):
        raise InvalidValue(
            field_name,
            f"{field_name} `{shown_address(value)}` is malformed",
            "write a host such as `registry.example.com`, or `http://localhost:5000`"
            + ("; a path behind it is the registry's `prefix` in ledger.yaml" if "/" in value else ""),
        )
    if (port := re.search(r":([0-9]+)$", value)) and not 0 < int(port[1]) < 2**16:
        raise InvalidValue(
            field_name,
            f"{field_name} `{shown_address(value)}` has a port that does not exist",
            "write a port from 1 to 65535",
        )
    return Registry(re.sub(r"^https?://", "", value), plain_http=value.startswith("http://"))
