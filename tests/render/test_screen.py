"""What reaches the terminal: data on stdout as it is, words on stderr without secrets and escape sequences."""

from __future__ import annotations

import os
import sys

import pytest

from ledger_tool.errors import LedgerError, LocalDiskError, UsageError
from ledger_tool.render.screen import Screen

KEY = (
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n"
    "QyNTUxOQAAACBKsecretSecretSECRETsecretSecretSECRETsecretSecretSECRETAAA\n"
    "-----END OPENSSH PRIVATE KEY-----\n"
)
TOKEN = "glpat-0123456789"

Capture = pytest.CaptureFixture[str]


def test_data_goes_to_stdout_a_line_each_and_nothing_else_does(capsys: Capture) -> None:
    screen = Screen(verbose=True)
    screen.data(["one", '{"b": "é🚀"}'])
    screen.note("a note")
    screen.detail("a detail")
    screen.error(UsageError("wrong", "mend it"))
    out, err = capsys.readouterr()
    assert out == 'one\n{"b": "é🚀"}\n'
    assert err == "a note\na detail\nerror: wrong\n\nhint: mend it\n"


def test_a_reader_that_closes_stdout_early_is_not_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        Screen().data(["x" * 100_000] * 10)


def test_a_full_disk_behind_stdout_is_an_error_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    full = open("/dev/full", "w", encoding="utf-8")  # noqa: SIM115 - closing it fails too, as it should
    monkeypatch.setattr(sys, "stdout", full)
    with pytest.raises(LocalDiskError) as caught:
        Screen().data(["x"])
    assert "no space left on device" in caught.value.message
    assert caught.value.exit_code == 5
    with pytest.raises(OSError, match="No space"):
        full.close()


def test_details_are_for_those_who_asked(capsys: Capture) -> None:
    Screen().detail("a detail")
    assert capsys.readouterr() == ("", "")


def test_an_error_without_a_hint_is_one_line(capsys: Capture) -> None:
    Screen().error(LedgerError("wrong"))
    assert capsys.readouterr().err == "error: wrong\n"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("\x1b]0;owned\x07", r"\x1b]0;owned\x07"),
        ("\x1b[2J\x1b[1;1H", r"\x1b[2J\x1b[1;1H"),
        ("user\u202etxt.exe", r"user\u202etxt.exe"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("first\nsecond", r"first\nsecond"),
        ("back\rover", r"back\rover"),
        ("\x9b31m", r"\x9b31m"),
        ("\ud800", r"\ud800"),
        ("ünïcödé 🚀 日本語", "ünïcödé 🚀 日本語"),
    ],
)
def test_what_a_terminal_would_act_on_is_written_out(text: str, safe: str, capsys: Capture) -> None:
    screen = Screen()
    screen.note(text)
    screen.error(LedgerError(text, text))
    assert capsys.readouterr().err == f"{safe}\nerror: {safe}\n\nhint: {safe}\n"


@pytest.mark.parametrize(
    "text",
    [
        "cloning https://user:SECRET@git.example.com/app",
        "cloning https://SECRET@git.example.com/app",
        "cloning HTTPS://user:SECRET@git.example.com/app",
        "cloning https://user:p@SECRET@git.example.com/app",
        "cloning ssh://git:SECRET@git.example.com/app",
        "two: https://a:SECRET@h/x https://SECRET@h/y",
        "'https://user:SECRET@git.example.com/app'",
    ],
)
def test_credentials_in_a_url_are_never_shown(text: str, capsys: Capture) -> None:
    screen = Screen()
    screen.note(text)
    screen.error(LedgerError(text, text))
    screen.bug(f"Traceback\n{text}", "versions")
    err = capsys.readouterr().err
    assert "SECRET" not in err
    assert "***@" in err


def test_a_ci_runner_finds_no_order_in_a_note(capsys: Capture) -> None:
    Screen().note("warning: app:v1 is yanked: ##[add-mask]x")
    assert "##[" not in capsys.readouterr().err


def test_a_url_without_credentials_is_shown_whole(capsys: Capture) -> None:
    for url in ("https://git.example.com/team/app@4ef5a3030654", "ssh://git@git.example.com:2222/app", "git@h:a/b"):
        Screen().note(url)
        assert capsys.readouterr().err == f"{url}\n"


def test_a_secret_is_never_shown_wherever_it_stands(capsys: Capture) -> None:
    screen = Screen([TOKEN], verbose=True)
    screen.note(f"header: Bearer {TOKEN}")
    screen.detail(TOKEN)
    screen.error(LedgerError(f"token {TOKEN}!", f"use {TOKEN}"))
    screen.bug(f"ValueError: {TOKEN}", "versions")
    err = capsys.readouterr().err
    assert TOKEN not in err
    assert err.startswith("header: Bearer ***\n***\nerror: token ***!\n\nhint: use ***\n")


@pytest.mark.parametrize("key", [KEY, KEY.replace("\n", "\r\n"), KEY.replace("\n", "\\n"), KEY.rstrip()])
@pytest.mark.parametrize("how", ["{}", "{!r}", "line: {}"])
def test_a_private_key_is_never_shown_not_even_a_line_of_it(key: str, how: str, capsys: Capture) -> None:
    body = KEY.split("\n")[2]
    screen = Screen([key])
    shown = [how.format(key), how.format(KEY), how.format(body), repr(ValueError(key))]
    for text in shown:
        screen.note(text)
        screen.error(LedgerError(text))
        screen.bug(f"Traceback\n  {text}", "versions")
    assert body not in capsys.readouterr().err


def test_a_very_short_secret_does_not_blank_the_page(capsys: Capture) -> None:
    Screen(["a", ""]).note("a banana")
    assert capsys.readouterr().err == "a banana\n"


def test_a_bug_shows_its_traceback_line_by_line_and_asks_for_a_report(capsys: Capture) -> None:
    Screen().bug('Traceback:\n  File "x.py"\nValueError: \x1b[31m\n', "ledger 1.0, Python 3.11")
    lines = capsys.readouterr().err.split("\n")
    assert lines[:3] == ["Traceback:", '  File "x.py"', r"ValueError: \x1b[31m"]
    assert "error: this is a bug in ledger (ledger 1.0, Python 3.11)" in lines


def test_a_long_text_is_made_safe_in_linear_time(capsys: Capture) -> None:
    # Server output can be megabytes of anything; a careless pattern would need minutes for this.
    Screen().note("a" * 1_000_000 + "://" * 1000 + "x:" * 100_000)
    assert len(capsys.readouterr().err) > 1_000_000


def test_a_note_after_the_last_step_stands_on_a_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    screen = Screen()
    with screen.progress("manifests") as progress:
        progress(1, 2)
        progress(2, 2)
        screen.note("a note")
    assert capsys.readouterr().err.rpartition("\r\x1b[K")[2] == "a note\n"
