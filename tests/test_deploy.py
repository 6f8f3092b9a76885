"""The unit of systemd: what it starts exists, and systemd understands it where there is one."""

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest
import typer

from skywarden.cli.app import app

UNIT = Path(__file__).parent.parent / "deploy" / "skywarden.service"


def service() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(UNIT.read_text())
    return parser["Service"]


def test_the_command_of_the_unit_has_these_options() -> None:
    program, command, *options = service()["ExecStart"].split()
    assert program.endswith("/.venv/bin/skywarden")
    run = typer.main.get_command(app).commands[command]  # type: ignore[attr-defined]
    known = {option for parameter in run.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {option for option in options if option.startswith("--")} <= known
    assert "--expose" not in options


def test_a_reload_checks_the_file_that_is_run_and_then_sends_the_signal() -> None:
    _, check, kill = (line.split() for line in UNIT.read_text().splitlines() if line.startswith("Exec"))
    assert check[1:] == ["config", "check", service()["ExecStart"].split()[3]]
    assert kill == ["ExecReload=/bin/kill", "-HUP", "$MAINPID"]


def test_the_service_has_the_least_privilege_and_time_to_write_its_record_down() -> None:
    unit = service()
    assert unit["CapabilityBoundingSet"] == ""
    assert unit["NoNewPrivileges"] == unit["ProtectHome"] == unit["PrivateDevices"] == "yes"
    assert unit["ProtectSystem"] == "strict"
    assert unit["KillSignal"] == "SIGTERM"
    assert int(unit["TimeoutStopSec"]) > 10  # record/writer.py waits for the disk so long


def test_the_service_may_ask_whether_the_clock_is_synchronised_and_never_set_it() -> None:
    unit = service()
    assert {"adjtimex", "clock_adjtime"} <= set(unit["SystemCallFilter"].split())
    assert "ProtectClock" not in unit  # it refuses to ask as well
    assert unit["SystemCallErrorNumber"] == "EPERM"  # and what else is not allowed does not end the program
    assert unit["CapabilityBoundingSet"] == ""


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_understands_the_unit(tmp_path: Path) -> None:
    text = UNIT.read_text().replace(service()["ExecStart"].split()[0], "/bin/true").replace("User=skywarden\n", "")
    (tmp_path / "skywarden.service").write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / "skywarden.service"], capture_output=True, text=True, check=False
    )
    assert "skywarden.service" not in done.stderr, done.stderr
