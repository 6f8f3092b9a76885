"""Records in a saved state: without what is empty at the end of all of them, and whole when they come back."""

import numpy as np
import pytest

from skywarden.saved import _array_in, _array_out


@pytest.mark.parametrize("used", [0, 1, 5, 12])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_records_come_back_whole(used, count):
    table = np.zeros((count, 12), np.uint8)
    table[:, :used] = np.arange(used)
    if count and used:
        table[-1, used - 1] = 7  # one of them is enough
    rows = table.view("V12").reshape(count)
    saved = _array_out(rows)
    assert len(saved[2]) == count * used
    found = _array_in(np.ndarray, saved)
    assert found.dtype == rows.dtype
    assert found.shape == rows.shape
    assert found.tobytes() == rows.tobytes()
    assert not found.flags.writeable
