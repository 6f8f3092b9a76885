"""What goes out, format by format. An encoder makes bytes and knows nothing of files, sockets or clocks.

Two kinds, never mixed (DESIGN section 6): a *picture* encoder writes where every track is and goes only to those who
were given the surveillance picture; an *event* encoder writes warnings, without any track's place or velocity.
"""

from collections.abc import Callable, Mapping, Sequence

from skywarden.model.event import Output, TrackStates
from skywarden.model.foreign import Foreign
from skywarden.model.place import Site
from skywarden.model.track import Picture
from skywarden.outputs import geojson, jsonl

PictureEncoder = Callable[[TrackStates, Picture, Sequence[Site], Foreign], bytes]
EventEncoder = Callable[[Output], bytes]

ENCODERS: Mapping[str, PictureEncoder] = {"geojson": geojson.encode}
EVENT_ENCODERS: Mapping[str, EventEncoder] = {"jsonl": jsonl.encode}
