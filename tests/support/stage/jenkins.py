"""The shell steps of a Jenkinsfile, as Jenkins hands them to `sh -xe`."""

from __future__ import annotations

import re

_STEP = re.compile(r"\bsh\s+(?:'''(.*?)'''|'([^'\n]*)')", re.DOTALL)


def shell_steps(text: str, stage: str = "") -> list[str]:
    """Return the `sh` steps of a Jenkinsfile, or of one of its stages by name, in their order.

    A backslash means something in Groovy's strings, too; before a line break it joins the lines, and there is no other.
    """
    if stage:
        (text,) = re.findall(
            rf"stage\('{re.escape(stage)}'\) \{{(.*?)(?=^    stage\(|\Z)", text, re.DOTALL | re.MULTILINE
        )
    steps = [(long or short).replace("\\\n", "") for long, short in _STEP.findall(text)]
    assert len(steps) == len(re.findall(r"\bsh\b\s*['\"(]", text)), "a step is written in another way"
    assert not any("\\" in step for step in steps)
    return steps
