"""The commands of the README that want a checkpoint."""

from __future__ import annotations

from shown import commands, shown_run


def test_every_command_about_a_checkpoint_runs_where_it_is_shown(tiny, tmp_path):
    for name, there in (("mistral", "base"), ("poet", "poet"), ("lawyer", "pirate")):
        (tmp_path / name).symlink_to(tiny / there)
    lines = [line for line in dict.fromkeys(commands()) if "transformers:" in line]
    assert len(lines) > 1
    for line in lines:
        status, told = shown_run(tmp_path, line, "")
        assert status == 0, f"{line}\n{told}"
