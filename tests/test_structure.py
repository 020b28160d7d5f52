"""The rooms and the directions between them, and that what is shipped is what is there."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = {"schemas": "infercheck.schemas", "runners": "infercheck.runners", "reports": "infercheck.reports"}
FRONT_DOORS = (
    "cli.py", "__main__.py", "__init__.py", "api.py", "testing.py", "pytest_plugin.py", "commands", "launching",
    "plugin",
)  # fmt: skip
DOORS = tuple(f"infercheck.{name.removesuffix('.py')}" for name in FRONT_DOORS if not name.startswith("__"))
MODULES = [path for room in ("conformance", *ROOMS) for path in (ROOT / room).rglob("*.py")]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(path):
    name = path.relative_to(ROOT).parts[0]
    if name == "conformance":
        return "front door" if path.relative_to(ROOT / name).parts[0] in FRONT_DOORS else "conformance"
    return name


MAY_NOT = {
    "schemas": ("infercheck",),
    "conformance": (*DOORS, "infercheck.runners", "infercheck.reports",
                    "httpx", "click", "rich", "starlette", "uvicorn", "jinja2", "pytest"),
    "runners": (*DOORS, "infercheck.reports", "infercheck.journal", "infercheck.suite", "infercheck.checks",
                "click", "rich", "pytest"),
    "reports": (*DOORS, "infercheck.runners", "infercheck.suite", "infercheck.door", "infercheck.checks",
                "infercheck.generate", "httpx", "pytest"),
    "front door": (),
}  # fmt: skip


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_room_looks_where_it_must_not(path):
    forbidden = MAY_NOT[room(path)]
    for name in imported(path):
        assert not any(name == word or name.startswith(f"{word}.") for word in forbidden), name


def test_only_the_engine_over_checkpoints_imports_pytorch_and_only_serve_imports_that_engine():
    heavy = ("torch", "transformers", "peft", "tokenizers", "numpy")
    engine = ROOT / "runners" / "transformers"
    light = {engine / "__init__.py", engine / "checkpoint.py"}
    for path in MODULES:
        names = set(imported(path))
        if engine not in path.parents or path in light:
            assert not {name for name in names if name.partition(".")[0] in heavy}, path
        if engine not in path.parents and path != ROOT / "conformance" / "commands" / "serve.py":
            ours = {name for name in names if name.startswith("infercheck.runners.transformers.")}
            assert all(name.startswith("infercheck.runners.transformers.checkpoint.") for name in ours), path
    serve = ast.parse((ROOT / "conformance" / "commands" / "serve.py").read_text("utf-8"))
    at_once = [node.module for node in serve.body if isinstance(node, ast.ImportFrom)]
    assert not [name for name in at_once if name.startswith("infercheck.runners.transformers")]


def test_every_package_of_the_tree_is_shipped_and_no_other():
    config = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
    found = {"infercheck"} | set(ROOMS.values())
    for path in MODULES:
        if path.name == "__init__.py":
            top, *rest = path.parent.relative_to(ROOT).parts
            found.add(".".join([ROOMS.get(top, "infercheck"), *rest]))
    assert found == set(config["packages"])
    assert set(config["package-dir"].values()) == {"conformance", *ROOMS}


def test_modules_stay_readable():
    long = {
        str(path.relative_to(ROOT)): n for path in MODULES if (n := len(path.read_text("utf-8").splitlines())) > 340
    }
    assert not long
