#!/usr/bin/env bash
# transformers:PATH on a GPU: its tests, the suite's verdicts beside those of the CPU, and tokens a second beside `generate`.
# With PYTHON=… that Python is used as it is where it has torch, transformers and peft, and what else is missing is
# installed beside it; else an environment is made with the torch that pip finds. Arguments are those of checkpoints.py.
set -euo pipefail
cd "$(dirname "$0")/../.."

python=${PYTHON:-python3}
room=.cache/gpu
if "$python" -c 'import torch, transformers, peft' 2>/dev/null; then
  "$python" -m venv --system-site-packages "$room"
  extra='.[dev]'
else
  "$python" -m venv "$room"
  extra='.[dev,transformers]'
fi
# What lies beside that Python may be all that is needed, on a machine without a network.
"$room/bin/python" -c 'import infercheck.cli, infercheck.runners.server, uvicorn, pytest_timeout' 2>/dev/null ||
  "$room/bin/python" -m pip install --quiet --disable-pip-version-check -e "$extra"

"$room/bin/python" -c 'import torch; print("GPU:", torch.cuda.get_device_name() if torch.cuda.is_available() else "none")'
PYTHONPATH=tests "$room/bin/python" -m pytest --timeout 300 -p unskipped tests/checkpoints
"$room/bin/python" tests/bench/checkpoints.py "$@"
