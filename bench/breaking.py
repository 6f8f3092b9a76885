"""Ways to break what keeps hand-overs safe, one at a time and in this process only: can the fuzz see them?"""

import importlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FunctionType
from typing import Any, NamedTuple


class Change(NamedTuple):
    """One piece of a module's text in the place of another."""

    module: str
    old: str
    new: str


STAGE, SAFE, LINE, TAKE = "handover.stage", "handover.safe", "pipeline", "acts.take"
SESSIONS, HANDING, REQUEST = "service.people.sessions", "service.people.handing", "service.people.request"
ROLE = Change(STAGE, "if event.person.role < LEAST or not event.person.name:", "if not event.person.name:")
OLD = Change(STAGE, "wanted.proved <= FRESH:", "wanted.proved <= FRESH * 1000:")
STALE = Change(STAGE, "if not 0 <= picture.time - shown.time <= STALE:", "if False:")
RELOAD = '*self._suspend(seq, "the configuration was read again" if event.reload else RESTARTED)]'
CUE_DETAIL = '_detail(element, f"track {cue.track}", words)'
# what is broken -> how; caught by the fuzz of the line
LINES: dict[str, tuple[Change, ...]] = {
    "any role decides": (ROLE,),
    "nobody decides": (Change(STAGE, "if event.person.role < LEAST or not event.person.name:",
                              "if event.person.role < LEAST:"),),
    "an old proof counts": (OLD,),
    "a proof of the future counts": (Change(STAGE, "if not -AHEAD <= picture.time",
                                            "if not -(10**18) <= picture.time"),),
    "a proof counts twice": (Change(STAGE, "if _proof(event) in picture.handovers.used:", "if False:"),),
    "any picture hands over": (Change(STAGE, "if picture.mode is not Mode.LIVE:", "if False:"),),
    "any hash is taken": (Change(STAGE, "if wanted.digest != digest(shown):", "if False:"),),
    "what was shown long ago is taken": (STALE,),
    "any partner is taken": (Change(STAGE, "if all(partner.name != wanted.partner for partner in partners):",
                                    "if False:"),),
    "the same twice": (Change(STAGE, "if any((one.partner, one.track) == (wanted.partner, shown.track) for one in "
                              "standing):", "if False:"),),
    "nothing is dangerous any more": (Change(STAGE, "return danger(picture, one)", 'return ""'),),
    "no end after a minute": (Change(STAGE, "if picture.time >= one.until:", "if False:"),),
    "cues twice a second": (Change(STAGE, "second = picture.time // SECOND != last // SECOND", "second = True"),),
    "who is unseen stays": (Change(SAFE, "if picture.time - int(table.heard[row]) > COASTS:", "if False:"),),
    "a friend is no matter": (Change(SAFE, "if friendly(identity):", "if False:"),),
    "a friend near is no matter": (Change(SAFE, "if near.any():", "if False:"),),
    "a claim alone is enough": (Change(SAFE, "if identity.claimed_only:", "if False:"),),
    "another category is no matter": (Change(SAFE, "if identity.category is not of.category:", "if False:"),),
    "a jump of the clock ends nothing": (Change(LINE, 'return self._suspend(seq, "the clock has jumped")',
                                                "return []"),),
    "a start ends nothing": (Change(LINE, RELOAD, "]"),),
    "a fault ends nothing": (Change(LINE, "return self._suspend(seq, event.reason)", "return []"),),
    "any role allows a feed": (Change(TAKE, "if acted.person.role < least or not acted.person.name:", "if False:"),),
    "a feed without a purpose": (Change(TAKE, 'if wrong := unfit(act.purpose, "a purpose"):', "if wrong := '':"),),
    "a feed never ends": (Change("acts.stage", "if one.until > time and (one.partner", "if (one.partner"),),
    "a cue has a velocity": (Change("outputs.cues", f"    {CUE_DETAIL}\n",
                                    f'    SubElement({CUE_DETAIL}, "track", course="1.0", speed="2.0")\n'),),
    "an exercise is meant": (Change("outputs.message", "return STATUS[self.warning.mode, self.actual]",
                                    "return Status.ACTUAL"),),
}  # fmt: skip
# caught at the interface of a running installation
DOORS: dict[str, tuple[Change, ...]] = {
    "a proof is not used up": (Change(SESSIONS, "proved, session.proved = session.proved, None",
                                      "proved = session.proved"),),
    "an old proof counts, here and in the engine": (Change(SESSIONS, "if age <= FRESH else None", ""), OLD),
    "any role, here and in the engine": (Change(HANDING, "if session.user.role < needed:", "if False:"), ROLE),
    "what others were shown": (Change(HANDING, "cue = self._shown.get(session.id, OrderedDict[str, Cue]()).get(digest)",
                                      "cue = next((o[digest] for o in self._shown.values() if digest in o), None)"),),
    "no token is asked for": (Change(REQUEST, "if not same(", "if False and not same("),),
    "any page may ask": (Change(REQUEST, 'if headers.getlist("origin") != [here] or len(', "if False and len("),
                         Change("service.guard", "return ours and (", "return True or ("),),
    "who is shut out goes on": (Change(SESSIONS, " or now_is(session.user.name) != session.user", ""),),
    "no end is told": (Change("service.partners", "if isinstance(event, Cued | CueEnded) and",
                              "if isinstance(event, Cued) and"),),
    "a partner that has moved": (Change("service.partners", "if known.get(name) != self._partners.get(name)]",
                                        "if name not in known]"),),
    "a password is not compared": (Change("service.people.worker", "and kept is not None", "or kept is not None"),),
}  # fmt: skip


@contextmanager
def broken(changes: tuple[Change, ...]) -> Iterator[None]:
    """Break functions in the modules that are loaded, and mend them again."""
    with ExitStack() as undo:
        for change in changes:
            module = importlib.import_module(f"skywarden.{change.module}")
            assert module.__file__ is not None
            text = Path(module.__file__).read_text()
            assert text.count(change.old) == 1, f"{change.module} has not once: {change.old}"
            scope: dict[str, Any] = {"__name__": module.__name__}
            exec(compile(text.replace(change.old, change.new), module.__file__, "exec"), scope)
            for one, other in _functions(vars(module), scope, module.__name__):
                undo.callback(setattr, one, "__code__", one.__code__)
                one.__code__ = other.__code__
        yield


def _functions(one: Any, other: Any, name: str) -> Iterator[tuple[FunctionType, FunctionType]]:
    """Yield the functions of a module, or a class, beside those of its broken twin."""
    for key, thing in list(one.items()):
        twin = other.get(key)
        if isinstance(thing, property):
            thing, twin = thing.fget, twin.fget
        if isinstance(thing, FunctionType) and isinstance(twin, FunctionType) and thing.__module__ == name:
            yield thing, twin
        elif isinstance(thing, type) and isinstance(twin, type) and thing.__module__ == name:
            yield from _functions(vars(thing), vars(twin), name)
