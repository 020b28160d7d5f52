"""What the README shows."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


URL = re.escape("http://127.0.0.1:8787/client/v4/accounts/a/ai/run/@cf/mistral/mistral-7b-instruct-v0.2-lora")


def blocks(language, word=""):
    """Its blocks in a language, with a word."""
    return [text for name, text in BLOCKS if name == language and word in text]


def commands():
    """Its lines that begin with the name of the command, and those in the middle of a sentence."""
    for text in blocks("sh"):
        for line in text.replace("\\\n", "").splitlines():
            if line.startswith("infercheck "):
                yield line
    yield from re.findall(r"`(infercheck [a-z]+ --[^`]*)`", README)


def shown_run(folder, line, url):
    """The exit status of a line of the README, and what it prints; `serve` is ended once it is ready."""
    line = re.sub(URL, url, line.partition("  #")[0])
    line = line.replace("URL --contract newer", "reference --contract newer").replace("FOLDER", "newer")
    line = re.sub(r"\bURL\b", f"{url} --token-env MY_TOKEN", line).replace(
        "CASE", "boundary/input/prompt/top_k/maximum/51"
    )
    words = shlex.split(line)
    if words[1] == "run" and "out" not in words and "replay:out" not in words:
        words += ["--output", "other", *([] if "--profile" in words else ["--profile", "quick"])]
        words += ["--only", "stream/done", "--max-requests", "100"] if "deep" in words else []
    command = [sys.executable, "-m", *words]
    environment = {**os.environ, "MY_TOKEN": "sesame-open", "INFERCHECK_CACHE_DIR": ""}
    if words[1] != "serve":
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr
    told = []
    with subprocess.Popen(
        [*command, "--port", "0"], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        while process.poll() is None and not (told and "Ctrl-C" in told[-1]):
            told.append(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        return process.wait(20), "".join(told)
