"""Credentials that a registry repeats, masked in the errors of everything that talks to it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from ledger_tool.core.ledger.secrets import Mask
from ledger_tool.errors import LedgerError

P = ParamSpec("P")
T = TypeVar("T")


class Masking(Protocol):
    """Something that sends credentials, and knows how to mask them."""

    @property
    def mask(self) -> Mask:
        """What masks the credentials and tokens that were sent."""


C = TypeVar("C", bound=Masking)


def masked(method: Callable[Concatenate[C, P], T]) -> Callable[Concatenate[C, P], T]:
    """Mask our credentials and tokens in every error of a method, whatever the server made of them."""

    @wraps(method)
    def run(client: C, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(client, *args, **kwargs)
        except LedgerError as error:
            raise error.masked(client.mask) from None

    return run
