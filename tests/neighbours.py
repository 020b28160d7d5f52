"""A project of somebody else's before and after infercheck is installed: nothing of theirs changes.

Run by `make neighbours`, with the wheel of `make build`. The project has packages called reports, runners,
conformance and schemas, a conftest, and tests with the newest pytest, pytest-xdist, Hypothesis, FastAPI and
Schemathesis. Then a broken server of theirs is tested by `pytest --infercheck`, in the same environment.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

THEIRS = (
    "pytest",
    "pytest-xdist",
    "pytest-asyncio",
    "pytest-timeout",
    "hypothesis",
    "fastapi",
    "uvicorn",
    "httpx",
    "schemathesis",
)

FILES = {
    "reports/__init__.py": "NAME = 'their reports'\n",
    "runners/__init__.py": "NAME = 'their runners'\n",
    "conformance/__init__.py": "NAME = 'their conformance'\n",
    "conformance/run.py": "NAME = 'their run'\n",
    "schemas/__init__.py": "NAME = 'their schemas'\n",
    "pytest.ini": """
[pytest]
filterwarnings =
    error
addopts = --strict-markers --strict-config
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
""",
    "conftest.py": """
import pytest
from hypothesis import settings

settings.register_profile("theirs", max_examples=20, deadline=None)
settings.load_profile("theirs")

def pytest_addoption(parser):
    parser.addoption("--run", action="store_true", help="an option of theirs")

@pytest.fixture
def target():
    return "a fixture of theirs"
""",
    "server.py": """
from fastapi import Body, FastAPI

app = FastAPI()

@app.get("/health")
def health():
    return {"ok": True}

@app.post("/client/v4/accounts/{account}/ai/run/{model:path}")
def answer(account: str, model: str, body: dict = Body()):
    return {"result": {"response": "hello"}, "success": True, "errors": [], "messages": []}
""",
    "tests/test_theirs.py": """
import asyncio

import conformance, conformance.run, reports, runners, schemas
import schemathesis
from hypothesis import given, strategies as st
from server import app

schema = schemathesis.openapi.from_asgi("/openapi.json", app)

@schema.include(path="/health").parametrize()
def test_api(case):
    case.call_and_validate()

@given(st.lists(st.integers()))
def test_sorted(numbers):
    assert sorted(sorted(numbers)) == sorted(numbers)

async def test_loop():
    await asyncio.sleep(0)

def test_names(target, pytestconfig):
    assert target == "a fixture of theirs"
    assert pytestconfig.getoption("--run") is False
    names = [package.NAME for package in (conformance, conformance.run, reports, runners, schemas)]
    assert names == ["their conformance", "their run", "their reports", "their runners", "their schemas"]
""",
}

CONFIG = """
target: http://127.0.0.1:8791/client/v4/accounts/a/ai/run/@cf/mistral/mistral-7b-instruct-v0.2-lora
start: {python} -m uvicorn server:app --port 8791 --log-level warning
ready: http://127.0.0.1:8791/health
profile: quick
declare: [no-lora, no-stream]
"""


def run(*command: object, cwd: Path, status: int = 0) -> str:
    """What a command prints; ends all where its exit status is another."""
    done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != status:
        sys.exit(f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def outcomes(text: str) -> list[str]:
    """Every test of theirs with what became of it, whichever worker ran it and whenever."""
    found = re.findall(r"(PASSED|FAILED|ERROR|SKIPPED) (tests/\S+)|(tests/\S+) (PASSED|FAILED|ERROR|SKIPPED)", text)
    return sorted(" ".join(filter(None, (*words[:2], *reversed(words[2:])))) for words in found)


def main() -> None:
    """Compare."""
    (wheel,) = Path("dist").resolve().glob("*.whl")
    with tempfile.TemporaryDirectory() as name:
        room = Path(name)
        venv.create(room / "venv", with_pip=True)
        python = room / "venv" / "bin" / "python"
        project = room / "project"
        for path, text in FILES.items():
            (project / path).parent.mkdir(parents=True, exist_ok=True)
            (project / path).write_text(text, "utf-8")
        install = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        freeze = (python, "-m", "pip", "freeze", "--disable-pip-version-check")
        tests = (python, "-m", "pytest", "-v", "-p", "no:cacheprovider")
        run(*install, *THEIRS, cwd=room)
        versions = run(*freeze, cwd=room).splitlines()
        before = [outcomes(run(*tests, *workers, cwd=project)) for workers in ((), ("-n", "2"))]
        assert before[0] == before[1] and len(before[0]) == 4, before  # noqa: PT018

        run(*install, wheel, cwd=room)
        run(python, "-m", "pip", "check", "--disable-pip-version-check", cwd=room)
        after = run(*freeze, cwd=room).splitlines()
        assert set(versions) <= set(after), f"other versions: {set(versions) - set(after)}"
        now = [outcomes(run(*tests, *workers, cwd=project)) for workers in ((), ("-n", "2"))]
        assert before == now, now

        (project / "infercheck.yaml").write_text(CONFIG.format(python=python), "utf-8")
        unasked = run(*tests, cwd=project)
        assert outcomes(unasked) == before[0], unasked
        asked = run(*tests, "--infercheck", "-n", "2", cwd=project, status=1)
        assert outcomes(asked) == before[0], asked
        assert "FAILED infercheck.yaml::input/prompt/required" in asked, asked
        print(f"{len(versions)} packages of theirs unchanged, {len(after) - len(versions)} came with infercheck")
        print(asked.splitlines()[-1])


if __name__ == "__main__":
    main()
