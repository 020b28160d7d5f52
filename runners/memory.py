"""How much memory there is to give."""

from __future__ import annotations

import re
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")


def free() -> int:
    """Bytes that a new process may take before the system ends somebody; 0 where the system does not tell."""
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB", _MEMINFO.read_text("ascii"), re.MULTILINE)
    except OSError:
        return 0
    return min(int(found[1]) * 1024 if found else 0, _left_to_group())


def _left_to_group() -> int:
    # A container's own limit (cgroup v2), which the system's figures know nothing of.
    try:
        limit = int((_GROUP / "memory.max").read_text("ascii"))
        used = int((_GROUP / "memory.current").read_text("ascii"))
        # Of what is used, what caches files is given back where others need it.
        cached = re.search(r"^file (\d+)", (_GROUP / "memory.stat").read_text("ascii"), re.MULTILINE)
        return max(0, limit - used + (int(cached[1]) if cached else 0))
    except (OSError, ValueError):  # no such group, or "max"
        return 1 << 62
