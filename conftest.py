"""The code blocks of README.md and docs/ run as tests: `python` as it stands, `console` by the command line.

The blocks of a page share their names, so side by side they need `pytest -n 2 --dist loadfile`, as ./check does.
"""

import signal

from console import enter, leave, run
from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

# A shell starts jobs in the background deaf to Ctrl-C, and so would be every process that a test starts and ends.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), CodeBlockParser("console", run)],
    patterns=["README.md", "docs/*.md"],
    setup=enter,
    teardown=leave,
).pytest()
