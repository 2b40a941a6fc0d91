"""What the tests stand on: values, real servers, fakes at the wire, and a stage for the docs."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "tests" / "examples"
