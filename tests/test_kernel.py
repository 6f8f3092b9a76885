"""Kernels: where compiled ones are kept."""

import os
from pathlib import Path

from skywarden.kernel import KEPT, folder, tidy


def test_compiled_kernels_are_kept_in_a_place_of_this_version() -> None:
    assert folder().name.startswith("kernels-")
    assert folder() == folder()


def test_only_the_latest_used_folders_stay(tmp_path: Path) -> None:
    for age in range(KEPT + 3):
        old = tmp_path / f"kernels-{age}"
        (old / "track").mkdir(parents=True)
        (old / "track/edges.nbc").write_bytes(b"code")
        os.utime(old, (1_700_000_000 - age,) * 2)
    (tmp_path / "other").mkdir()
    used = tmp_path / "kernels-6"  # the oldest of them all
    tidy(used)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["kernels-0", "kernels-1", "kernels-2", "kernels-6", "other"]
    tidy(tmp_path / "kernels-new")
    assert {p.name for p in tmp_path.iterdir()} == {"kernels-new", "kernels-6", "kernels-0", "kernels-1", "other"}


def test_a_place_that_cannot_be_written_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    tidy(tmp_path / "file" / "kernels-1")
