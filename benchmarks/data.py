"""Ledgers to measure with: the same bytes on every run, records as CI jobs write them (about 440 bytes each)."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_TEAMS = ("payments", "platform", "search", "myorg", "data", "edge", "identity", "observability")
_WORDS = ("api", "worker", "gateway", "billing", "indexer", "web", "auth", "cron", "events", "mailer", "proxy", "sync")
_PLATFORMS = ("linux/amd64", "linux/arm64")
_TAGS = 20  # per image; each tag has one record per platform


@dataclass(frozen=True, slots=True)
class Publication:
    """An image to publish that no ledger of this module contains."""

    image: str
    tag: str
    platform: str
    digest: str
    source: str

    @property
    def record(self) -> str:
        """The canonical lines of its record."""
        return _record(self.image, self.tag, self.platform, self.digest, self.source, "2026-11-24T09:30:00Z", "")


def ledger(records: int) -> bytes:
    """Return a `ledger.json` with this many records."""
    return _file(list(_records(records)))


def items(records: int) -> Iterator[tuple[tuple[str, str, str], str]]:
    """Yield key and text of each record of that ledger, in its order."""
    return _records(records)


def file(texts: Sequence[str]) -> bytes:
    """Return a `ledger.json` with these records."""
    if not texts:
        return b'{\n  "schemaVersion": 1,\n  "records": []\n}\n'
    return _file([(("", "", ""), text) for text in texts])


def history(records: int, commits: int) -> list[bytes]:
    """Return the `ledger.json` of each of this many commits, the oldest first; each adds one record."""
    items = list(_records(records))
    newest = sorted(random.Random(records).sample(range(records), commits - 1))
    return [
        _file([item for index, item in enumerate(items) if index not in newest[published:]])
        for published in range(commits)
    ]


def ledger_with(records: int, publication: Publication) -> bytes:
    """Return the `ledger.json` with this many records after a publish."""
    return _file(sorted([*_records(records), (_key(publication), publication.record)]))


def publications(records: int, count: int) -> list[Publication]:
    """Return distinct new tags of images from the middle of a ledger with this many records."""
    images = _images(records)
    chance = random.Random(f"publish {count} to {records}")
    middle = len(images) // 2
    chosen = [images[(middle + number) % len(images)] for number in range(count)]
    return [
        Publication(image, f"v9.{number}.0", _PLATFORMS[0], _digest(chance), _source(chance, image))
        for number, image in enumerate(chosen)
    ]


def known(records: int) -> tuple[str, str, str]:
    """Return the image, tag and platform of a record from the middle of a ledger with this many records."""
    key, _ = list(_records(records))[records // 2]
    return key


def _records(records: int) -> Iterator[tuple[tuple[str, str, str], str]]:
    """Yield key and text in the ledger's order."""
    chance = random.Random(records)
    remaining = records
    for image in _images(records):
        for tag in sorted(f"v{1 + number // 8}.{number % 8}.{chance.randrange(12)}" for number in range(_TAGS)):
            index = _digest(chance)
            source = _source(chance, image)
            time = f"2024-{chance.randrange(1, 12):02}-{chance.randrange(1, 29):02}T{chance.randrange(10, 24)}:30:00Z"
            for platform in _PLATFORMS:
                if not remaining:
                    return
                remaining -= 1
                labels = f',\n      "labels": {{\n        "env": "{chance.choice(("prod", "staging"))}"\n      }}'
                extra = labels if remaining % 8 == 0 else ""
                text = _record(image, tag, platform, _digest(chance), source, time, extra)
                text = text.replace('      "publishedAt"', f'      "index": "{index}",\n      "publishedAt"')
                yield (image, tag, platform), text


def _images(records: int) -> list[str]:
    count = max(1, -(-records // (_TAGS * len(_PLATFORMS))))
    bases = [f"{team}/{word}" for team in _TEAMS for word in _WORDS]
    return sorted(f"{bases[number % len(bases)]}-{number // len(bases):02}" for number in range(count))


def _record(image: str, tag: str, platform: str, digest: str, source: str, time: str, extra: str) -> str:
    return (
        f'      "image": "{image}",\n      "tag": "{tag}",\n      "platform": "{platform}",\n'
        f'      "digest": "{digest}",\n      "publishedAt": "{time}",\n      "sourceRef": "{source}"{extra}'
    )


def _file(items: list[tuple[tuple[str, str, str], str]]) -> bytes:
    body = "\n    },\n    {\n".join(text for _, text in items)
    return f'{{\n  "schemaVersion": 1,\n  "records": [\n    {{\n{body}\n    }}\n  ]\n}}\n'.encode()


def _key(publication: Publication) -> tuple[str, str, str]:
    return publication.image, publication.tag, publication.platform


def _digest(chance: random.Random) -> str:
    return f"sha256:{chance.randbytes(32).hex()}"


def _source(chance: random.Random, image: str) -> str:
    return f"https://git.example.com/{image}@{chance.randbytes(20).hex()}"
