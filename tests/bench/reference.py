"""How fast the reference model answers: tokens a second, in this process and over HTTP."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import httpx

from infercheck.runners.reference.engine import ReferenceEngine
from infercheck.runners.serving import LocalServer

ANSWERS = 60
LEAST = 20_000
PENALTIES = {"repetition_penalty": 1.2, "frequency_penalty": 0.5, "presence_penalty": 0.5}


def request(number: int, **options: Any) -> dict[str, Any]:
    return {"prompt": f"Tell me story {number}.", "max_tokens": 256, "seed": number + 1, **options}


def engine(**options: Any) -> float:
    model = ReferenceEngine()
    began, tokens = time.perf_counter(), 0
    for number in range(ANSWERS):
        tokens += model.answer(request(number, **options))["usage"]["completion_tokens"]  # type: ignore[call-overload]
    return tokens / (time.perf_counter() - began)


async def http(url: str, token: str, **options: Any) -> float:
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=60) as client:
        began = time.perf_counter()
        for number in range(ANSWERS):
            (await client.post(url, json=request(number, **options))).raise_for_status()
        return ANSWERS * 256 / (time.perf_counter() - began)


def main() -> int:
    rates = {"engine": engine(), "engine, all penalties": engine(**PENALTIES)}
    with LocalServer() as server:
        rates["HTTP"] = asyncio.run(http(server.url, server.token))
        rates["HTTP, streamed"] = asyncio.run(http(server.url, server.token, stream=True))
    for name, rate in rates.items():
        print(f"{name}: {rate:,.0f} tokens/s")
    print(f"at least {LEAST:,} are wanted")
    return int(min(rates.values()) < LEAST)


if __name__ == "__main__":
    sys.exit(main())
