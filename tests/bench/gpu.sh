#!/usr/bin/env bash
# transformers:PATH on a GPU: its tests, the suite's verdicts beside those of the CPU, tokens a second beside `generate`.
# With PYTHON=… what that Python has of torch, transformers and peft is used, and the rest installed beside it; else
# all is installed, with the torch that pip finds. Arguments are those of checkpoints.py.
set -euo pipefail
cd "$(dirname "$0")/../.."

python=${PYTHON:-python3}
room=.cache/gpu
"$python" -m venv --clear "$room"
extra='.[dev,transformers]'
if "$python" -c 'import torch, transformers, peft' 2>/dev/null; then
  # By a path file: an environment made from an environment would not see what that has.
  "$python" -c 'import site, sysconfig
places = [*map(sysconfig.get_path, ("purelib", "platlib")), *site.getsitepackages(), site.getusersitepackages()]
print(*dict.fromkeys(places), sep="\n")' > "$(echo "$room"/lib/python*/site-packages)/beside.pth"
  extra='.[dev]'
fi
# On a machine without a network all may be there already, infercheck's own wheel too.
"$room/bin/python" -c 'import infercheck.cli, infercheck.runners.server, uvicorn, pytest_timeout' 2>/dev/null ||
  "$room/bin/python" -m pip install --quiet --disable-pip-version-check -e "$extra"

"$room/bin/python" -c 'import infercheck; print("infercheck:", infercheck.__file__)'
"$room/bin/python" -c 'import torch; print("GPU:", torch.cuda.get_device_name() if torch.cuda.is_available() else "none")'
PYTHONPATH="tests${PYTHONPATH:+:$PYTHONPATH}" "$room/bin/python" -m pytest --timeout 300 -p unskipped tests/checkpoints
"$room/bin/python" tests/bench/checkpoints.py "$@"
