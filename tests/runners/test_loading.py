"""Engines and applications by name: what is found, what is taken for one, and what is said where nothing is."""

from __future__ import annotations

import sys

import pytest

from infercheck.errors import UsageError
from infercheck.runners.engine import Refusal, refusal_of
from infercheck.runners.loading import Place, application_of, engine_of, is_application, load

ANSWER = {"response": "hi"}


def answers(request):
    return ANSWER


class Answers:
    def answer(self, request):
        return ANSWER


class Needs:
    def __init__(self, path):
        self.path = path


async def application(scope, receive, send):
    pass


class Application:
    async def __call__(self, scope, receive, send):
        pass


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("engine:a:b", Place("engine", "a", "b")),
        ("engine:a.b.c:D.e", Place("engine", "a.b.c", "D.e")),
        ("asgi:main:app", Place("asgi", "main", "app")),
        ("asgi:main:app/v1/run", Place("asgi", "main", "app", "/v1/run")),
        ("reference", None),
        ("http://engine:a", None),
        ("engines:a:b", None),
    ],
)
def test_an_address_names_a_place(address, place):
    assert Place.parse(address) == place


@pytest.mark.parametrize(
    "address", ["engine:", "engine:a", "engine:a:", "engine::b", "engine:a:b/c", "asgi:a b:c", "engine:a:b:c"]
)
def test_an_address_that_is_half_one_is_refused(address):
    with pytest.raises(UsageError, match="names no") as raised:
        Place.parse(address)
    assert "engine:MODULE:OBJECT" in raised.value.hint


@pytest.mark.parametrize(
    "found", [answers, Answers, Answers(), lambda: Answers(), lambda: answers, Answers().answer]
)
def test_an_engine_is_an_object_a_function_or_what_makes_one(found):
    assert engine_of(found).answer({}) == ANSWER


@pytest.mark.parametrize("found", [None, 5, Needs, lambda one, two: None, lambda: 5, {"answer": 1}])
def test_what_is_no_engine_is_refused(found):
    with pytest.raises(UsageError, match="is no engine"):
        engine_of(found)


@pytest.mark.parametrize("found", [application, Application(), lambda: application, Application])
def test_an_application_is_called_with_three_things_or_is_made(found):
    assert is_application(application_of(found))


@pytest.mark.parametrize("found", [None, lambda environ, start_response: [], answers, Needs])
def test_what_is_no_application_is_refused(found):
    with pytest.raises(UsageError, match="is no ASGI application"):
        application_of(found)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_module_is_looked_for_in_the_current_folder(folder):
    (folder / "found_here.py").write_text("class Models:\n    class Small:\n        answer = staticmethod(len)\n")
    assert engine_of(load(Place("engine", "found_here", "Models.Small"))).answer([1, 2]) == 2


def test_a_name_that_is_missing_is_said_and_so_is_what_there_is(folder):
    (folder / "found_here.py").write_text("def answer(request): ...\n_hidden = 1\n")
    with pytest.raises(UsageError, match="found_here has no 'answers'") as raised:
        load(Place("engine", "found_here", "answers"))
    assert raised.value.hint == "It has: answer."


@pytest.mark.parametrize(("module", "missing"), [("not_here", "not_here"), ("not_here.part", "not_here")])
def test_a_module_that_is_missing_is_said(folder, module, missing):
    with pytest.raises(UsageError, match=f"no module '{missing}'") as raised:
        load(Place("engine", module, "answer"))
    assert str(folder) in raised.value.hint


def test_what_a_module_itself_misses_is_an_error_of_its_own(folder):
    (folder / "found_here.py").write_text("import not_installed\n")
    with pytest.raises(ModuleNotFoundError, match="not_installed"):
        load(Place("engine", "found_here", "answer"))


class Coded(Exception):
    def __init__(self, **fields):
        super().__init__("said")
        self.__dict__ |= fields


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Refusal(413, 1, "said"), 413),
        (Coded(code=1, message="said"), 400),
        (Coded(code=1, message="said", status=422), 422),
        (Coded(code=1, message="said", status=503), 400),
        (Coded(code=1, message="said", status="422"), 400),
    ],
)
def test_an_error_with_code_and_message_is_a_refusal(error, status):
    refusal = refusal_of(error)
    assert (refusal.status, refusal.code, refusal.message) == (status, 1, "said")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("said"),
        Coded(code=1),
        Coded(message="said"),
        Coded(code="1", message="said"),
        Coded(code=True, message="said"),
    ],
)
def test_any_other_error_is_a_fault(error):
    assert refusal_of(error) is None
