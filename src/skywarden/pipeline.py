"""The main path, in one place: inputs in, picture and events out.

`step` is a pure function: it reads no clock, draws no random number, opens nothing. `Line` feeds it from the record's
inputs. Live, replay, recovery after a crash and simulation all run this same code.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

import msgspec
import scipy.spatial  # noqa: F401 - half a second, before the first tick and not within the one that needs it

from skywarden import handover
from skywarden.acts import finished, taken, worded
from skywarden.advice import over as advice_over
from skywarden.ahead import Ahead, slow
from skywarden.alert import decide
from skywarden.config import Settings, recalled, resolved
from skywarden.errors import ConfigError
from skywarden.health import blamed, counted, of_source, renewed
from skywarden.identify import Aside, Before, Ears, Given, Heard, identify, viewed
from skywarden.model.deed import Acted, Decided, Suspended, Taken
from skywarden.model.detection import Decoded, Detections, Frame, Reason
from skywarden.model.event import (
    AlertCleared,
    Answered,
    Arrived,
    ClockStepped,
    Failed,
    Input,
    Lost,
    Output,
    Refused,
    Started,
    Stepped,
    Tick,
    TrackDropped,
)
from skywarden.model.raid import Raids
from skywarden.model.threats import Threats
from skywarden.model.track import Chains, Picture
from skywarden.model.triage import Triage
from skywarden.model.warning import Warnings
from skywarden.model.watched import Watch
from skywarden.people import for_people
from skywarden.raid import over
from skywarden.saved import Saved, decoded, digest, encoded
from skywarden.sensors import Reader
from skywarden.threat import Seen, evaluate, flown
from skywarden.track import witness
from skywarden.track.beliefs import readable
from skywarden.track.registration import corrected, said
from skywarden.track.registry import anew, starts
from skywarden.track.settled import Progress
from skywarden.track.states import states
from skywarden.track.step import Onward, track
from skywarden.triage import triaged, unsaid
from skywarden.trust import measuring, trusted
from skywarden.trust import over as unjudged
from skywarden.warn import ended as unwarned
from skywarden.watch import Now, broken, watched

SECOND = 1_000_000_000
UNREADABLE = (ConfigError, msgspec.MsgspecError, ValueError, TypeError)  # another version's state, in `Line.restore`
Tell = Callable[[Heard], None]  # who wants to know which detection corrected which track
RESTARTED = "skywarden was started again"  # what ends hand-overs then
BACK = SECOND  # a start so much before the picture's time means that the clock had been wrong


def step(  # noqa: PLR0913 - as `track`
    picture: Picture,
    batches: Sequence[Detections],
    time: int,
    settings: Settings,
    progress: Progress | None = None,
    onward: Onward | None = None,
    tell: Tell | None = None,
) -> tuple[Picture, list[Output]]:
    """Advance the picture to `time` (UTC ns) by one tick's detections. progress, onward: see `track`.

    tell: told which detection corrected which track.
    """
    ordered = sorted(batches, key=lambda b: (int(b.time.min()), b.sensor, int(b.number[0]), b.kind))
    batches = [part for batch in ordered for part in corrected(batch, picture.registrations)]
    tracked = track(picture, batches, time, settings.tracker, slow(settings), progress, onward)
    known = Before(picture.identities, picture.evidence, picture.time)
    heard = Heard(batches, tracked.matches, tracked.sensors)
    if tell is not None:
        tell(heard)
    identities, evidence = identify(known, tracked.tracks, heard, time, _given(settings, picture))
    identities = worded(identities, picture.held)
    past = flown(picture.past, tracked.tracks, time, (time - picture.time) * 1e-9)
    seen = Seen(tracked.tracks, identities, past)
    threats = evaluate(seen, time, settings.sites, settings.alert, picture.threats)
    shown = set(tracked.tracks.number[tracked.tracks.shown()].tolist())
    alerts, alert_events = decide(picture.alerts, threats, time, settings.sites, settings.alert, shown)
    after = replace(tracked.onto(picture), time=time, identities=identities, evidence=evidence, past=past)
    after = replace(after, threats=threats, alerts=alerts)
    before, now = picture.chains.registered, after.chains.registered
    if now.versions != before.versions:
        after = replace(after, registrations=now.versions)
    trust, doubts = trusted(after, picture.time, bool(settings.sites))
    after = replace(after, trust=trust)
    watch, changed = watched(picture.watch, Now(after, batches, tracked.events, time), picture.time, settings)
    triage, gathered = triaged(picture.triage, batches, (tracked.tracks, evidence.seen[:, 1]), time)
    after, told = for_people(replace(after, watch=watch, triage=triage), tracked.events, picture.time, settings)
    events: list[Output] = [*tracked.events, *alert_events, *gathered, *told, *changed, *doubts]
    events += [*said(before, now, time), *witness.said(picture.chains.settled, after.chains.settled, time)]
    if time // SECOND != picture.time // SECOND:
        events.append(states(after))
    return after, events


def _given(settings: Settings, picture: Picture) -> Given:
    tracker = settings.tracker
    reach, spread = tracker.microphone_reach_m, tracker.microphone_reach_spread
    ears = Ears(reach, spread, tracker.microphone_detection, tracker.sound_speed_m_s)
    ground = min((site.height_m for site in settings.sites), default=0.0)
    aside = picture.trust.quarantined
    return Given(settings.identify, ears, settings.flights, ground, Aside(aside, measuring(picture, aside)))


class Caused(NamedTuple):
    """An output with the seq of the input it follows from."""

    cause: int
    event: Output


@dataclass(slots=True)
class Line:
    """The straight line as a machine: feed it the record's inputs in order, it returns what follows.

    The only mutable holder of a Picture. Equal inputs give equal outputs, on whatever day. beside: chains go on beside
    the tick itself, on the other core: all takes less time, each tick more. tell: see `step`; nobody is told live.
    """

    settings: Settings = field(default_factory=Settings)
    picture: Picture | None = None
    reader: Reader = field(default_factory=lambda: Reader((), (), Settings().run.mode))
    _pending: list[tuple[int, Frame]] = field(default_factory=list)
    beside: bool = field(default=False, compare=False)
    tell: Tell | None = field(default=None, repr=False, compare=False)
    _ahead: Ahead = field(default_factory=Ahead, repr=False, compare=False)

    def feed(self, seq: int, event: Input) -> list[Caused]:
        """Take one input in. Outputs follow from a Tick, and from a Started that ends something; Stepped is the last.

        A ClockStepped ends hand-overs and changes nothing else: the picture does not follow the host's clock.
        """
        if isinstance(event, Arrived):
            self._pending.append((seq, event.frame))
        elif isinstance(event, Tick):
            return self._tick(seq, event.time)
        elif isinstance(event, Started):
            return self._start(seq, event)
        elif isinstance(event, Acted | Decided):
            return self._act(seq, event)
        elif isinstance(event, ClockStepped):
            return self._suspend(seq, "the clock has jumped")
        elif isinstance(event, Suspended):
            return self._suspend(seq, event.reason)
        elif isinstance(event, Lost):
            self._resume(event.state)
            return self._suspend(seq, "the record was lost for a while")
        return []

    def _act(self, seq: int, event: Acted | Decided) -> list[Caused]:
        if self.picture is None:
            raise ValueError("an act before the first Started")
        more: list[handover.HandoverEvent] = []
        try:
            if isinstance(event, Acted):
                self.picture, refused = taken(self.picture, event, self.settings)
            else:
                self.picture, refused, more = handover.decided(self.picture, event, self.settings.partners)
        except Exception as error:  # noqa: BLE001 - it is in the record, and must not end each start from now on
            refused = f"a fault of ours ({type(error).__name__}): please report it with the record"
        return [Caused(seq, each) for each in (Taken(self.picture.time, refused), *more)]

    def _suspend(self, seq: int, reason: str) -> list[Caused]:
        """End every hand-over: what the picture says of time, or of what was told, may be wrong."""
        if self.picture is None:
            return []
        left, over = handover.ended(self.picture.handovers, self.picture.time, reason)
        self.picture = replace(self.picture, handovers=left)
        return [Caused(seq, each) for each in over]

    def prepare(self) -> None:
        """Begin what the next tick needs, on the other core: once nobody waits for what the last one gave.

        Begun within the tick it made publishing take 3 ms more, one thread waiting for the other's lock.
        """
        if self.picture is not None:
            self._onward(self.picture.chains, self.picture.time)

    def _onward(self, chains: Chains, time: int) -> None:
        self._ahead.begin(chains, time, self.settings)

    def _resume(self, saved: bytes) -> None:
        """Go on after a hole of the record. A state of a version that cannot be read: from before the hole."""
        with suppress(*UNREADABLE):
            line = Line.restore(saved)
            self.settings, self.picture, self.reader = line.settings, line.picture, line.reader
            self._pending = line._pending

    def _start(self, seq: int, event: Started) -> list[Caused]:
        """Take new settings. Frames that came under the old ones go to the decoders and the picture they came for.

        At a reload connections live on. Those of sources that were closed for it have ended by frames before this.
        """
        outputs = self._tick(seq, self.picture.time) if self._pending and self.picture else []
        before, formats = self.picture, {s.name: s.format for s in self.settings.sources}
        old, judged = starts(self.settings.sensors, self.settings.tracker), (self.settings.sites, self.settings.alert)
        self.settings = recalled(event.resolved, event.settings)
        goes_on = before is not None and before.mode is event.mode and event.time >= before.time - BACK
        kept = {s.name for s in self.settings.sources if goes_on and formats.get(s.name) == s.format}
        memory = {name: data for name, data in self.reader.save().items() if name in kept}
        self.reader = Reader(self.settings.sources, self.settings.sensors, event.mode)
        self.reader.restore(memory)
        held = before.health if before is not None else ()
        nodes = {r.name: r.nodes for r in held if r.name in kept} if event.reload else self.reader.hang_up()
        if before is not None:
            same = judged == (self.settings.sites, self.settings.alert)
            before = replace(before, health=renewed(held, nodes), watch=Watch())
            before = before if same else replace(before, threats=Threats())
        sensors, tracker = self.settings.sensors, self.settings.tracker
        if before is None:
            self.picture = anew(Picture(event.time, event.mode), sensors, tracker)
        elif goes_on and starts(sensors, tracker) == old:
            self.picture = before
        else:
            ended, events = (before, []) if goes_on else _anew(before, event)
            self.picture = anew(ended, sensors, tracker)
            now = self.picture.chains.registered
            events += said(before.chains.registered, now, self.picture.time)  # faults that are over
            if events or not goes_on:
                outputs = outputs[:-1]  # one Stepped, at the end
                outputs += [Caused(seq, e) for e in (*events, Stepped(self.picture.time, digest(self.picture)))]
        return [*outputs, *self._suspend(seq, "the configuration was read again" if event.reload else RESTARTED)]

    def _tick(self, seq: int, time: int) -> list[Caused]:
        if self.picture is None:
            raise ValueError("a Tick before the first Started")
        outputs: list[Caused] = []
        decoded = []
        joined = self.reader.join(self._pending)
        for (cause, frame), found in zip(joined, self._decoded([frame for _, frame in joined]), strict=True):
            decoded.append((found, frame.received))
            outputs += [Caused(cause, Refused(found.source, r, n)) for r, n in sorted(found.refused.items())]
            outputs += [Caused(cause, Answered(found.source, r.peer, r.data, r.close)) for r in found.replies]
        self._pending.clear()
        batches = [b for found, _ in decoded for b in found.batches]
        before = replace(self.picture, health=counted(self.picture.health, decoded))
        after, events = self._step(before, batches, max(time, before.time))
        after = replace(after, watch=broken(after.watch, events, after.time))
        owners = {b.sensor: found.source for found, _ in decoded for b in found.batches}
        events = [of_source(e, owners) if isinstance(e, Refused) else e for e in events]
        measured: dict[str, int] = {}
        for found, _ in decoded:
            measured[found.source] = measured.get(found.source, 0) + sum(map(len, found.batches))
        self.picture = replace(after, health=blamed(after.health, events, measured, after.time))
        outputs += [Caused(seq, event) for event in events]
        outputs.append(Caused(seq, Stepped(self.picture.time, digest(self.picture))))
        return outputs

    def _decoded(self, frames: Sequence[Frame]) -> list[Decoded]:
        """Decode a tick's frames, together where that is sooner; after a fault of ours in that, one by one."""
        found: dict[int, Decoded] = {}
        for group in self.reader.groups(frames):
            some = [frames[index] for index in group]
            try:
                decoded = self.reader.read_all(some) if len(some) > 1 else [self._decode(some[0])]
            except Exception:  # noqa: BLE001 - one of them breaks it; alone it does not stop the others
                decoded = [self._decode(frame) for frame in some]
            found |= zip(group, decoded, strict=True)
        return [found[index] for index in range(len(frames))]

    def _decode(self, frame: Frame) -> Decoded:
        if frame.over:
            return Decoded(frame.source, 0, (), {Reason.TOO_FAST: frame.over})
        try:
            return self.reader.read(frame)
        except Exception:  # noqa: BLE001 - a fault of ours in one decoder must not stop the others
            return Decoded(frame.source, 0, (), {Reason.DECODER_FAULT: len(frame)})

    def _step(self, picture: Picture, batches: Sequence[Detections], time: int) -> tuple[Picture, list[Output]]:
        """Step; if that breaks, step without the sensors that break it; if it still does, the picture stands still.

        Warn first: one bad sensor never stops the others, and no fault of ours ends the process.
        """
        progress = self._ahead.take(picture, self.settings)
        stepped = self._attempt(picture, batches, time, progress, self._onward if self.beside else None)
        if not isinstance(stepped, str):
            return stepped
        good: list[Detections] = []
        faults: list[Output] = []
        for sensor in sorted({batch.sensor for batch in batches}):
            more = [batch for batch in batches if batch.sensor == sensor]
            if isinstance(self._attempt(picture, [*good, *more], time, progress), str):
                faults.append(Refused(sensor, Reason.DECODER_FAULT, sum(map(len, more))))
            else:
                good += more
        stepped = self._attempt(picture, good, time, progress)
        if isinstance(stepped, str):
            return replace(picture, time=time), [*faults, Failed(time, stepped)]
        after, events = stepped
        return after, [*faults, *events]

    def _attempt(
        self,
        picture: Picture,
        batches: Sequence[Detections],
        time: int,
        progress: Progress,
        onward: Onward | None = None,
    ) -> tuple[Picture, list[Output]] | str:
        """Step, or return the name of the error that came of it; the old picture is whole."""
        try:
            return step(picture, batches, time, self.settings, progress, onward, self.tell)
        except Exception as error:  # noqa: BLE001 - here and not in the engine: replay takes the same way
            return type(error).__name__

    def save(self) -> bytes:
        """Return the whole state between two ticks."""
        return encoded(Saved(self.picture, self.reader.save(), resolved(self.settings), self._pending))

    @classmethod
    def restore(cls, saved: bytes) -> Self:
        """Make a line that goes on where `save` was called. Raises one of UNREADABLE."""
        found = decoded(saved)
        settings = recalled(found.settings)
        if found.picture is not None:
            readable(found.picture.beliefs)
            viewed(found.picture.evidence.rows)
        line = cls(settings, found.picture, _pending=found.pending)
        mode = found.picture.mode if found.picture else settings.run.mode
        line.reader = Reader(settings.sources, settings.sensors, mode)
        line.reader.restore(found.decoders)
        return line


def _anew(before: Picture, event: Started) -> tuple[Picture, list[Output]]:
    """Begin an empty picture: nothing simulated lives on in a live one, nothing of a wrong time in a right one.

    Numbers are not used again, counters go on, and what was shown is ended by events.
    """
    reason = "the clock was set back" if before.mode is event.mode else f"the picture is {event.mode} now"
    numbers = before.tracks.number[before.tracks.shown()].tolist()
    gone: list[Output] = [TrackDropped(event.time, number, reason) for number in numbers]
    gone += [AlertCleared(event.time, alert.site, alert.track, reason) for alert in before.alerts]
    raids = Raids(next_number=before.raids.next_number)
    warnings = Warnings(next_number=before.warnings.next_number)
    triage = Triage(next_number=before.triage.next_number)
    handovers = before.handovers._replace(standing=())
    picture = Picture(event.time, event.mode, next_number=before.next_number, health=before.health)
    return replace(picture, raids=raids, warnings=warnings, triage=triage, handovers=handovers), [
        *gone,
        *over(before.raids, event.time),
        *unsaid(before.triage, event.time, reason),
        *unwarned(before.warnings, event.time),
        *finished(before.held, event.time),
        *advice_over(before.advices, event.time),
        *handover.ended(before.handovers, event.time, reason)[1],
        *unjudged(before.trust, event.time, reason),
    ]
