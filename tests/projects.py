"""Projects of users that run pytest with the plugin, and servers for them that count what they are sent."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import Any

from fakes import CONTRACT

from infercheck.runners.reference.engine import ReferenceEngine
from infercheck.runners.server import Api

TOP_K = "input/prompt/top_k/maximum"


class Counting(Api):
    """A conforming server that counts the bodies it is sent; `pause` is in seconds before each answer."""

    def __init__(self, *, pause: float = 0.0) -> None:
        super().__init__(ReferenceEngine(), input_schema=dict(CONTRACT.input))
        self.url = ""
        self.sent: Counter[bytes] = Counter()
        self.pause = pause

    def respond(self, raw: bytes) -> Any:
        self.sent[raw] += 1
        time.sleep(self.pause)
        return super().respond(raw)


class Broken(Counting):
    """Takes top_k of 51 beside a prompt (MUST), and leaves `messages` out of the envelope (SHOULD)."""

    def validate(self, body: Any) -> None:
        if isinstance(body, dict) and body.get("top_k") == 51 and "prompt" in body:
            body = {**body, "top_k": 50}
        super().validate(body)

    def success_response(self, *arguments: Any, **more: Any) -> Any:
        response = super().success_response(*arguments, **more)
        value = json.loads(response.body)
        del value["messages"]
        response.body = json.dumps(value).encode()
        response.headers["content-length"] = str(len(response.body))
        return response


def project(pytester: Any, url: str = "", *, more: str = "", conftest: str = "", ini: str = "") -> None:
    """A project with an infercheck.yaml for this target."""
    if url:
        (pytester.path / "infercheck.yaml").write_text(f"target: {url}\nconcurrency: 1\n{more}", "utf-8")
    if conftest:
        pytester.makeconftest(conftest)
    pytester.makeini(f"[pytest]\n{ini}")


def outcomes(result: Any) -> dict[str, str]:
    """The outcome of every item of infercheck.yaml in a run with -rA, by the requirement; skips apart."""
    found = {}
    for line in result.outlines:
        word, _, rest = line.partition(" ")
        if word in ("PASSED", "FAILED", "ERROR", "XFAIL", "XPASS") and "infercheck.yaml::" in rest:
            found[rest.partition("::")[2].split(" ")[0]] = word.lower()
    return found
