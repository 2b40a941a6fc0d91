"""How a comparison looks: on a phone, and with names from outside that try to be something else."""

from __future__ import annotations

import pytest

from ledger_tool.commands.compare import ComparedSets
from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.changes.promotion import promoted
from ledger_tool.core.judging.compare import EnvironmentSet, compared, equalizing_promotion
from ledger_tool.core.ledger.names import Tag, Timestamp
from ledger_tool.core.ledger.record import Record
from ledger_tool.core.policy.policy import Environment, Policy
from ledger_tool.render.compare import as_json, as_markdown, as_text
from ledger_tool.render.view import View
from tests.support.values.make import but, digest, ledger_of, record

NOW = Timestamp("2026-11-26T12:00:00Z")
POLICY = Policy(environments={"staging": Environment(), "production": Environment("staging")})
LONG = "platform-team/observability/metrics-collector"
REASON = "crashes on start | see <b>the</b> issue\u202e `x` @team #7"


def version(image: str, tag: str, **more: object) -> Record:
    page = f"https://github.com/team/{image.rpartition('/')[2]}@{digest((image, tag))[7:47]}"
    return record(image, tag, digest=digest((image, tag)), platform="linux/amd64", **{"sourceRef": page} | more)


@pytest.fixture
def done() -> ComparedSets:
    """Return a comparison with everything that a table may have to show."""
    app, newer = version("myorg/app", "v1.5.0"), version("myorg/app", "v1.6.0")
    long = version(LONG, "v2026.11.1-build.20261124-4ef5a30")
    web, other = version("web", "main"), but(version("web", "main"), digest=digest("other"))
    bad = but(version("worker", "v1"), yanked={"at": NOW, "reason": REASON})
    has = [
        *(promoted([one], Tag("production"), Timestamp("2026-11-01T00:00:00Z"))[0] for one in (app, web, bad)),
        *(promoted([one], Tag("staging"), Timestamp("2026-11-26T09:30:00Z"))[0] for one in (newer, other, bad, long)),
    ]
    snapshot = Snapshot("", ledger_of(app, newer, long, other, bad, *has), POLICY)
    first, second = (EnvironmentSet(Tag(side), snapshot.ledger, NOW) for side in ("production", "staging"))
    comparison = compared(first, second, snapshot, NOW)
    return ComparedSets(comparison, equalizing_promotion(comparison, snapshot, NOW))


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_narrow_terminal_has_all_versions_and_changes_and_nothing_is_cut(done: ComparedSets, width: int) -> None:
    lines = list(as_text(done.comparison, View(width)))
    wide = [line for line in lines if len(line) > width]
    assert all(line.strip().startswith(("https://", LONG)) or "v2026" in line for line in wide[1:]), wide
    text = "\n".join(lines)
    for word in ("v1.5.0", "v1.6.0", "upgrade", "other digest", LONG, "v2026.11.1-build.20261124-4ef5a30", "is yanked"):
        assert word in text
    assert f"https://github.com/team/app/compare/{digest(('myorg/app', 'v1.5.0'))[7:47]}" in text


def test_it_says_for_how_long_each_has_had_its_version(done: ComparedSets) -> None:
    lines = list(as_text(done.comparison, View()))
    assert lines[0] == ("production → staging: 3 of 4 images differ: 1 upgrade, 1 only in staging, 1 other digest")
    assert lines[3].split()[:6] == ["myorg/app", "v1.5.0", "(25d)", "v1.6.0", "(2h)", "upgrade"]


def test_one_version_with_two_digests_has_both_beside_each_other(done: ComparedSets) -> None:
    first, second = (digest(seed)[:19] for seed in (("web", "main"), "other"))
    told = f"main is {first} in production, and {second} in staging"
    assert any(told in line for line in as_text(done.comparison, View()))
    assert any(
        f"`main` is `{first}` in `production`, and `{second}` in `staging`" in line for line in as_markdown(done)
    )


def test_nothing_from_a_record_breaks_out(done: ComparedSets) -> None:
    for output in ([*as_text(done.comparison, View(60))], list(as_markdown(done)), [as_json(done)]):
        assert not any("\u202e" in line for line in output)
    (row,) = (line for line in as_markdown(done) if "is yanked" in line and line.startswith("|"))
    assert r"``worker:v1 is yanked: crashes on start \| see <b>the</b> issue" in row
    assert list(as_markdown(done))[-1].startswith(
        "`ledger promote --from staging --all --to production` would be refused: "
    )
