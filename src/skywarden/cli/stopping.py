"""How a stop (Ctrl-C, SIGTERM) reaches the command, whenever it comes."""

import signal
import sys
from _thread import interrupt_main
from threading import Timer

AGAIN_S = 0.05  # until a stop that was lost comes again


def never_lost() -> None:
    """Let a stop come again that Python drops, for it came within a callback of Python's own (imports have such)."""
    before = sys.unraisablehook

    def dropped(what: "sys.UnraisableHookArgs") -> None:
        if not issubclass(what.exc_type, KeyboardInterrupt):
            before(what)
            return
        again = Timer(AGAIN_S, interrupt_main, (signal.SIGTERM,))
        again.daemon = True
        again.start()

    sys.unraisablehook = dropped


def plain() -> None:
    """Let a second stop, while Python ends, end it at once and without a traceback."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
