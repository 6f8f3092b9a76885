"""The code blocks of README.md and docs/ run as tests: `python` as it stands, `console` by the command line.

The blocks of a page share their names, so side by side they need `pytest -n 2 --dist loadfile`, as ./check does.
"""

from console import enter, leave, run
from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), CodeBlockParser("console", run)],
    patterns=["README.md", "docs/*.md"],
    setup=enter,
    teardown=leave,
).pytest()
