"""Clients that publish, force, crash and get in each other's way, against a dict as the model.

After every step an independent checker walks the whole history of the real repository (promises 1-5).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ledger_tool.commands.records import list_records
from ledger_tool.core.changes.change import Change, Snapshot
from ledger_tool.core.ledger.names import Digest, Ttl, format_timestamp
from ledger_tool.core.ledger.query import Query
from ledger_tool.core.writes import publish as rules
from ledger_tool.edges.git.location import Credentials
from ledger_tool.edges.git.session import Session, SessionOptions, open_session
from ledger_tool.errors import Conflict
from ledger_tool.render.screen import Screen
from tests.support.git.checker import check_history
from tests.support.git.upstream import Upstream
from tests.support.values.make import digest, draft
from tests.support.values.profiles import example_count

pytestmark = pytest.mark.usefixtures("short_pauses")

Key = tuple[str, str]
Operation = Callable[[Snapshot], Change]

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_keys = st.tuples(st.sampled_from(["v1", "v2", "latest"]), st.sampled_from(["linux/amd64", "linux/arm64"]))
_seeds = st.integers(0, 2)
_ttls = st.sampled_from([None, "1h", "2d"])


class _Crash(BaseException):
    """The client's process is gone."""


class _Over(BaseException):
    """A publish had nothing to offer at its first look."""


def _image(key: Key, seed: int) -> Digest:
    """Return the digest of an image of a platform: no other platform has it."""
    return Digest(digest((key[1], seed)))


class Clients(RuleBasedStateMachine):
    """The model: what every key must hold, and when it was published with which TTL."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="state-machine-"))
        self.upstream = Upstream.create(self.folder / "ledger.git", settings="tags:\n  mutable: [latest]\n")
        self.model: dict[Key, str] = {}
        self.published: dict[Key, datetime] = {}
        self.ttls: dict[Key, Ttl | None] = {}
        self.commits = 1
        self.now = _EPOCH

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    # What clients do.

    @rule(key=_keys, seed=_seeds, ttl=_ttls)
    def publish(self, key: Key, seed: int, ttl: Ttl | None) -> None:
        """Publishing adds, moves a mutable tag, does nothing a second time, or is a conflict."""
        self._publish_as_the_model_says(self._publish(key, seed, ttl), key, seed, ttl)

    @rule(key=_keys, seed=_seeds)
    def publish_by_force(self, key: Key, seed: int) -> None:
        """Force with a reason moves any tag."""
        self._expect(self._run(self._publish(key, seed, None, reason="because")), key, seed, None)

    @rule(mine=_keys, theirs=_keys, seed=_seeds, their_seed=_seeds)
    def publish_while_another_client_is_first(self, mine: Key, theirs: Key, seed: int, their_seed: int) -> None:
        """The other client lands between our look and our offer; we are judged on what it left.

        Unless there was nothing to offer: then our publish was over with the look, before the other's.
        """
        looks: list[Change] = []

        def interleaved(snapshot: Snapshot) -> Change:
            if not looks:
                self.publish(theirs, their_seed, None)
            looks.append(self._publish(mine, seed, None)(snapshot))
            return looks[-1]

        def over_with_the_look(snapshot: Snapshot) -> Change:
            change = interleaved(snapshot)
            if not change.changed and len(looks) == 1:
                raise _Over
            return change

        with suppress(_Over):
            self._publish_as_the_model_says(over_with_the_look, mine, seed, None)

    @rule(key=_keys, seed=_seeds)
    def crash_before_the_push(self, key: Key, seed: int) -> None:
        """The client is gone after it made its change and before it could offer it."""

        def crash(snapshot: Snapshot) -> Change:
            with suppress(Conflict):
                self._publish(key, seed, None)(snapshot)
            raise _Crash

        with suppress(_Crash):
            self._run(crash)

    @rule(key=_keys, seed=_seeds)
    def lose_the_answer(self, key: Key, seed: int) -> None:
        """The server dies after its ref update and before its answer, once."""
        once = self.folder / "once"
        once.unlink(missing_ok=True)
        self.upstream.hook(
            "reference-transaction",
            f'if [ "$1" = committed ] && [ ! -e {once} ]; then touch {once}; kill -9 $PPID; sleep 0.1; fi',
        )
        try:
            self.publish(key, seed, None)
        finally:
            (self.upstream.path / "hooks" / "reference-transaction").unlink()

    @rule(hours=st.integers(-30, 80))
    def jump_the_clock(self, hours: int) -> None:
        """Clocks of CI machines go forward, and back."""
        self.now += timedelta(hours=hours)

    # What must hold after each step.

    @invariant()
    def the_history_keeps_every_promise(self) -> None:
        """Linear, valid at every commit, explained by its trailers, and at its tip what the model says."""
        states = check_history(self.upstream.path, mutable=("latest",))
        assert len(states) == self.commits
        tip = {(tag, platform): record["digest"] for (_, tag, platform), record in states[-1].items()}
        assert tip == self.model

    @invariant()
    def expired_is_what_the_model_says(self) -> None:
        """A record expires at its own publishedAt and TTL, whatever the clocks do meanwhile."""
        query = Query(expired_at=format_timestamp(self.now))
        with self._session() as session:
            found = {(record.tag, record.platform or "") for record in list_records(session.source(), query)}
        lengths = {None: timedelta.max, "1h": timedelta(hours=1), "2d": timedelta(days=2)}
        ages = {key: self.now - published for key, published in self.published.items()}
        assert found == {key for key, age in ages.items() if age >= lengths[self.ttls[key]]}

    # How.

    def _session(self) -> Session:
        return open_session(self.upstream.url, SessionOptions(credentials=Credentials()), Screen())

    def _publish(self, key: Key, seed: int, ttl: Ttl | None, reason: str = "") -> Operation:
        when = format_timestamp(self.now)
        one = draft(
            tag=key[0], platform=key[1], digest=_image(key, seed), index=digest(key[0]), ttl=ttl, published_at=when
        )
        return lambda snapshot: rules.publish(snapshot, [one], force_reason=reason)

    def _run(self, operation: Operation) -> bool:
        before, tempfile.tempdir = tempfile.tempdir, tempfile.mkdtemp(dir=self.folder)  # a machine of its own
        try:
            with self._session() as session:
                return session.store().transact(operation).change.changed
        finally:
            tempfile.tempdir = before

    def _publish_as_the_model_says(self, operation: Operation, key: Key, seed: int, ttl: Ttl | None) -> None:
        try:
            changed = self._run(operation)
        except Conflict:
            assert self._is_conflict(key, seed)
        else:
            assert not self._is_conflict(key, seed)
            self._expect(changed, key, seed, ttl)

    def _is_conflict(self, key: Key, seed: int) -> bool:
        return key[0] != "latest" and self.model.get(key, _image(key, seed)) != _image(key, seed)

    def _expect(self, changed: bool, key: Key, seed: int, ttl: Ttl | None) -> None:
        is_new = self.model.get(key) != _image(key, seed)
        is_update = not is_new and ttl is not None and ttl != self.ttls[key]
        assert changed == (is_new or is_update)
        self.commits += changed
        self.model[key] = _image(key, seed)
        if is_new:
            self.published[key] = self.now
        if is_new or is_update:
            self.ttls[key] = ttl


TestClients = Clients.TestCase
TestClients.settings = settings(example_count(8), stateful_step_count=12)
