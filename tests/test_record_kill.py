"""kill -9 under load: what was acknowledged is in the record."""

import json
import subprocess
import sys
from pathlib import Path

KILL_WRITER = Path(__file__).parents[1] / "bench" / "kill_writer.py"


def test_nothing_acknowledged_is_lost_by_kill_9_under_load():
    command = [sys.executable, str(KILL_WRITER), "--kills", "5", "--seed", "3"]
    result = json.loads(subprocess.check_output(command, timeout=60))
    assert result["lost"] == 0
    assert result["recorded"] >= result["acknowledged"] > 100
