"""How many examples a property test tries: two profiles of Hypothesis, and a test's own number in each of them."""

from __future__ import annotations

from math import ceil

from hypothesis import HealthCheck, settings

_FULL, _QUICK = 100, 20


def register() -> None:
    """Register the profiles `full` and `quick`, and load `quick`; `pytest --hypothesis-profile full` loads the other.

    Both try the same examples on every run, so that a red build stays red until it is fixed.
    """
    for name, count in (("full", _FULL), ("quick", _QUICK)):
        settings.register_profile(
            name,
            max_examples=count,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        )
    settings.load_profile("quick")


def example_count(count: int) -> settings:
    """Return settings for a property that needs more or fewer examples than most: `count` in the profile `full`."""
    return settings(max_examples=ceil(count * settings().max_examples / _FULL))
