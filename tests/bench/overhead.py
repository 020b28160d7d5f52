"""What the suite costs beside a bare loop: wall time of `standard` over that of httpx sending the same bodies.

Both ask a target that answers at once, in a process of its own, at the same concurrency; the ratio is the median of
several pairs, each measured one right after the other, because machines are noisy. The suite's time is that of the
whole run, from the plan to the written reports.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from infercheck.cases import Need, Request
from infercheck.conduct import Settings, conduct
from infercheck.contract_loader import load
from infercheck.dialect import Dialect
from infercheck.launching.reports import write_reports
from infercheck.plan import Options, make_plan
from infercheck.record import read
from infercheck.results import results_of
from infercheck.runners.http import HttpRunner, Link

PAIRS = 7
LIMIT = 2.5
JSON = b'{"result":{"response":"Hello there"},"success":true,"errors":[],"messages":[]}'
ERROR = b'{"result":{},"success":false,"errors":[{"code":5006,"message":"no"}],"messages":[]}'
STREAM = b'data: {"response":"Hello"}\n\ndata: {"response":" there"}\n\ndata: [DONE]\n\n'


def target(port: multiprocessing.Queue[int], bodies: dict[tuple[bytes, bytes], tuple[int, bytes, bytes]]) -> None:
    """A server that knows every answer by heart."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                asked = await reader.readexactly(int(lengths[0][15:]) if lengths else 0)
                status, kind, body = bodies[head.split()[0], asked]
                writer.write(
                    b"HTTP/1.1 %d X\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (status, kind, len(body))
                    + body
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20)
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


async def bare(url: str, requests: list[Request], concurrency: int) -> float:
    began = time.perf_counter()
    queue = iter(requests)
    async with httpx.AsyncClient(trust_env=False) as client:

        async def work() -> None:
            for request in queue:
                headers = {"content-type": request.content_type} if request.content_type else {}
                await client.request(request.method, url, content=request.body, headers=headers)

        await asyncio.gather(*(work() for _ in range(concurrency)))
    return time.perf_counter() - began


async def suite(url: str, concurrency: int, folder: Path) -> float:
    began = time.perf_counter()
    contract, options = load(), Options()
    plan = make_plan(contract, options)
    settings = Settings(address=url, url=url, dialect=Dialect.REST, concurrency=concurrency)
    async with HttpRunner(Link(url=url)) as runner:
        await conduct(contract, plan, options, runner, folder / "journal.ndjson", settings)
    results = results_of(read(folder / "journal.ndjson"))
    write_reports(folder, results)
    assert results.exit_status() == 0, results.verdict
    return time.perf_counter() - began


def main() -> int:
    cases = [case for case in make_plan(load(), Options()).cases if not case.needs & {Need.TOKEN, Need.MODEL}]
    answers = {
        (case.request.method.encode(), case.request.body): (
            (400, b"application/json", ERROR)
            if case.expectation == "invalid"
            else (200, b"text/event-stream", STREAM)
            if case.request.stream
            else (200, b"application/json", JSON)
        )
        for case in cases
    }
    requests = [case.request for case in cases]
    port: multiprocessing.Queue[int] = multiprocessing.Queue()
    server = multiprocessing.Process(target=target, args=(port, answers), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{port.get()}/run"
    worst = 0.0
    size = sum(len(request.body) for request in requests) / 1e6
    print(f"{len(requests)} requests, {size:.1f} MB; median of {PAIRS} pairs")
    for concurrency in (1, 4, 16):
        ratios, bares, suites = [], [], []
        for _ in range(PAIRS):
            with tempfile.TemporaryDirectory() as folder:
                bares.append(asyncio.run(bare(url, requests, concurrency)))
                suites.append(asyncio.run(suite(url, concurrency, Path(folder))))
                ratios.append(suites[-1] / bares[-1])
        ratio = statistics.median(ratios)
        worst = max(worst, ratio)
        print(
            f"concurrency {concurrency:>2}: bare {statistics.median(bares):.2f} s, "
            f"suite {statistics.median(suites):.2f} s, ratio {ratio:.2f} (at most {LIMIT})"
        )
    server.terminate()
    helps = []
    for _ in range(PAIRS):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "infercheck", "--help"], check=True, stdout=subprocess.DEVNULL)
        helps.append(time.perf_counter() - began)
    print(f"infercheck --help: {statistics.median(helps):.2f} s (at most 0.3)")
    return int(worst > LIMIT or statistics.median(helps) > 0.3)


if __name__ == "__main__":
    sys.exit(main())
