"""No source speaks for another's sensor."""

from dataclasses import replace

import numpy as np
from track_world import START, batch

from skywarden.model.detection import Decoded, Kind, Reason
from skywarden.model.place import Sensor, Source
from skywarden.model.track import Mode
from skywarden.sensors import Reader


def test_what_a_source_says_under_the_name_of_anothers_sensor_is_refused():
    sources = [
        Source(name=name, format="sbs", listen=f"tcp://127.0.0.1:{k}") for k, name in enumerate(("coast", "ears"))
    ]
    reader = Reader(sources, [Sensor(name="north radar", source="coast")], Mode.SIM)
    one = batch(Kind.POSITION, "north radar", 0.0, np.full((2, 3), 4e6), np.eye(3))
    for source, name, used in (
        ("ears", "north radar", False),
        ("ears", "coast", False),
        ("ears", "ears", True),
        ("ears", "a name of its own", True),
        ("coast", "north radar", True),
    ):
        said = replace(one, sensor=name, received=START)
        found = reader._possible(Decoded(source, 1, (said, said), {Reason.MISDIRECTED: 1}))
        assert len(found.batches) == (2 if used else 0)
        assert found.refused == {Reason.MISDIRECTED: 1 if used else 5}
