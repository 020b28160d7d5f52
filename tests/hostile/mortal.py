"""A server that dies: a process that ends in the middle of a request, and one that starts it again.

`python -m hostile.mortal KILLS BACK` prints its port. KILLS names what it does not survive. BACK is the seconds
after which it is started again, `never`, or `held` where its parent holds the listening socket, as some do.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable

from hostile.servers import Asked, Raw


def _member(asked: Asked, name: str) -> object:
    return asked.value.get(name) if isinstance(asked.value, dict) else None


KILLS: dict[str, Callable[[Asked], bool]] = {
    "nan": lambda asked: b":NaN" in asked.body,
    "empty-prompt": lambda asked: _member(asked, "prompt") == "",
    "no-tokens": lambda asked: _member(asked, "max_tokens") == 0,
    "wide-seed": lambda asked: _member(asked, "seed") == 9999999999,
    "depth": lambda asked: asked.body.count(b"[") > 1000 or asked.body.count(b'{"a":') > 1000,
    "the-100th": lambda asked: asked.number == 100,
    "once": lambda asked: asked.number == 100 and os.environ["BORN"] == "1",
}


class Mortal(Raw):
    """Ends its process on what it does not survive."""

    def __init__(self, listener: socket.socket, kills: Callable[[Asked], bool]) -> None:
        self._kills = kills
        super().__init__(listener)

    def answer(self, line: socket.socket, asked: Asked) -> bool:
        if self._kills(asked):
            os._exit(1)
        return super().answer(line, asked)


def main() -> None:
    """Start it, and start it again."""
    kills, back = KILLS[sys.argv[1]], sys.argv[2]
    held = socket.create_server(("127.0.0.1", 0))
    port = held.getsockname()[1]
    print(port, flush=True)
    born = 0
    while True:
        born += 1
        if born > 1 and back != "held":
            if back == "never":
                time.sleep(3600)
            time.sleep(float(back))
            held = socket.create_server(("127.0.0.1", port))
        child = os.fork()
        if not child:
            os.environ["BORN"] = str(born)
            Mortal(held, kills)
            while os.getppid() != 1:
                time.sleep(0.2)
            os._exit(0)
        if back != "held":
            held.close()
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
