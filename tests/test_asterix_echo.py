"""How strong an echo was becomes how large its target is: I048/130 of category 048."""

from math import log10
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skywarden.model.detection import Detections, Frame
from skywarden.model.place import F64, Sensor, Source
from skywarden.model.track import Mode
from skywarden.sensors.asterix import Asterix, encode_block

NOON = 1_789_992_000 * 10**9  # ns; 21 September 2026, 12:00 UTC
MILE = 1852.0  # m
REFERENCE = -68.0  # dBm


def sensor(number: int = 11, echo_dbm: float | None = REFERENCE) -> Sensor:
    name = f"r{number}"
    return Sensor(name=name, source="r", sac=250, sic=number, latitude=46.2, longitude=31.5, echo_dbm=echo_dbm)


def record(power: int | None = None, miles: float = 10.0, number: int = 11, **parts: Any) -> dict[str, Any]:
    """Return a plot; power: dBm."""
    found: dict[str, Any] = {"010": {"SAC": 250, "SIC": number}, "140": {"TOD_s": 43200}, "020": {"TYP": 1}}
    found["040"] = {"RHO_NM": miles, "THETA_deg": 90}
    said = parts if power is None else parts | {"PAM_dBm": power}
    return found | ({"130": said} if said else {})


def decoded(message: bytes, *sensors: Sensor) -> list[Detections]:
    asterix = Asterix(Source(name="r", format="asterix"), sensors, Mode.LIVE)
    found = asterix.decode(Frame.of("r", NOON, message))
    assert found.refused == {}
    return list(found.batches)


def echo(*records: dict[str, Any], echo_dbm: float | None = REFERENCE) -> F64 | None:
    (batch,) = decoded(encode_block(48, list(records)), sensor(echo_dbm=echo_dbm))
    return batch.echo


def test_a_record_written_by_hand_has_the_section_that_the_radar_equation_gives() -> None:
    """10 NM away, -80 dBm: 12 dB less than 1 m^2 would have at 10 km, and 10.7 dB more than that for the distance."""
    plot = "f2 fa0b 546000 20 0a00 4000 08 b0"
    later = "f2 fa0b 546001 20 0500 4000 88 20 d8"  # 5 NM; a run length before it (PRL is the fourth, SRL the first)
    data = bytes.fromhex(plot + later)
    (batch,) = decoded(bytes([48, 0, 3 + len(data)]) + data, sensor())
    assert batch.z[:, 0].tolist() == [10 * MILE, 5 * MILE]
    assert batch.echo is not None
    assert batch.echo.tolist() == pytest.approx([-12 + 40 * log10(1.852), 28 + 40 * log10(0.926)], abs=1e-9)
    assert not batch.echo.flags.writeable


def test_the_primary_amplitude_is_found_between_the_other_subfields() -> None:
    others = {"SRL_deg": 1.0, "SRR": 4, "SAM_dBm": -30, "PRL_deg": 2.0, "RPD_NM": 0.125, "APD_deg": 0.25}
    alone, among = echo(record(-80)), echo(record(-80, **others))
    assert alone is not None
    assert among is not None
    assert alone.tolist() == among.tolist()
    assert echo(record(None, **others)) is None  # how strong the transponder's answer was says nothing of the section


def test_what_has_no_amplitude_has_no_section() -> None:
    found = echo(record(-80), record(), record(-70))
    assert found is not None
    assert np.isnan(found).tolist() == [False, True, False]
    assert found[2] - found[0] == pytest.approx(10)
    assert echo(record(), record()) is None


def test_amplitudes_of_a_radar_without_a_reference_are_not_used() -> None:
    assert echo(record(-80), echo_dbm=None) is None
    (batch,) = decoded(encode_block(48, [record(-80, number=12)]), *[sensor(12, None), sensor(11)])
    assert batch.echo is None


@pytest.mark.parametrize("power", [-128, 127])
def test_the_ends_of_the_scale_are_sections_like_all_others(power: int) -> None:
    found = echo(record(power), echo_dbm=float(power) - 3)
    assert found is not None
    assert found[0] == pytest.approx(3 + 40 * log10(1.852))


def test_an_absurd_section_is_missing_and_the_others_are_not() -> None:
    """At 10 km (5.4 NM) it is 80 dB where the amplitude is 80 dB over the reference."""
    miles = 1382 / 256  # 9.998 km: 0.004 dB less
    found = echo(record(12, miles), record(13, miles), record(-147 + 20, miles), record(-68, miles))
    assert found is not None
    assert np.isnan(found).tolist() == [False, True, False, False]
    low = echo(record(-60, miles), record(-61, miles), echo_dbm=19.99)
    assert low is not None
    assert np.isnan(low).tolist() == [False, True]
    assert echo(record(127), echo_dbm=-200) is None
    assert echo(record(-128), echo_dbm=100) is None


def test_radars_of_one_datagram_have_each_their_own_reference() -> None:
    sensors = [sensor(1, -68.0), sensor(2, None), sensor(3, -50.0), sensor(4, -50.0)]
    records = [record(-80 + k, 2.0 + k, number=1 + k % 4) for k in range(20)]
    records += [record(None, number=4), record(None, number=5)]
    batches = {batch.sensor: batch for batch in decoded(encode_block(48, records[:-1]), *sensors)}
    assert list(batches) == ["r1", "r2", "r3", "r4"]
    assert batches["r2"].echo is None
    for number, reference in ((1, -68.0), (3, -50.0), (4, -50.0)):
        mine = [r for r in records if r["010"]["SIC"] == number]
        expected = [
            r["130"]["PAM_dBm"] - reference + 40 * log10(r["040"]["RHO_NM"] * MILE / 10e3) if "130" in r else np.nan
            for r in mine
        ]
        np.testing.assert_allclose(batches[f"r{number}"].echo, expected, atol=1e-9)


@given(power=st.integers(-128, 127), rho=st.integers(1, 0xFFFF), reference=st.floats(-200, 100))
def test_whatever_a_radar_says_a_section_is_possible_or_missing(power: int, rho: int, reference: float) -> None:
    found = echo(record(power, rho / 256), echo_dbm=reference)
    expected = power - reference + 40 * log10(rho / 256 * MILE / 10e3)
    if abs(abs(expected) - 80) < 1e-6:
        return
    if abs(expected) > 80:
        assert found is None
    else:
        assert found is not None
        assert found[0] == pytest.approx(expected, abs=1e-9)
