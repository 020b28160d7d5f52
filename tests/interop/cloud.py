"""api.cloudflare.com, as far as a client can tell: the reference server behind TLS and a proxy.

No client's text or address is changed. They find our server because `HTTPS_PROXY` says so, and believe it
because the variables for certificate authorities name one of our own. Account and token come from the variables of
the page.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from fakes import CONTRACT
from harness import served

from infercheck.runners.reference.engine import ReferenceEngine
from infercheck.runners.server import Api
from interop.programs import PYTHON, run
from interop.recording import Received, Recorder
from interop.tunnel import CLOUD, tunnel

ACCOUNT = "0123456789abcdef0123456789abcdef"
TOKEN = "interop-token"
PATH = f"/client/v4/accounts/{ACCOUNT}/ai/run/{CONTRACT.model}"


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """What clients meet."""

    environment: dict[str, str]
    recorder: Recorder
    strangers: list[str]

    def exchanges(self) -> list[tuple[Received, bytes]]:
        """What came in since the last time, and what was answered. Nobody else may have been asked anything."""
        assert self.strangers == []
        return self.recorder.exchanges()


@contextlib.contextmanager
def cloud(room: Path) -> Iterator[Cloud]:
    """The reference server as api.cloudflare.com; its certificates are made in `room`."""
    run(PYTHON, "-m", "trustme", "--quiet", "--dir", room, "--identities", CLOUD)
    authority = str(room / "client.pem")
    api = Api(ReferenceEngine(), input_schema=dict(CONTRACT.input), token=TOKEN)
    recorder = Recorder(api.app())
    with (
        served(recorder, ssl_certfile=room / "server.pem", ssl_keyfile=room / "server.key") as url,
        tunnel(urlsplit(url).port or 0) as (proxy, strangers),
    ):
        environment = {
            "CLOUDFLARE_ACCOUNT_ID": ACCOUNT,
            "CLOUDFLARE_AUTH_TOKEN": TOKEN,
            "HTTPS_PROXY": proxy,
            "CURL_CA_BUNDLE": authority,
            "NODE_EXTRA_CA_CERTS": authority,
            "REQUESTS_CA_BUNDLE": authority,
            "SSL_CERT_FILE": authority,
        }
        yield Cloud(environment=environment, recorder=recorder, strangers=strangers)
