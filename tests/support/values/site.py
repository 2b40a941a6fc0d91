"""Facts of sites for tests: a small one with something of everything, one with hostile words, one of any size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from ledger_tool.core.changes.runclaim import NO_RUN, RunClaim
from ledger_tool.core.history.log import LogEntry
from ledger_tool.core.ledger.names import SourceRef, Timestamp, format_timestamp
from ledger_tool.core.ledger.record import Key, Name, Record
from ledger_tool.core.site.facts import (
    BaseFacts,
    ChangeFacts,
    DependentFacts,
    DigestPlace,
    DriftFacts,
    DriftNote,
    EnvironmentCell,
    PlaceKind,
    RunningFacts,
    RunningNote,
    RunningPlace,
    SiteFacts,
    SiteImage,
    TagFacts,
)
from tests.support.values.make import digest, record, source

AT = Timestamp("2026-11-24T09:30:00Z")
PAGE = "https://github.com/myorg/ledger"
RUN = RunClaim("https://ci.example.com/runs/4711", "alice")


def commit(seed: object) -> str:
    """Return a commit id."""
    return digest(seed)[7:47]


def before(hours: float, at: Timestamp = AT) -> Timestamp:
    """Return a time before another one."""
    return format_timestamp(datetime.fromisoformat(at) - timedelta(hours=hours))


def entry(name: str, action: str = "publish", seed: object = 1, hours: float = 1, **more: object) -> LogEntry:
    """Return what a commit did to a record; `more` are fields of the entry."""
    image, _, tag = name.partition(":")
    plain = LogEntry(
        commit(seed), before(hours), "ledger", action, Name(image, tag), "linux/amd64",
        digest(name), source_ref=source(name), run=RUN,
    )  # fmt: skip
    return replace(plain, **more)  # type: ignore[arg-type]


def tag(*records: Record, **more: object) -> TagFacts:
    """Return an image:tag of records; `more` are further fields."""
    first = records[0]
    pulls = tuple(
        f"{host}/{first.image}@{first.pull_digest}" for host in ("registry.example.com", "mirror.example.net")
    )
    plain = TagFacts(
        first.name, records, first.pull_digest, pulls, first.published_at,
        tuple(dict.fromkeys(each.source_ref for each in records)),
    )  # fmt: skip
    return replace(plain, **more)  # type: ignore[arg-type]


def image_of(name: str, tags: Iterable[TagFacts], **more: object) -> SiteImage:
    """Return an image; its newest tag is the first that may be used."""
    tags = tuple(tags)
    newest = next((each for each in tags if not each.yanked and not each.is_expired and not each.is_mutable), None)
    return replace(SiteImage(name, tags, newest, (), ()), **more)  # type: ignore[arg-type]


def platforms(image: str, tag: str, **more: object) -> tuple[Record, ...]:
    """Return the records of an image:tag for two platforms."""
    index = digest(f"{image}:{tag}")
    return tuple(
        record(image, tag, platform=each, digest=digest(f"{image}:{tag} {each}"), index=index, **more)
        for each in ("linux/amd64", "linux/arm64")
    )


def site_facts() -> SiteFacts:
    """Return the facts of a small site, which has something of everything that a site shows."""
    base_ref = f"docker.io/library/debian:bookworm@{digest('debian')}"
    ours = Name("platform/base", "2.1.0")
    newest = tag(
        *platforms(
            "myorg/app", "v1.5.0", publishedAt=before(2), sourceRef=source("v1.5.0"), dependsOn=[base_ref],
            labels={"team": "payments", "env": "prod"},
            provenance={"digest": digest("att"), "builder": "https://ci.example.com/builder", "signer": "payments-ci"},
        ),
        previous="v1.4.2", compare=f"{PAGE}/compare/a...b", owners=("payments-ci",),
        bases=(BaseFacts(base_ref), BaseFacts(f"platform/base:2.1.0@{digest(ours)}", ours, digest("rebuilt"), ours)),
        dependents=(DependentFacts(Name("myorg/web", "v2.0.0")),), dependent_count=1, rebuild_step=1,
    )  # fmt: skip
    forced = {"replaces": digest("old"), "reason": "rebuilt after the CVE in the base image"}
    older = tag(*platforms("myorg/app", "v1.4.2", publishedAt=before(26), sourceRef=source("v1.4.2"), forced=forced))
    broken = tag(
        record(
            "myorg/app", "v1.4.1", platform="linux/amd64", digest=digest("v1.4.1"), publishedAt=before(200),
            yanked={"at": before(100), "reason": "crashes on start"},
        ),
        yanked="crashes on start",
    )  # fmt: skip
    preview = tag(
        record("myorg/app", "pr-7", platform="linux/amd64", digest=digest("pr-7"), publishedAt=before(3), ttl="7d"),
        expires=before(-165), is_mutable=True,
    )  # fmt: skip
    gone = tag(
        record("myorg/app", "pr-5", platform="linux/amd64", digest=digest("pr-5"), publishedAt=before(300), ttl="7d"),
        expires=before(132), is_expired=True, is_mutable=True,
    )  # fmt: skip
    web = tag(
        record("myorg/web", "v2.0.0", platform="linux/amd64", digest=digest("web"), publishedAt=before(40)),
        bases=(BaseFacts(f"myorg/app:v1.5.0@{newest.digest}", newest.name),),
    )  # fmt: skip
    base = tag(
        *platforms("platform/base", "2.1.0", publishedAt=before(500)),
        dependents=(DependentFacts(newest.name, is_stale=True),),
        dependent_count=1,
    )
    cells = (
        _cell("staging", "v1.5.0", newest, "same"),
        _cell(
            "prod", "v1.4.2", older, "behind", against="staging", other="v1.5.0", compare=newest.compare,
            remarks=("has v1.4.2, which has expired",), fates=("expired",),
        ),
    )  # fmt: skip
    drift = DriftNote(
        "tag-moved", "drift", "main", "myorg/app", "v1.5.0", "linux/amd64", newest.digest, digest("other"),
        "the tag serves another digest", before(60), "ledger restore myorg/app:v1.5.0",
    )  # fmt: skip
    away = DriftNote("untracked", "housekeeping", "main", "myorg/tool", "v1", "", "", digest("tool"), "no record", "")
    runs = RunningNote(
        "replaced", "drift", "myorg/app", "v1.4.2", "v1.4.2", digest("old"), "v1.4.2",
        "replaced by force", 3, (RunningPlace("eu-1", "payments", "api", "Deployment", 3),), older.digest,
    )  # fmt: skip
    alien = RunningNote(
        "foreign", "none", "docker.io/library/redis", "7", "", digest("redis"), "", "", 1,
        (RunningPlace("eu-1", "cache", "redis", "StatefulSet", 1),),
    )  # fmt: skip
    log = (
        entry("myorg/app:v1.5.0", seed=1, hours=2, digest=digest("myorg/app:v1.5.0 linux/amd64"), index=newest.digest),
        entry("myorg/app:prod", "promote", 2, 20, version="v1.4.2", replaces_version="v1.4.1", run=NO_RUN),
        entry(
            "myorg/app:v1.4.2", seed=3, hours=26, digest=older.records[0].digest, index=older.digest,
            replaces=(digest("old"),), reason=forced["reason"],
        ),
        entry("myorg/app:v1.4.1", "yank", 4, 100, reason="crashes on start", digest=digest("v1.4.1")),
    )  # fmt: skip
    app = image_of(
        "myorg/app", [newest, older, broken, preview, gone], environments=cells, timeline=log, drift=(drift,),
        running=(runs,),
    )  # fmt: skip
    app = replace(app, environments=[cells[0], replace(cells[1], given=log[1])])
    images = [app, image_of("myorg/web", [web]), image_of("platform/base", [base])]
    digests = digests_of(images, log)
    twin = Key("myorg/twin", "v1.0.0", "linux/amd64")  # another image with the same digest, which its own mark concerns
    digests[newest.digest].append(
        DigestPlace("index", twin, newest.digest, source("twin"), yanked="the twin is broken")
    )
    return SiteFacts(
        title="myorg ledger", url="https://ledger.example.com/", ledger_page=PAGE, commit=commit("head"), at=AT,
        images=images, environments=("staging", "prod"), changes=[change_of([each]) for each in log],
        expiring=[gone, preview], yanked=[broken], outdated=[newest], digests=digests,
        drift=DriftFacts(before(1), True, 12, {"in-sync": 10, "tag-moved": 1, "untracked": 1}, (drift, away)),
        running=[
            RunningFacts(
                before(1), "prod", True, 4, {"replaced": 3, "foreign": 1}, (runs, alien), (Name("myorg/web", "v2.0.0"),)
            )
        ],
    )  # fmt: skip


def _cell(environment: str, version: str, has: TagFacts, state: str, **more: object) -> EnvironmentCell:
    plain = EnvironmentCell(environment, has.name.image, version, has.digest, before(20), "same")
    return replace(plain, state=state, **more)  # type: ignore[arg-type]


def change_of(entries: list[LogEntry]) -> ChangeFacts:
    """Return the commit that did what entries say."""
    first = entries[0]
    return ChangeFacts(first.commit, first.at, first.by, entries, first.run, f"{PAGE}/commit/{first.commit}")


def digests_of(images: Iterable[SiteImage], log: Iterable[LogEntry] = ()) -> dict[str, list[DigestPlace]]:
    """Return the digests of records, and those that entries replaced."""
    places: dict[str, list[DigestPlace]] = {}
    log = list(log)
    for each in (each for image in images for tag in image.tags for each in tag.records):
        yanked = each.yanked.reason if each.yanked else ""
        roles: dict[PlaceKind, str] = {"image": each.digest, "index": each.index or "", "config": each.config or ""}
        for kind, value in roles.items():
            if value:
                since = next((one for one in log if one.name == each.name and one.action == "publish"), None)
                place = DigestPlace(kind, each.key, value, each.source_ref, each.version or "", yanked, since)
                places.setdefault(value, []).append(place)
    for one in log:
        for value in one.replaces:
            place = DigestPlace("replaced", one.key, value, one.source_ref, until=one)
            places.setdefault(value, []).append(place)
    return places


# What a page must show as it is, and nothing more: markup, an end of what may surround it, entities, controls.
HOSTILE = (
    '</script><script>window.__pwned=1</script><img src=x onerror="window.__pwned=1"> \'"`&amp;&#x3c; {{7*7}} {% x %} '
    "]]> --> \x1b[31m \u202eevil\u2028\u2029\x00 javascript:window.__pwned=1 ##[error]"
)
BAD_LINK = "javascript:window.__pwned=1"


def hostile_facts() -> SiteFacts:
    """Return the facts of a site with hostile words in every field that may hold words, and in addresses."""
    plain = site_facts()
    app = plain.images[0]
    text = HOSTILE.translate({ord(bad): None for bad in "\x1b\u202e\u2028\u2029\x00"})  # what a record can hold
    records = tuple(
        replace(
            each, labels={"a": text, "b": HOSTILE}, depends_on=(HOSTILE,),
            source_ref=SourceRef(f"https://git.example.com/'(x)&amp;=;@{'a' * 40}"),
            provenance=replace(each.provenance, builder=HOSTILE, signer=HOSTILE) if each.provenance else None,
        )
        for each in app.tags[0].records
    )  # fmt: skip
    first = replace(
        app.tags[0], records=records, pulls=(HOSTILE,), sources=(f"{BAD_LINK}@{'b' * 40}", HOSTILE), compare=BAD_LINK,
        yanked=HOSTILE, bases=(BaseFacts(HOSTILE, None, HOSTILE),), owners=(HOSTILE,),
    )  # fmt: skip
    claim = RunClaim(BAD_LINK, HOSTILE)
    log = tuple(replace(each, by=HOSTILE, reason=HOSTILE, run=claim, action=HOSTILE) for each in app.timeline)
    drift = DriftNote(
        HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE,
    )  # fmt: skip
    run = RunningNote(
        HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, 1,
        (RunningPlace(HOSTILE, HOSTILE, HOSTILE, HOSTILE, 1),),
    )  # fmt: skip
    cells = tuple(replace(each, compare=BAD_LINK, remarks=(HOSTILE,)) for each in app.environments)
    app = replace(app, tags=(first, *app.tags[1:]), environments=cells, timeline=log, drift=(drift,), running=(run,))
    places = {
        value: [replace(each, source_ref=HOSTILE, yanked=HOSTILE, since=log[0], until=log[1]) for each in group]
        for value, group in plain.digests.items()
    }
    assert plain.drift
    return replace(
        plain, title=HOSTILE, ledger_page=BAD_LINK, images=[app, *plain.images[1:]], yanked=[first],
        changes=[replace(each, by=HOSTILE, run=claim, page=BAD_LINK, entries=log) for each in plain.changes],
        expiring=[replace(first, expires=before(-3))], digests=places,
        drift=replace(plain.drift, notes=(drift,), summary={HOSTILE: 1}),
        running=[replace(plain.running[0], environment=HOSTILE, notes=(run,), summary={HOSTILE: 1})],
    )  # fmt: skip


def many_facts(images: int, tags: int = 1) -> SiteFacts:
    """Return the facts of a site with many images, each of which is behind in one environment."""
    made = []
    for number in range(images):
        name = f"team-{number % 97}/service-{number:06}"
        each = [
            tag(record(name, f"v1.{tags - at}.0", platform="linux/amd64", digest=digest(f"{name}{at}")))
            for at in range(tags)
        ]
        cells = (_cell("prod", "v1.0.0", each[0], "behind", other=each[0].name.tag),)
        made.append(image_of(name, each, environments=cells))
    return SiteFacts(
        title="many", url="", ledger_page="", commit=commit("head"), at=AT, images=made, environments=("prod",),
        changes=[], expiring=[], yanked=[], digests={},
    )  # fmt: skip
