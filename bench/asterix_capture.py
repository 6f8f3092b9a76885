"""Writes tests/samples/asterix/coast.raw and what it must give: two radars and a system that sends tracks.

Made, not recorded: the records below are what `skywarden decode` must say again, so the expectation does not come
from the decoder. The radars are SAC 250 (given to no country), the coast is not a real one.

    python bench/asterix_capture.py
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from skywarden.sensors.asterix import encode_block

TO = Path(__file__).parents[1] / "tests" / "samples" / "asterix"
DAY = 1_789_948_800  # s; 21 September 2026, 00:00 UTC
NOON = 43_200  # s
TURN = 4.0  # s
KNOWN, SILENT = (250, 11), (250, 12)  # the second radar does not say where it stands

Record = dict[str, Any]


def exact(value: float, lsb: float) -> float:
    """Return the value as the format holds it."""
    return round(value / lsb) * lsb


def head(radar: tuple[int, int]) -> Record:
    return {"010": {"SAC": radar[0], "SIC": radar[1]}}


def north(radar: tuple[int, int], time: float) -> Record:
    record = head(radar) | {"000": {"TYP": 1}, "030": {"TOD_s": time}, "041": {"PERIOD_s": TURN}}
    if radar == KNOWN:
        lsb = 180 / 2**23
        record["120"] = {"HGT_m": 140.0, "LAT_deg": exact(36.2, lsb), "LON_deg": exact(-31.5, lsb)}
    return record


def plot(radar: tuple[int, int], time: float, target: int, turn: int) -> Record:
    """One target: the even ones answer an interrogator, the others are seen by a 3D primary radar with Doppler."""
    angle = exact(20.0 + 37.0 * target + 0.2 * turn, 360 / 2**16)
    near = exact(12.0 + 4.0 * target - 0.03 * turn, 1 / 256)
    record = head(radar) | {"140": {"TOD_s": time}, "020": descriptor(2 if target % 2 == 0 else 1)}
    record["040"] = {"RHO_NM": near, "THETA_deg": angle}
    if target % 2 == 0:
        record["070"] = {"V": 0, "G": 0, "L": 0, "MODE3A": f"{1000 + target}"}
        record["090"] = {"V": 0, "G": 0, "FL": 120.25}
        record["220"] = {"ADR": f"0A0B{target:02X}"}
        record["240"] = {"ID": f"TEST{target}"}
        record["161"] = {"TRN": target}
    else:
        record["110"] = {"3DH_ft": 1500.0}
        record["120"] = {"CAL": {"D": 0, "CAL_m_s": -48.0}}
    return record


def descriptor(kind: int, **flags: int) -> Record:
    return {"TYP": kind, "SIM": 0, "RDP": 0, "SPI": 0, "RAB": 0} | flags


def track(time: float, number: int, turn: int) -> Record:
    lsb = 180 / 2**25
    latitude, longitude = exact(36.4 + 0.01 * number, lsb), exact(-31.2 + 0.002 * turn, lsb)
    status = {"MON": 0, "SPI": 0, "MRH": 1, "SRC": 3, "CNF": 0}
    return head((250, 100)) | {
        "015": {"SID": 1},
        "070": {"TOD_s": time},
        "105": {"LAT_deg": latitude, "LON_deg": longitude},
        "185": {"VX_m_s": 50.0, "VY_m_s": -3.25},
        "380": {"ADR": f"0A0B{number:02X}", "ID": f"TEST{number}"},
        "040": {"TRN": number},
        "080": status,
        "130": {"ALT_ft": 1500.0},
        "220": {"ROCD_ft_min": -625.0},
        "500": {"APC": {"X_m": 40.0, "Y_m": 30.0}, "COV_m": -10.0, "AGA_ft": 62.5, "ATV": {"X_m_s": 2.0, "Y_m_s": 2.0}},
    }


def blocks() -> list[tuple[int, list[Record]]]:
    """Return category and records of every data block, in order."""
    found: list[tuple[int, list[Record]]] = []
    for turn in range(3):
        start = NOON + TURN * turn
        for radar in (KNOWN, SILENT):
            found.append((34, [north(radar, start)]))
            plots = [plot(radar, start + 0.5 * target + 0.125, target, turn) for target in range(6)]
            found += [(48, plots[:4]), (48, plots[4:])]
        simulated = plot(KNOWN, start + 3.0, 0, turn) | {"020": descriptor(2, SIM=1)}
        monitor = plot(KNOWN, start + 3.0, 2, turn) | {"020": descriptor(2, RAB=1)}
        found += [(48, [simulated]), (48, [monitor])]
        found.append((62, [track(start + 3.25, number, turn) for number in (1, 2)]))
        batch = {"000": {"TYP": 2}, "015": {"SID": 1}, "030": {"TOD_s": start + 3.5}, "020": {"BTN": turn}}
        found.append((65, [head((250, 100)) | batch]))
    return found


def row(category: int, record: Record) -> Record:
    """Return the record as `skywarden decode` says it."""
    seconds = next(value["TOD_s"] for value in record.values() if "TOD_s" in value)
    named = {f"I{category:03}/{name}": value for name, value in record.items()}
    who = {"category": category, "sac": record["010"]["SAC"], "sic": record["010"]["SIC"]}
    return who | {"time": DAY * 10**9 + int(np.rint(seconds * 128)) * 7_812_500, "source": "samples"} | named


def main() -> None:
    TO.mkdir(parents=True, exist_ok=True)
    made = blocks()
    (TO / "coast.raw").write_bytes(b"".join(encode_block(category, records) for category, records in made))
    rows = [row(category, record) for category, records in made for record in records]
    text = "[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n"
    (TO / "coast.expected.json").write_text(text)


if __name__ == "__main__":
    main()
