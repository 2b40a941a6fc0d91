"""`ledger verify`."""

from __future__ import annotations

from typing import Annotated

from ledger_tool.cli import options as o
from ledger_tool.cli.options import flag, option
from ledger_tool.cli.proving import opening_prover
from ledger_tool.cli.reading import Reading, reads
from ledger_tool.core.ledger import names
from ledger_tool.core.policy.reference import parse_name
from ledger_tool.errors import TryAgain, UsageError


@reads
def verify(
    image: o.ImageTag,
    digest: Annotated[str, option("--digest", "DIGEST", "Also compare the ledger with this digest.")] = "",
    deep: Annotated[bool, flag("--deep", "Also check the config, layers and children.")] = False,
    provenance: Annotated[bool, flag("--provenance", "Also check the signed statements about it.")] = False,
    bundle: o.Bundle = "",
    output: o.TextOrJson = "text",
    ca_file: o.CaFile = "",
    *,
    ledger: Reading,
) -> int:
    """Compare the ledger with a given digest, and with what each registry serves now.

    Exit code 0: all agree. 1: something differs, or is not proved. 5: something could not be observed.
    """
    from ledger_tool.commands.verify import verify as run
    from ledger_tool.edges.registry.opening import OpenRegistries
    from ledger_tool.render import verify as render

    reference = parse_name(image)
    given = o.parsed(names.parse_digest, digest)
    with ledger.source() as source, OpenRegistries(ca_file=ca_file, deadline=ledger.host_deadline) as registries:
        prover = opening_prover(source, bundle) if provenance or bundle else None
        verified = run(source, registries, reference, now=o.now(), digest=given, deep=deep, open_prover=prover)
    screen = ledger.screen
    screen.show(output, json=lambda: render.as_json(verified), text=lambda: render.as_text(verified, screen.view()))
    if not verified.checks and not verified.proofs:
        raise UsageError(
            f"nothing to compare {verified.name} with", "pass `--digest`, or name its registry in ledger.yaml"
        )
    if verified.checks and not any(check.registry for check in verified.checks):
        screen.note(f"note: no registry of ledger.yaml serves {verified.name}: only the digest was compared")
    return 1 if verified.refuted else 0 if verified.ok else TryAgain.exit_code
