"""`python -m ledger_tool`: the same program as the `ledger` script."""

from ledger_tool.cli.main import run

run()
