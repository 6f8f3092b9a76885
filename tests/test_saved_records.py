"""Records in a saved state: without what is empty at the end of all of them, and whole when they come back."""

from dataclasses import replace

import numpy as np
import pytest

from skywarden.model.evidence import Evidence
from skywarden.model.past import Past
from skywarden.model.threats import PAIRS, Judged, Threats
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


def test_the_hash_of_a_picture_tells_every_value_of_threats_and_of_how_tracks_flew():
    count = 5
    whole, part = np.arange(count), np.arange(float(count))
    judged = Judged(whole, whole + 7, np.ones((count, 3)))
    times, vague = np.tile(part[:, None], 7), np.zeros(count, bool)
    threats = Threats(judged, ("plant",), whole, 0 * whole, whole, part, times, part + 1.0, vague, part)
    picture = Picture(0, threats=threats, past=Past(whole, np.ones((count, 4))))

    def others(table, names):
        for name in names:
            column = getattr(table, name)
            for at in (0, column.size // 2, column.size - 1):
                other = column.copy()
                flat = other.reshape(-1)
                flat[at] = np.nextafter(flat[at], 99.0) if other.dtype == np.float64 else flat[at] ^ 1
                yield replace(table, **{name: other})

    found = [digest(picture)]
    found += [digest(replace(picture, past=past)) for past in others(picture.past, ("number", "mean"))]
    changed = [replace(threats, judged=one) for one in others(judged, ("number", "time", "velocity"))]
    changed += [
        *others(threats, PAIRS),
        replace(threats, sites=("dam",)),
        threats.take(whole[::-1]),
        threats.take(whole[1:]),
    ]
    found += [digest(replace(picture, threats=one)) for one in changed]
    assert len({*found}) == len(found) == 1 + 6 + 9 + 24 + 3
    same = replace(threats, times=np.asfortranarray(times), judged=replace(judged, velocity=judged.velocity.copy()))
    assert digest(replace(picture, threats=same)) == digest(picture)
