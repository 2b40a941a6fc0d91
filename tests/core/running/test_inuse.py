"""What has to stay because it runs, told a second time by plain text."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Policy, Registry
from ledger_tool.core.policy.resolve import Resolver
from ledger_tool.core.running.input import parse_running
from ledger_tool.core.running.inuse import in_use, pulled_images
from ledger_tool.core.writes.prune import PruneCriteria, choose
from tests.support.values.make import digest, ledger_of, record
from tests.support.values.profiles import example_count
from tests.support.values.running import HOST, docker_ps, running_pod

NOW = Timestamp("2026-11-28T00:00:00Z")
POLICY = Policy(registries=(Registry(HOST, ("myorg/*",)), Registry("docker.io", ("nginx",))))
IMAGES, TAGS, POOL = ("myorg/app", "myorg/web", "nginx"), ("v1", "pr-1", "latest"), tuple(map(digest, range(6)))
_digests = st.sampled_from(POOL)


@st.composite
def _records(draw: st.DrawFn) -> list[Record]:
    keys = draw(st.lists(st.tuples(st.sampled_from(IMAGES), st.sampled_from(TAGS)), unique=True))
    return [
        record(
            image, tag, digest=draw(_digests), index=draw(_digests | st.none()), config=draw(_digests | st.none()),
            ttl=draw(st.sampled_from(["1m", None])),
        )
        for image, tag in keys
    ]  # fmt: skip


def _written(image: str, tag: str) -> str:
    """Return how a manifest writes an image of ours."""
    name = "nginx" if image == "nginx" else f"{HOST}/{image}"
    return f"{name}:{tag}" if tag else name


_asked = st.builds(_written, st.sampled_from(IMAGES), st.sampled_from(["", *TAGS]))
_pods = st.builds(running_pod, _asked, st.just("") | _digests | _digests.map(f"{HOST}/myorg/app@{{}}".format))
_pinned = st.builds("{}@{}".format, _asked, _digests).map(lambda image: running_pod(image, ""))
_lines = st.builds(docker_ps, st.just("web"), _asked | _digests | _digests.map(lambda one: one[7:19]))


@example_count(200)
@given(_records(), st.lists(_pods | _pinned | _lines, min_size=1, max_size=4), st.booleans())
def test_a_prune_takes_nothing_that_runs(records: list[Record], values: list[dict[str, object]], last: bool) -> None:
    ledger = ledger_of(*records)
    resolver = Resolver(POLICY, ledger.has_image)
    text = "\n".join(map(json.dumps, values))
    used = in_use(parse_running(text.encode(), "the file"), resolver)
    gone = choose(ledger, PruneCriteria(now=NOW, last=last, in_use=used)).going
    stays = {
        one.record.key: one.reason for one in choose(ledger, PruneCriteria(now=NOW, last=last, in_use=used)).spared
    }
    for one in gone:
        for own in filter(None, (one.digest, one.index, one.config)):
            assert own[7:19] not in text
        assert f'"{_written(one.image, one.tag)}"' not in text
        assert one.tag != "latest" or f'"{_written(one.image, "")}"' not in text
    without = {one.key for one in choose(ledger, PruneCriteria(now=NOW, last=last)).going}
    for key, reason in stays.items():
        if key in without:
            assert "runs in " in reason or "last tag" in reason


def test_what_runs_is_pulled_by_a_digest_or_by_a_tag_of_which_nothing_more_is_known() -> None:
    known = record("myorg/app", "v1", digest=POOL[0], config=POOL[1])
    ledger = ledger_of(known)
    resolver = Resolver(POLICY, ledger.has_image)

    def pulled(*values: dict[str, object]) -> list[tuple[str, str, str]]:
        raw = "\n".join(map(json.dumps, values)).encode()
        return [(one.image, one.tag, one.digest) for one in pulled_images(parse_running(raw, "it"), resolver, ledger)]

    app = f"{HOST}/myorg/app"
    assert pulled(running_pod(f"{app}:v1", f"{app}@{POOL[2]}")) == [
        ("myorg/app", "v1", POOL[2]), ("myorg/app", "", POOL[2])
    ]  # fmt: skip
    assert pulled(running_pod(f"{app}:v1", POOL[1])) == []  # its record is known, and kept
    assert pulled(running_pod(f"{app}:v2", POOL[3])) == [("myorg/app", "v2", "")]
    assert pulled(docker_ps("web", app)) == [("myorg/app", "latest", "")]
    assert pulled(docker_ps("web", "quay.io/other/app:v1"), docker_ps("web", "other:v1")) == []
