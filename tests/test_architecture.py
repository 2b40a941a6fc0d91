"""The shape of the house: floors, small files, imports that are paid for only by who needs them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from ledger_tool.cli.main import COMMANDS
from tests.support import ROOT
from tests.support.git.upstream import Upstream
from tests.support.values.make import SOURCE, digest

_MODULES = sorted((ROOT / "ledger_tool").rglob("*.py"))
_FLOORS = {"cli": 4, "render": 3, "commands": 3, "edges": 2, "core": 1, "errors": 0}


def _floor(module: str) -> int:
    parts = module.split(".")
    return _FLOORS.get(parts[1], 5) if len(parts) > 1 else 5


def _imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found += [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.append(node.module or "")
    return found


@pytest.mark.parametrize("path", _MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down_only(path: Path) -> None:
    """import-linter says the same in `make check`; this says it to who runs only the tests."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for name in _imports(path):
        if name.startswith("ledger_tool.") and _floor(module) < 5:
            assert _floor(name) <= _floor(module), f"{module} imports {name}"
        if module.startswith(("ledger_tool.commands", "ledger_tool.render")):
            assert not name.startswith("ledger_tool.edges"), f"{module} imports {name}"
        assert name.split(".")[0] != "git" or module == "ledger_tool.edges.git.process"
        assert name.split(".")[0] != "ruamel" or module == "ledger_tool.edges.yaml.tokens"
        assert name.split(".")[0] != "yaml" or module == "ledger_tool.edges.yaml.manifest_tokens"
        assert name.split(".")[0] != "click"
        assert name.split(".")[0] not in {"jinja2", "markupsafe"} or module == "ledger_tool.render.site.templating"


@pytest.mark.parametrize("path", _MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_small_and_say_what_they_are(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 310
    assert ast.get_docstring(ast.parse(text)) or not text.strip()
    assert path.stem not in {"utils", "helpers", "manager", "common"}


# Commands that share a file, on every floor; any other command has a file by its name.
_SHARED = {"set": "edit", "remove": "edit", "yank": "edit", "get": "records", "list": "records"}


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_its_file_or_folder_on_every_floor(command: str) -> None:
    panel, module, _ = COMMANDS[command]
    name = _SHARED.get(command, command.replace("-", "_"))
    assert module == f"{panel.lower().replace(' ', '')}.{name}"
    for floor in ("cli", "commands", "render"):
        path = module.replace(".", "/") if floor == "cli" else name
        place = ROOT / "ledger_tool" / floor / path
        assert place.with_suffix(".py").is_file() != (place / "__init__.py").is_file()


def _loaded(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.splitlines()[-1].split())


def test_version_and_get_do_not_pay_for_git_yaml_or_schemas() -> None:
    heavy = {"git.cmd", "ruamel.yaml", "yaml", "jsonschema", "rich", "requests", "pydantic", "jinja2"}
    assert not heavy & _loaded("from ledger_tool.cli.main import main; main(['--version'])")
    get = "from ledger_tool.cli.main import main; main(['get', 'dotnet/aspnet:nope', '--repo', 'tests/examples'])"
    assert not (heavy - {"ruamel.yaml"}) & _loaded(get)


def test_a_publish_does_not_pay_for_schemas_or_conversion(upstream: Upstream) -> None:
    words = ["publish", f"a:v1@{digest()}", "--source", SOURCE, "--repo", upstream.url]
    code = f"from ledger_tool.cli.main import main; main({words})"
    assert not {"ruamel.yaml", "yaml", "jsonschema", "rich", "requests", "pydantic", "jinja2"} & _loaded(code)
    assert len(upstream.records()) == 1


def test_a_publish_loads_nothing_more_once_its_push_is_sent(upstream: Upstream) -> None:
    """An import that failed then would lose the answer."""
    words = ["publish", f"a:v1@{digest()}", "--source", SOURCE, "--repo", upstream.url]
    code = (
        "import subprocess\nreal, before = subprocess.Popen.__init__, set()\n"
        "def start(self, words, *rest, **options):\n"
        "    before.update(sys.modules if 'push' in words else ())\n"
        "    real(self, words, *rest, **options)\n"
        "subprocess.Popen.__init__ = start\n"
        f"from ledger_tool.cli.main import main\nmain({words})\n"
        "assert before\nassert not set(sys.modules) - before, set(sys.modules) - before"
    )
    _loaded(code)
    assert len(upstream.records()) == 1


def test_every_class_can_be_told_from_all_others_by_its_name() -> None:
    names = [
        node.name
        for path in _MODULES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    assert sorted(names) == sorted(set(names))
