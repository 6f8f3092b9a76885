"""Messages for people: one dictionary each, as `skywarden decode` prints them."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from skywarden.model.assessment import CLASSES
from skywarden.sensors.microphone.layout import NO_ANGLE, NO_AZIMUTH, NO_WIND, REPORT, Flags
from skywarden.sensors.microphone.reading import GOOD, REASONS, Said

HEALTH = ("ok", "warning", "error")
WORDS = {
    Flags.WIND: "wind",
    Flags.CLIPPED: "clipped",
    Flags.CLOCK: "clock",
    Flags.PLACE: "place",
    Flags.SIMULATED: "simulated",
    Flags.TEST: "test",
}


def rows(source: str, said: Said) -> Iterator[dict[str, Any]]:
    """Yield what each message says; what it does not say is left out. A refused one: what could be read."""
    for k, (why, kind) in enumerate(zip(said.why.tolist(), said.type.tolist(), strict=True)):
        if why != GOOD:
            yield {"error": REASONS[why], "source": source}
        else:
            record = said.heard[k] if kind == REPORT else said.alive[k]
            yield {**_head(source, record), **(_report(said, k) if kind == REPORT else _alive(record))}


def _head(source: str, record: np.void) -> dict[str, Any]:
    flags = int(record["flags"])
    return {
        "time": int(record["time"]),
        "source": source,
        "type": "report" if int(record["type"]) == REPORT else "heartbeat",
        "node": int(record["node"]),
        "number": int(record["number"]),
        "flags": [word for flag, word in WORDS.items() if flags & flag],
        "latitude": round(int(record["latitude"]) * 1e-7, 7),
        "longitude": round(int(record["longitude"]) * 1e-7, 7),
        "height_m": int(record["height"]) / 100,
    }


def _report(said: Said, k: int) -> dict[str, Any]:
    record = said.heard[k]
    found: dict[str, Any] = {"level_db": int(record["level"]) / 100, "noise_db": int(record["noise"]) / 100}
    if f0 := int(record["f0"]):
        found |= {"f0_hz": f0 / 1000, "f0_sigma_hz": int(record["f0_sigma"]) / 100}
    if (azimuth := int(record["azimuth"])) != NO_AZIMUTH:
        found |= {"azimuth_deg": azimuth / 100, "azimuth_sigma_deg": int(record["sigma_azimuth"]) / 100}
    if (elevation := int(record["elevation"])) != NO_ANGLE:
        found |= {"elevation_deg": elevation / 100, "elevation_sigma_deg": int(record["sigma_elevation"]) / 100}
        found["correlation"] = int(record["correlation"]) / 10_000
    llr = zip(CLASSES, said.llr[k].tolist(), said.llr_said[k].tolist(), strict=True)
    found["llr"] = {word.value: round(value, 2) for word, value, there in llr if there}
    return found | {
        "looks": int(record["looks"]) / 100,
        "calibration": int(record["calibration"]),
        "model": f"{int(record['model']):08x}",
    }


def _alive(record: np.void) -> dict[str, Any]:
    found: dict[str, Any] = {"noise_db": int(record["noise"]) / 100}
    if (wind := int(record["wind"])) != NO_WIND:
        found["wind_m_s"] = wind / 10
    return found | {
        "health": HEALTH[int(record["health"])],
        "interval_s": int(record["interval"]),
        "uptime_s": int(record["uptime"]),
        "software": f"{int(record['software']):08x}",
        "model": f"{int(record['model']):08x}",
    }
