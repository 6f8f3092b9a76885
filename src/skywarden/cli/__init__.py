"""The command line: puts the parts together, and is the only place that does.

Each command imports what it needs when it runs, so that help is instant and `decode` starts without the tracker.
"""

import atexit
import os
import signal
import sys
from io import TextIOWrapper

from skywarden.cli.stopping import never_lost, plain
from skywarden.errors import ConfigError, SkywardenError
from skywarden.service.hangup import Hangup


def main() -> None:
    """Run the command line. One line on stderr for a mistake; a traceback is our own fault."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # sums in threads differ in the last bits: no equal replay
    again = Hangup() if sys.argv[1:2] == ["run"] else signal.default_int_handler
    for number, handler in ((signal.SIGTERM, signal.default_int_handler), (signal.SIGHUP, again)):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup means it
            signal.signal(number, handler)  # a service manager's stop, a closed terminal: as good as Ctrl-C
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without our letters shows others, and no traceback
    never_lost()
    atexit.register(plain)
    try:
        _run()
    except KeyboardInterrupt:  # before or after anything that would have to be brought to an end
        sys.exit(130)


def _run() -> None:
    from skywarden.cli.app import app
    from skywarden.cli.terminal import complain

    try:
        app(sys.argv[1:] or ["--help"])
    except ConfigError as e:
        complain(str(e))
        sys.exit(2)
    except SkywardenError as e:
        complain(str(e))
        sys.exit(1)
    except OSError as e:
        complain(f"{e.filename}: {e.strerror}" if e.filename else str(e))
        sys.exit(1)
