"""A suite that does not ask sees nothing of the plugin, and imports nothing of it."""

import json
import subprocess
import sys

import pytest

from infercheck.pytest_plugin import _TARGET

SEEN = """
import json, sys

def pytest_unconfigure(config):
    names = [name for name in sys.modules if name.split(".")[0] in ("infercheck", *HEAVY)]
    with open("modules.json", "w") as file:
        json.dump(sorted(names), file)

HEAVY = ("click", "rich", "httpx", "jsonschema", "jsonschema_rs", "yaml", "starlette", "uvicorn", "jinja2",
         "hypothesis", "covertable", "filelock", "junitparser")
"""
FILES = {
    "reports/__init__.py": "name = 'theirs'\n",
    "runners/__init__.py": "name = 'theirs'\n",
    "conformance/__init__.py": "name = 'theirs'\n",
    "schemas/__init__.py": "name = 'theirs'\n",
    "test_theirs.py": (
        "import conformance, reports, runners, schemas\n"
        "def test_theirs():\n"
        "    assert {one.name for one in (conformance, reports, runners, schemas)} == {'theirs'}\n"
    ),
}


@pytest.fixture
def theirs(pytester):
    for path, text in FILES.items():
        (pytester.path / path).parent.mkdir(exist_ok=True)
        (pytester.path / path).write_text(text)
    pytester.makeconftest(SEEN)
    # Hypothesis has a plugin of its own; what it imports is not ours.
    pytester.makeini("[pytest]\naddopts = -p no:hypothesispytest\nfilterwarnings = error\n")
    return pytester


@pytest.mark.slow
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_nothing_is_imported_and_nothing_printed(theirs, workers):
    with_it = theirs.runpytest_subprocess(*workers)
    modules = json.loads((theirs.path / "modules.json").read_text())
    assert set(modules) <= {
        "infercheck",
        "infercheck.pytest_plugin",
        "infercheck.plugin",
        "infercheck.plugin.session",
    }
    without = theirs.runpytest_subprocess("-p", "no:infercheck", *workers)
    assert with_it.ret == without.ret == 0

    def said(result):
        return [
            line for line in result.outlines if not line.startswith(("plugins:", "=")) and "/runpytest-" not in line
        ]

    assert said(with_it) == said(without)
    assert not list(theirs.path.glob("**/infercheck-*")), "nothing is written"


@pytest.mark.slow
def test_without_workers_only_the_plugins_own_module_is_imported(theirs):
    theirs.runpytest_subprocess()
    assert json.loads((theirs.path / "modules.json").read_text()) == ["infercheck", "infercheck.pytest_plugin"]


@pytest.mark.slow
def test_collecting_imports_no_http_client(theirs):
    (theirs.path / "infercheck.yaml").write_text("target: http://127.0.0.1:9/\nonly: stream/done\n")
    theirs.runpytest_subprocess().assert_outcomes(passed=1, skipped=1)
    modules = set(json.loads((theirs.path / "modules.json").read_text()))
    assert "infercheck.plugin.items" in modules
    assert not modules & {"httpx", "starlette", "uvicorn", "jinja2", "rich", "click"}


def test_the_module_of_the_plugin_needs_pytest_alone():
    code = (
        "import sys, pytest\n"
        "before = set(sys.modules)\n"
        "import infercheck.pytest_plugin\n"
        "print(sorted(set(sys.modules) - before))\n"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "['infercheck', 'infercheck.pytest_plugin']\n"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        *(
            (one, True)
            for one in ("reference", "http://x/", "replay:out", "engine:a:b", "asgi:a:b", "transformers:./a")
        ),
        *((one, False) for one in ("tests", "engine", "tests/engine:a.py", "-k")),
    ],
)
def test_what_follows_the_option_is_its_target_or_a_file_of_tests(word, expected):
    assert bool(_TARGET.fullmatch(word)) is expected
