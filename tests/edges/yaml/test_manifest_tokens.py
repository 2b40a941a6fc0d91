"""libyaml's tokens of a manifest are ruamel's, but for what is listed here; limits hold, with or without libyaml."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.manifests.tokens import END, MAX_DOCUMENT, TextDocument, TextFault, TextToken
from ledger_tool.core.manifests.yamltree import documents
from ledger_tool.edges.yaml import tokens as ruamel
from ledger_tool.edges.yaml.manifest_tokens import by_libyaml, tokens
from tests.support import EXAMPLES, ROOT
from tests.support.values.manifests import manifests
from tests.support.values.profiles import example_count

_EXAMPLES = sorted(path for path in EXAMPLES.glob("manifests/**/*") if path.suffix in (".yaml", ".yml", ".json"))
# What YAML is made of, and what it is not. Listed differences are left out: an anchor ends in a blank here.
_PIECES = [
    "a", "b: ", "1", "é", "😀", "- ", "? ", ": ", ":", "-", "?", ",", "[", "]", "{", "}", '"', "'", "#", " # c", " ",
    "\n", "\n", "\n  ", "\n    ", "\t", "\r\n", "\r", "|\n", ">\n", "|-\n", ">+2\n", "&a ", "*a ", "!!str ", "!x ",
    "!<y> ", "---\n", "...\n", "--- ", "%YAML 1.1\n", "%YAML 1.2\n", "%TAG ! tag:\n", "<<: ", "\\", "\\/", "\\x41",
    "\\u00e9", "\\\n", "@", "`", "%", "~", "yes", "0o7", "http://x", "a:b", '"a":1', "\x07", "\ufffe", "\U0010ffff",
    "\ufeff", "\x85", "\u2028", "image: r/x:1", '"k": ', "{a: 1}", "[1, 2]", "\n- ", "\na: ", "\n  b: ", "\n  - ",
    "|\n  x\n", ">-\n   x\n\n   y\n", '"x\n  y"', "'x\n\n y'", "= ", "{? a, b: }", "[a: b]", '{ "x":y }', "[?x]",
    "[-1]", "[:x]", "{a:b}", "{x: :y}",
]  # fmt: skip
_starts = st.sampled_from(["", "a: ", "a:\n  b: ", "- ", "a: {", "a: [", "k:\n  - ", "\ufeff", "x: |\n  t\n", "a: 1\n"])
texts = st.tuples(_starts, st.lists(st.sampled_from(_PIECES), min_size=1, max_size=10).map("".join)).map("".join)


def whole(text: str) -> TextDocument:
    return TextDocument(0, len(text), 1)


def by_ruamel(text: str) -> Sequence[TextToken] | None:
    try:
        return ruamel.tokens(text, whole(text))
    except TextFault:
        return None


def _says(token: TextToken) -> tuple[str, ...]:
    return tuple(part.replace("\t", " ") for part in token.content)  # ruamel is given spaces


def _has_block_at_root(found: Sequence[TextToken]) -> bool:
    depths = accumulate((token.kind in ("map", "list")) - (token is END) for token in found)
    return any(token.style in ("|", ">") and not depth for token, depth in zip(found, depths, strict=True))


def _is_placed(*same: TextToken) -> bool:
    """Return whether a position matters: not that of an end, of nothing, or of a tag or an anchor when it has both."""
    return all(token is not END and token.start < token.end and not (token.tag and token.anchor) for token in same)


def agree(text: str) -> bool:
    """Return whether both parsers read a text, after holding them to the same tokens at the same places."""
    found, expected = by_libyaml(text, whole(text)), by_ruamel(text)
    if found is None or expected is None or _has_block_at_root(found) or _has_block_at_root(expected):
        return False
    assert [*map(_says, found)] == [*map(_says, expected)], text
    for token, same in zip(found, expected, strict=True):
        assert not _is_placed(token, same) or token[:5] == same[:5], text
        if token.kind == "scalar" and not token.style and not re.search(r"[\r\n]", text[token.start : token.end]):
            assert text[token.start : token.end].endswith(token.text), text
    return True


@given(manifests())
def test_both_parsers_read_the_same_in_a_manifest(text: str) -> None:
    agree(text)


@given(texts)
@example_count(1000)
def test_both_parsers_read_the_same_in_any_text(text: str) -> None:
    agree(text)


@pytest.mark.storm
@given(texts)
@example_count(20_000)
def test_both_parsers_read_the_same_in_any_text_in_a_storm(text: str) -> None:
    agree(text)


@pytest.mark.parametrize("path", _EXAMPLES, ids=lambda path: str(path.relative_to(EXAMPLES / "manifests")))
def test_both_parsers_read_the_same_in_an_example(path: Path) -> None:
    text = path.read_bytes().decode("utf-8", "replace")
    if "f-deep" not in path.name:  # beyond a limit of both
        for document in documents(text):
            agree(text[document.start : document.end])


def _said(found: Sequence[TextToken] | None) -> str | None:
    """Return tokens in short: `{a=1}`."""
    if found is None:
        return None
    signs = {"map": "{", "list": "[", "end": ")"}
    return " ".join(
        f"&{token.anchor}" * bool(token.anchor)
        + signs.get(token.kind, f"{'*' * (token.kind == 'alias')}{token.text!r}")
        for token in found
    )


@pytest.mark.parametrize(
    ("text", "of_libyaml", "of_ruamel"),
    [
        # It reads what ruamel refuses.
        ("a: 1\n...\n...\n", "{ 'a' '1' )", None),
        ('["a":1]', "[ { 'a' '1' ) )", None),
        ("- |\n \n  x\n", "[ '\\nx\\n' )", None),
        ("a: 1\n \t2\n", "{ 'a' '1 2' )", None),
        # For it, as for the parsers of kubectl and Helm, which are ports of it, punctuation ends an anchor's name.
        ("b: &a 1\nc: {*a: 2}", "{ 'b' &a'1' 'c' { *'a' '2' ) )", None),
        ("- *a:\n", "[ { *'a' '' ) )", "[ *'a:' )"),
        ("- &a: b\n", "[ { &a'' 'b' ) )", "[ &a:'b' )"),
        # ruamel is given spaces in the place of tabs.
        ('a: "\t"', "{ 'a' '\\t' )", "{ 'a' ' ' )"),
        # At the root of a document, YAML 1.2 lets a block scalar begin in the first column.
        ("|\n#", "''", "'#'"),
        # What it refuses, ruamel reads.
        ("|\na\n", None, "'a\\n'"),
        ("- &a.b c\n- *a.b\n", None, "[ &a.b'c' *'a.b' )"),
        ("a: 1\n\t\nb: 2\n", None, "{ 'a' '1' 'b' '2' )"),
        ("-\ta\n", None, "[ 'a' )"),
        ("a: |\n  \tx\n", None, "{ 'a' '\\tx\\n' )"),
        ("a: {b: 1\n\t}\n", None, "{ 'a' { 'b' '1' ) )"),
        # What it would take for a line break, or skip, ruamel reads.
        ("a: b\u2028c\n", None, "{ 'a' 'b\\u2028c' )"),
        ("a: b # \x85\nc: d\n", None, "{ 'a' 'b' 'c' 'd' )"),
        ("a: 1\n\ufeffb: 2\n", None, "{ 'a' '1' '\\ufeffb' '2' )"),
        ("\ufeff\ufeffa: 1\n", None, "{ 'a' '1' )"),
    ],
)  # fmt: skip
def test_where_the_parsers_differ_is_known(text: str, of_libyaml: str | None, of_ruamel: str | None) -> None:
    assert _said(by_libyaml(text, whole(text))) == of_libyaml
    assert _said(by_ruamel(text)) == of_ruamel


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("\ufeff# 😀\r\na: 'é'\r\nb:  😀x\n", ["a", "'é'", "b", "😀x"]),
        ("é: 1\r😀: [x,\r\n  y]\n", ["é", "1", "😀", "x", "y"]),
        ('\ufeff- a  # 😀\n- "\\u00e9"\n- &😀 b\n', ["a", '"\\u00e9"', "&😀 b"]),
    ],
)  # fmt: skip
def test_positions_count_characters_after_a_mark_and_any_line_break(text: str, places: list[str]) -> None:
    found = tokens("--\n" + text, TextDocument(3, len(text) + 3, 2))
    assert [text[token.start - 3 : token.end - 3] for token in found if token.kind == "scalar"] == places
    lines = [1 + text[: token.start - 3].replace("\r\n", "\n").replace("\r", "\n").count("\n") for token in found]
    assert [token.line for token in found if token is not END] == [
        line + 1 for line, token in zip(lines, found, strict=True) if token is not END
    ]


@pytest.mark.parametrize("piece", ["[", "{a: ", "- ", "? ", "[{? ", "[\n", "{\n? "])
def test_a_depth_that_no_manifest_has_is_a_fault(piece: str) -> None:
    text = piece * 100_000
    with pytest.raises(TextFault, match="nested deeper than 100 levels"):
        tokens(text, whole(text))


def test_a_scalar_may_be_as_large_as_a_document() -> None:
    text = f"a: '{'é' * (MAX_DOCUMENT - 10)}'"
    assert [token.end - token.start for token in by_libyaml(text, whole(text)) or []][2] == MAX_DOCUMENT - 8
    assert by_libyaml(text + " " * 10, whole(text + " " * 10)) is None


def test_libyaml_is_not_given_a_flood_of_directives_that_would_take_it_minutes() -> None:
    text = "".join(f"%TAG !{at}! x\n" for at in range(1000)) + "--- !1!a b\n"
    assert by_libyaml(text, whole(text)) is None
    assert [(token.text, token.tag) for token in tokens(text, whole(text))] == [("b", "xa")]


def test_where_pyyaml_was_built_without_libyaml_ruamel_reads_everything(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("image: myorg/app:v1 # c\n")
    code = """
import sys
sys.modules["yaml._yaml"] = None
from ledger_tool.core.manifests.rewrite import Judge
from ledger_tool.edges.files.manifests import FolderManifests
from ledger_tool.edges.yaml import manifest_tokens
assert manifest_tokens.by_libyaml("", manifest_tokens.TextDocument(0, 0, 1)) is None
found = []
judge = Judge(lambda site: found.append(site.text))
list(FolderManifests(sys.argv[1:]).rewritten(judge, lambda *_: None, write=False))
print(found)
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "['myorg/app:v1']\n"
