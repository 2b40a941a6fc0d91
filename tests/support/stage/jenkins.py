"""The shell steps of a Jenkinsfile, as Jenkins hands them to `sh -xe`, and their environment."""

from __future__ import annotations

import re

_STEP = re.compile(r"\bsh\s+(?:'''(.*?)'''|'([^'\n]*)')", re.DOTALL)


def environment(text: str) -> dict[str, str]:
    """Return the constants of a pipeline's `environment`."""
    (block,) = re.findall(r"^  environment \{\n(.*?)^  \}$", text, re.DOTALL | re.MULTILINE)
    return dict(re.findall(r"^    (\w+) = '([^'\\]*)'$", block, re.MULTILINE))


def shell_steps(text: str, stage: str = "", *, after: bool = False) -> list[str]:
    """Return the `sh` steps of a Jenkinsfile, or of one of its stages by name, in their order; `after` asks for those
    that follow the stage, whatever came of it.

    A backslash means something in Groovy's strings, too; before a line break it joins the lines, and there is no other.
    """
    if stage:
        (text,) = re.findall(
            rf"stage\('{re.escape(stage)}'\) \{{(.*?)(?=^    stage\(|\Z)", text, re.DOTALL | re.MULTILINE
        )
        text, _, post = text.partition("\n      post {\n")
        text = post if after else text
    steps = [(long or short).replace("\\\n", "") for long, short in _STEP.findall(text)]
    assert not re.search(r"\bsh\b\s*['\"(]", _STEP.sub("", text)), "a step is written in another way"
    assert not any("\\" in step for step in steps)
    return steps
