"""Records in a saved state: without what is empty at the end of all of them, and whole when they come back."""

import numpy as np
import pytest

from skywarden.model.evidence import Evidence
from skywarden.model.track import Picture
from skywarden.saved import _array_in, _array_out, digest


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


def test_the_hash_of_a_picture_tells_every_word_of_evidence_and_their_order():
    table = np.zeros((40, 6), np.uint64)
    table[:, 0], table[:, 3] = np.arange(40), 7

    def hashed(words):
        return digest(Picture(0, evidence=Evidence(rows=np.ascontiguousarray(words).view("V48").reshape(-1))))

    others = [table[::-1], table[:-1], np.vstack([table, np.zeros((1, 6), np.uint64)]), np.zeros((0, 6), np.uint64)]
    for row in (0, 17, 39):
        for column in range(6):
            for bit in (0, 31, 63):
                other = table.copy()
                other[row, column] ^= np.uint64(1) << np.uint64(bit)
                others.append(other)
    swapped = table.copy()
    swapped[[3, 4]] = swapped[[4, 3]]
    found = {hashed(table), *map(hashed, [*others, swapped])}
    assert len(found) == 2 + len(others)
    assert hashed(table) == hashed(table.copy())
