"""Stands in for `rpds` in the zipapp: the same three collections, without compiled code, as jsonschema needs them.

They never change either: each operation returns a new one. It costs a copy each time, which for the few dozen schemas
of a run takes less than loading the compiled module. A property test holds both to the same answers.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any


class HashTrieMap(Mapping[Any, Any]):
    """A mapping; it is hashed by its entries."""

    __slots__ = ("_entries",)

    def __init__(self, value: Any = (), **more: Any) -> None:
        self._entries = dict(value, **more)

    @classmethod
    def convert(cls, value: Any) -> HashTrieMap:
        """Return a mapping's entries as a map."""
        return value if isinstance(value, cls) else cls(value)

    def __getitem__(self, key: Any) -> Any:
        return self._entries[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __hash__(self) -> int:
        return hash(frozenset(self._entries.items()))

    def __repr__(self) -> str:
        return f"HashTrieMap({self._entries!r})"

    def insert(self, key: Any, value: Any) -> HashTrieMap:
        """Return the map with this entry, in place of one that has the same key."""
        return HashTrieMap({**self._entries, key: value})

    def update(self, *maps: Any, **more: Any) -> HashTrieMap:
        """Return the map with the entries of others; the last one of a key wins."""
        entries = dict(self._entries)
        for each in (*maps, more):
            entries.update(each)
        return HashTrieMap(entries)

    def remove(self, key: Any) -> HashTrieMap:
        """Return the map without this key. Raises KeyError."""
        entries = dict(self._entries)
        del entries[key]
        return HashTrieMap(entries)

    def discard(self, key: Any) -> HashTrieMap:
        """Return the map without this key, if it has it."""
        return self.remove(key) if key in self._entries else self


class HashTrieSet(frozenset[Any]):
    """A set."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"HashTrieSet({set(self)!r})"

    def insert(self, value: Hashable) -> HashTrieSet:
        """Return the set with this value."""
        return HashTrieSet([*self, value])

    def update(self, *others: Iterable[Any]) -> HashTrieSet:
        """Return the set with the values of others."""
        return HashTrieSet(self.union(*others))

    def discard(self, value: Hashable) -> HashTrieSet:
        """Return the set without this value, if it has it."""
        return HashTrieSet(self.difference((value,)))


class List(tuple[Any, ...]):
    """A list that grows at its front."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"List({list(self)!r})"

    def push_front(self, value: Any) -> List:
        """Return the list with this value in front."""
        return List([value, *self])
