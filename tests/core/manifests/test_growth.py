"""Texts that repeat one thing are read in a time that grows with their length, and not with its square.

Each of these would take minutes otherwise.
"""

from __future__ import annotations

import pytest

from ledger_tool.core.manifests.rewrite import rewrite
from ledger_tool.edges.yaml.manifest_tokens import tokens
from tests.core.manifests.test_rewrite_properties import PIN

REFERENCE = "registry.example.com/myorg/app:v1.5.0"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.yaml", f'image: "{"${A:-" * 100_000}{REFERENCE}{"}" * 100_000}"\n'),
        ("a.yaml", "# ledger: image\n" * 30_000),
        ("Dockerfile", f"FROM {REFERENCE}\nFROM {'http:' * 200_000}\n"),
        ("a.json", '{"image":"' + "https://u:" * 100_000 + '"}'),
        ("a.yaml", f"image: {'a-' * 200_000}\n"),
        ("a.json", '{"image":"' + '{{ $x := \\"\\\\\\"' * 30_000 + '"}'),
        ("a.yaml", "image: " + "{{ `" * 100_000),
        ("NOTES.txt", f"# ledger: image) {REFERENCE} " * 6_000),
    ],
    ids=["variables", "marks", "logins", "logins with slashes", "schemes", "texts", "actions", "marks in a line"],
)
def test_what_is_repeated_is_not_looked_at_over_and_over(path: str, text: str) -> None:
    assert rewrite(path, text.encode(), tokens, PIN).content is None
