"""What needs attention: one card for each kind of trouble, the gravest first, and each version once.

A version that a card shows is left out of those that follow it: what they would say of it stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from ledger_tool.core.ledger.record import Name
from ledger_tool.core.site import paths
from ledger_tool.core.site.facts import DriftNote, EnvironmentCell, RunningNote, SiteFacts, TagFacts
from ledger_tool.render.site.findings import DRIFT, RUNNING, Findings
from ledger_tool.render.site.shell import EXPIRING, MATRIX, OUTDATED, YANKED
from ledger_tool.render.site.wording import Badge, is_pressing, note_badge
from ledger_tool.render.view import Role

_ITEMS = 3  # of a card


class Beside(NamedTuple):
    """What another card would say of a version, and where all of that kind are."""

    badge: Badge
    place: str


class Item(NamedTuple):
    """What a card says of a version: the first fact, further ones of the same kind, and what other cards would say."""

    fact: Any
    further: Sequence[Any]
    beside: Sequence[Beside]
    place: str


class Card(NamedTuple):
    """Something that needs attention: `kind` says what `items` are, the first of `total` facts; `path` has them all."""

    kind: str
    role: Role
    title: str
    total: int
    items: Sequence[Item]
    path: str

    @property
    def has_more(self) -> bool:
        """Whether it does not show all of them."""
        return self.total > sum(1 + len(item.further) for item in self.items)


class _Trouble(NamedTuple):
    """A kind of trouble: its facts by version, and, of each fact, what to say beside another one, and where it is."""

    card: Card
    facts: Mapping[Name, Sequence[Any]]
    badge: Callable[[Any], Badge]
    place: Callable[[Any], str]


def cards(facts: SiteFacts, findings: Findings) -> Iterator[Card]:
    """Yield the cards that have something to show, the gravest first."""
    troubles = list(_troubles(facts, findings))
    told: set[Name] = set()
    for trouble in troubles:
        names = list(islice((name for name in trouble.facts if name not in told), _ITEMS))
        told.update(names)
        if names:
            yield trouble.card._replace(items=[_item(name, trouble, troubles) for name in names])


def _item(name: Name, trouble: _Trouble, troubles: Sequence[_Trouble]) -> Item:
    first, *further = trouble.facts[name]
    said = {trouble.badge(first).word, *(("yanked", "expired") if trouble.card.kind == "unfit" else ())}
    beside = []
    for other in troubles:
        if other is not trouble and name in other.facts:
            fact = other.facts[name][0]
            badge = other.badge(fact)
            if badge.word not in said:
                beside.append(Beside(badge, other.place(fact)))
                said.add(badge.word)
    return Item(first, further, beside, trouble.place(first))


def _troubles(facts: SiteFacts, findings: Findings) -> Iterator[_Trouble]:
    drift = [note for note in facts.drift.notes if is_pressing(note)] if facts.drift else []
    runs = [note for report in facts.running for note in report.notes if is_pressing(note)]
    cells = [cell for image in facts.images for cell in image.environments]
    unfit = [cell for cell in cells if cell.remarks]
    behind = sorted((cell for cell in cells if cell.state == "behind"), key=lambda cell: cell.since)
    yield _trouble("drift", "bad", "Drift", DRIFT, drift, note_badge, findings.place)
    yield _trouble("running", "bad", "Not running as recorded", RUNNING, runs, note_badge, findings.place)
    yield _trouble("unfit", "bad", "Environments with unfit versions", MATRIX, unfit, _held)
    yield _trouble("behind", "doubtful", "Environments behind", MATRIX, behind, _behind)
    yield _trouble("outdated", "doubtful", "Built on an outdated base", OUTDATED, facts.outdated, _outdated)
    yield _trouble("yanked", "minor", "Yanked", YANKED, facts.yanked, _yanked)
    yield _trouble("expiring", "minor", "Expired and expiring", EXPIRING, facts.expiring, _expiring)


def _trouble(
    kind: str,
    role: Role,
    title: str,
    path: str,
    facts: Sequence[Any],
    badge: Callable[[Any], Badge],
    place: Callable[[Any], str] | None = None,
) -> _Trouble:
    page = paths.list_page(path)
    by_name: dict[Name, list[Any]] = {}
    for fact in facts:
        by_name.setdefault(_name(fact), []).append(fact)
    return _Trouble(Card(kind, role, title, len(facts), (), page), by_name, badge, place or (lambda _: page))


def _name(fact: DriftNote | RunningNote | EnvironmentCell | TagFacts) -> Name:
    """Return the version that a fact is about; of what has no version, whatever it is called."""
    match fact:
        case TagFacts():
            return fact.name
        case EnvironmentCell():
            return Name(fact.image, fact.version if fact.is_version else fact.environment)
        case RunningNote():
            return Name(fact.image, fact.version or fact.tag)
        case DriftNote():
            return Name(fact.image, fact.tag)


def _held(cell: EnvironmentCell) -> Badge:
    return Badge("bad", f"in {cell.environment}")


def _behind(cell: EnvironmentCell) -> Badge:
    return Badge("doubtful", f"behind in {cell.environment}")


def _outdated(_: TagFacts) -> Badge:
    return Badge("doubtful", "outdated base")


def _yanked(_: TagFacts) -> Badge:
    return Badge("bad", "yanked")


def _expiring(tag: TagFacts) -> Badge:
    return Badge("bad", "expired") if tag.is_expired else Badge("minor", "expiring")
