"""The outputs and the summary of the action: `python -I outputs.py FILE`, with the JSON of `ledger publish` in FILE."""

import json
import os
import secrets
import sys
from pathlib import Path

from ledger_tool.render.github import outputs, summary

path = Path(sys.argv[1])
published = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
for variable, lines in (
    ("GITHUB_OUTPUT", [f"file={path}", *outputs(published, secrets.token_hex(16))]),
    ("GITHUB_STEP_SUMMARY", summary(published)),
):
    with open(os.environ[variable], "a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
