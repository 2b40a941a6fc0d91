"""A URL with a login in it, mistyped and in the wrong place, is never repeated with its login."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.values.make import SOURCE, digest
from tests.support.values.outcome import Outcome

Run = Callable[..., Outcome]
TOKEN = "ghpTOKEN123"
TYPOS = (
    f"//u:{TOKEN}@h/x",
    f"u:{TOKEN}@h:x",
    f"u:{TOKEN}@git.example.com/x",
    f"-u:{TOKEN}@h:x",
    f"https:/u:{TOKEN}@h/x",
    f"https:u:{TOKEN}@h/x",
    f"http//u:{TOKEN}@h/x",
    f"htps://{TOKEN}@h/x",
    f"git+https://u:{TOKEN}@h/x",
    f"ssh://u:{TOKEN}@h/x",
    f"ssh:u:{TOKEN}@h:x",
    f"ftp://u:{TOKEN}@h/x",
    f"file://u:{TOKEN}@h/x",
    f"ext::https://u:{TOKEN}@h/x",
    f"https://u:{TOKEN}@h/x?y",
    f"https://u:{TOKEN}@",
    f"https://u:{TOKEN}",
    f"https://u:A/{TOKEN}@h/x",
    f"https://u:A {TOKEN}@h/x",
    f"https://[u:{TOKEN}@h/x",
    f"https:\\\\u:{TOKEN}@h\\x",
)
PUBLISH = ("publish", f"app:v1@{digest()}", "--offline", "--source")
PLACES = (
    ("list", "--repo"),
    ("list", "--branch"),
    ("list", "--format"),
    PUBLISH,
    (*PUBLISH, SOURCE, "--depends-on"),
    (*PUBLISH, SOURCE, "--label"),
    (*PUBLISH, SOURCE, "--deploy-key"),
    ("init", "--registry"),
    ("pin",),
    ("get",),
    ("doctor",),
    ("whence",),
    ("nosuch",),
    ("get", "app:v1", "app:v2"),
)


@pytest.mark.parametrize("place", PLACES, ids=" ".join)
def test_a_login_in_a_mistyped_url_is_repeated_by_no_option(ledger: Run, place: tuple[str, ...]) -> None:
    for typo in TYPOS[:5] if place == ("nosuch",) else TYPOS:  # the whole program is slow to build
        done = ledger(*place, typo)
        assert done.code == 2, (typo, done)
        assert TOKEN not in done.out + done.err, (typo, done)
        assert done.err.startswith("error: ")


@pytest.mark.parametrize("typo", [f"u:{TOKEN}@h", f"{TOKEN}{TOKEN}@h:x"])
@pytest.mark.parametrize("variable", ["LEDGER_REPO", "LEDGER_FORGE_URL"])
def test_what_can_only_be_an_address_is_shown_without_its_login(
    ledger: Run, monkeypatch: pytest.MonkeyPatch, variable: str, typo: str
) -> None:
    monkeypatch.setenv("LEDGER_REPO", "https://git.example.com/team/ledger.git")
    monkeypatch.setenv(variable, typo)
    monkeypatch.setenv("PATH", "/nowhere")  # nothing is asked
    done = ledger(*PUBLISH, SOURCE, *(["--pull-request"] if variable == "LEDGER_FORGE_URL" else []))
    assert done.code == 2
    assert TOKEN not in done.err
