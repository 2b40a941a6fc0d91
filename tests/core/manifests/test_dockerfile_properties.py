"""Whatever a Dockerfile looks like: what a builder would pull is pinned or named, and nothing else changes."""

from __future__ import annotations

import re
import time
from functools import partial
from pathlib import Path
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ledger_tool.core.changes.change import Snapshot
from ledger_tool.core.ledger.names import Timestamp
from ledger_tool.core.manifests.catalogue import Catalogue
from ledger_tool.core.manifests.pin import judge_pin
from ledger_tool.core.manifests.rewrite import Judge, Rewritten, rewrite
from ledger_tool.core.policy.policy import Policy
from ledger_tool.edges.yaml.manifest_tokens import tokens
from tests.support import EXAMPLES
from tests.support.values.make import digest, ledger_of, record
from tests.support.values.profiles import example_count

D = digest("app")
REF = "myorg/app:v1.5.0"
LEDGER = ledger_of(record("myorg/app", "v1.5.0", digest=D))
CATALOGUE = Catalogue(Snapshot("", LEDGER, Policy()), Timestamp("2026-11-25T09:30:00Z"))
PIN = Judge(partial(judge_pin, catalogue=CATALOGUE), CATALOGUE.ours)
_FILES = sorted(path for path in (EXAMPLES / "manifests/cases").glob("dockerfile-*/before/**/*") if path.is_file())


def pinned(text: str) -> Rewritten:
    return rewrite("Dockerfile", text.encode(), tokens, PIN)


# A few lines, with `@` for the line break, `\\` for the escape character, and `%` for a reference to be pinned.
_FROM = st.builds(
    lambda keyword, flag, gap, quote, name: f"{keyword}{gap}{flag}{quote}%{quote}{name}",
    st.sampled_from(["FROM", "from", "From", "\tFROM", "  FROM"]),
    st.sampled_from(["", "--platform=linux/amd64 ", "--platform=$BUILDPLATFORM\t", "\\@ ", "\\@# FROM x@  ", "\\@@ "]),
    st.sampled_from([" ", "\t", "  "]),
    st.sampled_from(["", "", '"', "'"]),
    st.sampled_from(["", " AS one", "\tas  two", " \\@ AS\\@ three"]),
)
_OTHER = st.sampled_from([
    f"FROM {REF[:-1]}\\@0",
    "COPY --from=% /a /b", "copy --link --chown=1 --from='%' [\"/a\", \"/b\"]", "COPY --from=0 /a /b",
    "RUN --mount=type=bind,from=%,target=/x make", "RUN --mount=target=/y,from=% --mount=from=%,target=/z \\@ make",
    "RUN --mount=type=tmpfs,from=" + REF + " make", "ONBUILD COPY --from=% a b", "ONBUILD COPY --from=later a b",
    "RUN <<EOF@FROM " + REF + "@EOF", "RUN cat <<-EOF >/a && cat <<'B C'@FROM x@\tEOF@FROM " + REF + "@B C",
    "RUN echo \\@FROM " + REF, "# FROM " + REF, "", "RUN echo --mount=from=" + REF,
    "FROM scratch AS one@COPY --from=ONE a b@FROM one",
    "ENV X=" + REF, "LABEL base=" + REF, "RUN [\"sh\", \"<<EOF\"]", "RUN echo C:\\\\ && x",
    "FROM ${UNSET:-%} AS four", "FROM ${UNSET}", "ARG LATE=" + REF, "FROM $TOP-x",
    "FROM  \\@# ledger: newest@ % AS five", "# ledger: ignore@FROM " + REF,
])  # fmt: skip
_TOP = st.sampled_from(["", "ARG TOP=1@", "ARG BASE=%@ARG OTHER=$BASE@FROM ${OTHER} AS first@FROM $BASE@"])


@st.composite
def dockerfiles(draw: st.DrawFn) -> tuple[str, str, int]:
    """Draw a Dockerfile, what pinning makes of it, and how many references are not pinned but named."""
    escape = draw(st.sampled_from(["\\", "`"]))
    head = draw(st.sampled_from(["", "# syntax=%@", "# check=skip=all@"])) + ("# escape=`@" if escape == "`" else "")
    blocks = draw(st.lists(st.one_of(_FROM, _OTHER), min_size=1, max_size=8))
    text = head + draw(_TOP) + "@".join(blocks) + draw(st.sampled_from(["", "@"]))
    left = sum(block.startswith((f"FROM {REF[:-1]}\\", "FROM ${UNSET}", "FROM $TOP")) for block in blocks)
    breaks, mark = draw(st.sampled_from(["\n", "\r\n"])), draw(st.sampled_from(["", "\ufeff"]))
    text = mark + text.replace("\\", escape).replace("@", breaks)
    return text.replace("%", REF), text.replace("%", f"{REF}@{D}"), left


@given(dockerfiles())
def test_what_a_builder_pulls_is_pinned_or_named_and_nothing_else_changes(drawn: tuple[str, str, int]) -> None:
    text, wanted, left = drawn
    done = pinned(text)
    assert not done.notes
    assert (done.content or text.encode()).decode() == wanted
    assert len(done.findings) == left, done.findings
    again = pinned(wanted)
    assert (again.content, again.edits, len(again.findings)) == (None, [], left)


@given(st.sampled_from(_FILES), st.randoms(use_true_random=False), st.integers(0, 6))
@example_count(200)
def test_a_damaged_dockerfile_is_a_note_or_is_pinned_right(path: Path, chance: Random, count: int) -> None:
    text = path.read_bytes().decode().replace("registry.example.com/", "").replace("v1.6.0", "v1.5.0")
    for _ in range(count):
        at = chance.randrange(len(text) + 1)
        piece = chance.choice(
            ["", "\n", " ", "\t", "'", '"', "\\", "`", "<<", "$", "${", "}", "#", "=", ",", "--from="]
        )
        text = text[:at] + piece + text[at + chance.randrange(3) :]
    done = pinned(text)
    if done.content is not None:
        without = re.compile("@sha256:[0-9a-f]{64}")
        assert without.sub("", done.content.decode()) == without.sub("", text)
        assert pinned(done.content.decode()).content is None


@given(st.text(max_size=80).map(lambda text: f"FROM {REF}\n{text}"))
def test_any_text_is_handled(text: str) -> None:
    done = pinned(text)
    assert done.content is not None or done.notes or done.findings


def test_an_instruction_of_many_lines_takes_no_longer_than_its_length() -> None:
    text = f"FROM {REF}\nRUN " + f"--mount=from={REF},target=/x \\\n" * 2000 + " make\n"
    started = time.process_time()
    assert len(pinned(text).edits) == 2001
    assert time.process_time() - started < 3
