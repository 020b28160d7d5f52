"""Folders: a draft written down as a contract, and loaded again to prove that it is one."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

import yaml

from infercheck.contract import Contract
from infercheck.contract_loader import load
from infercheck.errors import UsageError
from infercheck.importing.draft import Draft

HEAD = """\
# What is promised of this model beyond its schemas, as `infercheck contracts import` made it. Look it over: roles,
# samples and levels are told from names and defaults, and yours to change.

"""


def write(draft: Draft, folder: Path, *, force: bool = False) -> Contract:
    """Write a draft into a folder and load it; UsageError where the folder is there and `force` is not said.

    What cannot be loaded leaves no folder behind; with `force` what was in the folder goes.
    """
    if folder.exists() and not force:
        raise UsageError(
            f"{folder} is there already",
            hint="Give another folder with --output, or write over this one with --force.",
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".contract-") as made:
        whole = Path(made) / folder.name
        whole.mkdir()
        _fill(whole, draft)
        load(str(whole))
        if folder.exists():
            _remove_contract(folder)
        whole.replace(folder)
    return load(str(folder.absolute()))


def loaded(draft: Draft) -> Contract:
    """The contract of a draft, written nowhere that stays."""
    with tempfile.TemporaryDirectory(prefix="contract-") as made:
        folder = Path(made) / draft.yaml["id"]
        folder.mkdir()
        _fill(folder, draft)
        return load(str(folder))


def _fill(folder: Path, draft: Draft) -> None:
    digests = {}
    for name, text in draft.files.items():
        data = text.encode("utf-8", "surrogatepass")
        (folder / name).write_bytes(data)
        digests[name] = hashlib.sha256(data).hexdigest()
    data_: dict[str, Any] = {**draft.yaml, "provenance": {**draft.yaml["provenance"], "sha256": digests}}
    text = yaml.dump(data_, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    (folder / "contract.yaml").write_text(HEAD + text, "utf-8")


class _Dumper(yaml.SafeDumper):
    # Without anchors: two equal values are two values.
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _remove_contract(folder: Path) -> None:
    # Nothing is removed that was no contract.
    if not folder.is_dir() or (any(folder.iterdir()) and not (folder / "contract.yaml").is_file()):
        raise UsageError(f"{folder} is no contract, and is not written over")
    shutil.rmtree(folder)
