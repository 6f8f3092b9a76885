"""Makes docs/images/terminal.svg: the demo's live view after some minutes. python bench/picture.py [SECONDS]"""

import re
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from skywarden.service.app import App
from skywarden.service.demo import Raid, bound
from skywarden.service.view import picture_svg
from skywarden.sim.installation import configuration
from skywarden.sim.scenario import coast

TARGETS, SEED = 30, 1
PICTURE = Path(__file__).parent.parent / "docs/images/terminal.svg"


def main() -> None:
    """Run the demo for a while and draw what its view shows."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 150.0
    with ExitStack() as stack:
        record = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "record"
        scenario = coast(SEED, uavs=TARGETS, seconds=1.0)
        app = App(configuration(scenario, scenario.loopback(), str(record), "127.0.0.1:0"))
        stack.callback(app.stop)
        app.start()
        raid = Raid(bound(app), TARGETS, SEED, None)
        raid.start()
        stack.callback(raid.stop)
        time.sleep(seconds)
        PICTURE.parent.mkdir(exist_ok=True)
        picture_svg(app.publisher.latest, PICTURE)
    fonts = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)  # fetched from elsewhere; the reader's own will do
    PICTURE.write_text(fonts.sub("", PICTURE.read_text()))


main()
