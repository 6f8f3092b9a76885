"""Identities: what tracks say of themselves, kept as it was said last."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skywarden.identify.claims import claimed
from skywarden.model.assessment import Category, Identity
from skywarden.model.detection import NO_ADDRESS, Claim, Kind, detections
from skywarden.model.track import Tracks


def tracks(numbers: list[int], addresses: list[int]) -> Tracks:
    n = len(numbers)
    filled = {name: np.zeros((n, *getattr(Tracks.empty(), name).shape[1:])) for name in Tracks.__slots__}
    known = Tracks(**filled)
    label, number, address = 100 + np.arange(n), np.array(numbers, np.int64), np.array(addresses, np.int64)
    return replace(known, label=label, number=number, address=address)


def said(claims: list[tuple[int, str, str]], n: int):
    """Return a batch of n plots with claims (row, name, value)."""
    told = tuple(Claim(*claim) for claim in claims)
    return detections(
        Kind.POSITION, "r", 0, np.zeros(n, np.int64), np.ones((n, 3)), np.tile(np.eye(3), (n, 1, 1)), claims=told
    )


def test_claims_are_kept_as_they_were_said_last_and_change_no_category() -> None:
    some = tracks([3, 0, 5, 4], [NO_ADDRESS, NO_ADDRESS, 0x4B1234, NO_ADDRESS])
    before = (
        Identity(4, Category.SUSPECT, {"squawk": "1000", "callsign": "OLD"}),
        Identity(9, claims={"squawk": "7000"}),
    )
    batch = said([(0, "callsign", "ABC"), (1, "callsign", "NOBODY"), (2, "squawk", "2000"), (2, "squawk", "2001")], 3)
    after = claimed(before, some, [batch], [np.array([100, 0, 103])])
    assert after == (
        Identity(3, claims={"callsign": "ABC"}),
        Identity(5, claims={"icao24": "4b1234"}),
        Identity(4, Category.SUSPECT, {"callsign": "OLD", "squawk": "2001"}),
    )
    assert list(after[2].claims) == ["callsign", "squawk"]  # in the order of names, whatever came first


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from([NO_ADDRESS, 1, 2])), max_size=8), st.data())
def test_only_numbered_tracks_have_one_in_the_order_of_the_tracks(
    rows: list[tuple[int, int]], data: st.DataObject
) -> None:
    numbers = [k + 1 if number else 0 for k, (number, _) in enumerate(rows)]
    known = data.draw(st.lists(st.sampled_from(numbers), unique=True)) if numbers else []
    before = tuple(Identity(number, claims={"callsign": str(number)}) for number in known if number)
    after = claimed(before, tracks(numbers, [address for _, address in rows]), [], [])
    assert [identity.track for identity in after] == [number for number in numbers if number]
    for identity in after:
        address = rows[identity.track - 1][1]
        expected = {"callsign": str(identity.track)} if identity.track in known else {}
        assert identity.claims == expected | ({} if address == NO_ADDRESS else {"icao24": f"{address:06x}"})
        assert identity.category is Category.UNKNOWN
