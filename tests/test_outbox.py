"""The outbox with real recipients: what arrives, what is seen when it does not, and that nobody waits for another."""

import sqlite3
import stat
import time
from pathlib import Path

import allowed
import pytest
from areas_told import SECOND, ending, following, warning
from certificates import Authority
from outbox_world import Running, hook, now, raised
from receivers import Web, signed, until

from skywarden.config import Settings
from skywarden.model.event import AreaWarned, Entry, encode
from skywarden.model.mode import Mode
from skywarden.model.recipient import Recipient
from skywarden.record import MemoryLog
from skywarden.service.outbox_queue import State
from skywarden.service.outbox_store import Store


def test_a_webhook_gets_each_message_once_signed_and_the_record_is_told(tmp_path):
    key = tmp_path / "key"
    key.write_text("s3cret\n")
    one = raised()
    two, over = following(one), ending(following(one))
    with Web() as web, Running(tmp_path, hook("w", web.port, key=str(key), actual=True)) as running:
        for k, each in enumerate((one, two, over), 1):
            running.tell(each)
            until(lambda k=k: len(running.notes) == k)
        assert web.ids == [one.identifier, two.identifier, over.identifier]
        for _, body, headers, path in web.got:
            assert allowed.cloudevent(body)["status"] == "Actual"
            assert signed(body, b"s3cret", headers["X-Skywarden-Signature"])
            assert headers["Content-Type"].startswith("application/cloudevents+json")
            assert path == "/in?a=1"
        assert running.notes[0] == ("w", one.identifier, "sent", "HTTP 204")
        assert running.row("w").state == "ok"
        assert stat.S_IMODE(running.path.stat().st_mode) == 0o600
    assert [allowed.cloudevent(body)["type"].rpartition(".")[2] for _, body, _, _ in web.got] == [
        "raised",
        "updated",
        "ended",
    ]


def test_an_unreachable_webhook_is_visible_and_gets_the_message_once_it_is_there(tmp_path):
    with Web() as web:
        port = web.port
    one = raised()
    with Running(tmp_path, hook("dead", port)) as running:
        running.tell(one)
        until(lambda: running.outbox.rows and running.row("dead").retrying == 1)
        row = running.row("dead")
        assert (row.state, row.next is not None) == ("failing", True)
        assert "cannot be reached" in row.reason
        assert running.notes[0][:3] == ("dead", one.identifier, "retrying")
    assert running.states() == [("dead", one.identifier, State.RETRYING)]
    with Web() as web, Running(tmp_path, hook("dead", web.port), log=running.log) as running:
        until(lambda: web.ids == [one.identifier])


@pytest.mark.parametrize("fault", [500, 404, 302, "hang", "close"])
def test_a_recipient_that_misbehaves_is_told_again_the_very_same(tmp_path, fault):
    one = raised()
    with Web(fault, 200) as web, Running(tmp_path, hook("w", web.port)) as running:
        running.tell(one)
        until(lambda: len(web.got) == 2)
        until(lambda: running.row("w").sent == 1)
        assert web.got[0][1] == web.got[1][1]
        assert running.notes[-1][2:] == ("sent", "HTTP 200 as you say")
        assert "\x1b" not in running.notes[0][3]


def test_that_a_message_is_being_sent_is_on_the_disk_before_it_leaves(tmp_path):
    """So who is killed meanwhile sends the very same bytes again, and tells of the end whoever may have heard."""
    one = raised()
    with Web("hang", 200) as web, Running(tmp_path, hook("w", web.port, timeout_s=20.0)) as running:
        running.tell(one)
        until(lambda: len(web.got) == 1)
        store = Store(running.path)
        (row,) = store.rows()
        store.close()
        assert (row.attempts, row.perhaps, row.body) == (1, True, web.got[0][1])
        web.open.set()


def test_a_dead_recipient_delays_no_other(tmp_path):
    with Web("hang") as dead, Web() as web:
        recipients = hook("dead", dead.port, timeout_s=5.0), hook("w", web.port)
        with Running(tmp_path, *recipients) as running:
            begun = time.monotonic()
            for k in range(10):
                running.tell(raised(number=k + 1))
            assert time.monotonic() - begun < 1.0  # the engine waits for nobody
            until(lambda: len(web.got) == 10, 4.0)
            dead.open.set()


def test_tls_is_checked_and_a_wrong_one_is_said(tmp_path):
    ours, other = Authority(tmp_path, "ours"), Authority(tmp_path, "other")
    made = ours.make("127.0.0.1")
    pair = tmp_path / "pair.pem"
    pair.write_bytes(Path(made.certificate).read_bytes() + Path(made.key).read_bytes())
    with Web(tls=pair) as web:
        url = f"https://127.0.0.1:{web.port}/"
        good = Recipient(name="good", kind="webhook", url=url, tls_ca=ours.pem, timeout_s=5.0)
        bad = Recipient(name="bad", kind="webhook", url=url, tls_ca=other.pem, timeout_s=5.0)
        with Running(tmp_path, good, bad) as running:
            running.tell(raised())
            until(lambda: running.outbox.rows and running.row("good").sent == running.row("bad").retrying == 1)
            assert "TLS" in running.row("bad").reason
            assert len(web.got) == 1


def test_exercise_simulation_and_recording_tell_nobody_who_did_not_ask_for_it(tmp_path):
    for mode in (Mode.EXERCISE, Mode.SIM, Mode.REPLAY):
        folder = tmp_path / mode
        folder.mkdir()
        with Web() as quiet, Web() as asked:
            recipients = hook("q", quiet.port, actual=True), hook("a", asked.port, actual=True, in_exercise=True)
            with Running(folder, *recipients, mode=mode) as running:
                running.tell(raised(mode=mode))
                until(lambda asked=asked: len(asked.got) == 1)
                time.sleep(0.1)
                assert quiet.got == []
                found = allowed.cloudevent(asked.got[0][1])
                assert found["status"] == ("Exercise" if mode is Mode.EXERCISE else "Test")
                for text in found["data"]["text"].values():
                    assert text["headline"].startswith("EXERCISE / НАВЧАННЯ: ")


def test_what_the_record_has_and_the_outbox_has_not_is_told_after_a_start(tmp_path):
    with Web() as web:
        to = hook("w", web.port)
        with Running(tmp_path, to) as running:
            running.tell(raised(number=1))
            until(lambda: len(web.got) == 1)
        missed = raised(number=2)
        seq = running.log.last() + 1
        running.log.append([Entry(seq, missed.sent, seq, encode(AreaWarned(missed.sent, missed)))])
        with Running(tmp_path, to, log=running.log):
            until(lambda: web.ids[-1] == missed.identifier)
        with Running(tmp_path, to, log=running.log):
            time.sleep(0.2)
        assert len(web.got) == 2


def test_what_the_engine_found_missing_at_its_start_is_told(tmp_path):
    one = raised()
    with Web() as web, Running(tmp_path, hook("w", web.port), begin=False) as running:
        running.outbox.start([AreaWarned(one.sent, one)], (one,))
        until(lambda: web.ids == [one.identifier])


def test_a_record_that_lost_its_end_is_read_from_there(tmp_path):
    with Web() as web:
        to = hook("w", web.port)
        with Running(tmp_path, to) as running:
            for k in range(5):
                running.tell(raised(number=k + 1))
            until(lambda: len(web.got) == 5)
        short = MemoryLog()  # the disk kept one of five
        one = next(iter(running.log.entries()))
        short.append([one])
        with Running(tmp_path, to, log=short):
            pass
        missed = raised(number=9)
        short.append([Entry(2, missed.sent, 2, encode(AreaWarned(missed.sent, missed)))])
        with Running(tmp_path, to, log=short):
            until(lambda: web.ids[-1] == missed.identifier)


def test_a_new_recipient_is_told_what_stands(tmp_path):
    one = following(raised())
    with Web() as web, Running(tmp_path, hook("w", web.port), standing=(one,)):
        until(lambda: len(web.got) == 1)
        assert allowed.cloudevent(web.got[0][1])["type"].endswith("raised")
    with Web() as first, Web() as second:
        folder = tmp_path / "x"
        folder.mkdir()
        with Running(folder, hook("w", first.port)) as running:
            two = raised(number=7)
            running.outbox.take([AreaWarned(two.sent, two)], (two,), 1)
            until(lambda: len(first.got) == 1)
            both = Settings(sites=running.settings.sites, recipients=(hook("w", first.port), hook("n", second.port)))
            running.outbox.renew(both)
            until(lambda: len(second.got) == 1)
            running.outbox.renew(Settings(sites=running.settings.sites, recipients=(hook("n", second.port),)))
            assert [row.recipient for row in running.outbox.rows] == ["n"]
            assert len(first.got) == 1


def test_a_message_that_our_own_checks_refuse_is_not_sent_and_is_seen(tmp_path):
    one = raised(until=1)
    with Web() as web, Running(tmp_path, hook("w", web.port)) as running:
        running.tell(one)
        until(lambda: running.notes)
        assert running.notes[0][:3] == ("w", one.identifier, "refused by the checks")
        row = running.row("w")
        assert (row.state, row.refused, web.got) == ("failing", 1, [])
        assert "ends before it begins" in row.reason


def test_an_end_of_an_area_that_is_gone_from_the_configuration_is_told_with_the_outline_it_had(tmp_path):
    one = raised(area="North")
    with Web() as web, Running(tmp_path, hook("w", web.port)) as running:
        running.tell(one)
        until(lambda: len(web.got) == 1)
        running.outbox.renew(Settings(sites=running.settings.sites, recipients=running.settings.recipients))
        running.tell(ending(one))
        until(lambda: len(web.got) == 2)
        first, last = (allowed.cloudevent(body)["data"]["area"] for _, body, _, _ in web.got)
        assert first == last


def test_a_disk_that_fails_delays_no_warning_and_is_said(tmp_path):
    with Web() as web, Running(tmp_path, hook("w", web.port)) as running:
        whole = running.outbox._store.put

        def full(*_):
            raise sqlite3.OperationalError("database or disk is full")

        running.outbox._store.put = full
        one = raised()
        running.tell(one)
        until(lambda: len(web.got) == 1)
        until(lambda: running.outbox.fault is not None)
        assert "disk is full" in running.outbox.fault
        running.outbox._store.put = whole
        until(lambda: running.outbox.fault is None)
    assert running.states() == [("w", one.identifier, State.SENT)]


def test_who_asks_for_another_attempt_gets_it(tmp_path):
    with Web(404, 404, 404, 404, 200) as web, Running(tmp_path, hook("w", web.port)) as running:
        running.tell(raised())
        until(lambda: len(web.got) == 3)
        for k in (4, 5):  # else after 4 and 8 s
            store = Store(running.path)
            store.ask("w")
            store.close()
            until(lambda k=k: len(web.got) == k, 2.0)


def test_what_waits_for_who_is_gone_from_the_configuration_is_given_up_and_said_once_the_engine_runs(tmp_path):
    one = raised()
    with Running(tmp_path, hook("gone", 1)) as running:
        running.tell(one)
        until(lambda: running.notes)
    with Running(tmp_path, hook("w", 1), log=running.log, begin=False) as running:
        assert running.notes == []
        running.outbox.start([], ())
        assert running.notes[0] == ("gone", one.identifier, "gave up", "the recipient is in the configuration no more")


def test_without_recipients_there_is_no_file(tmp_path):
    with Running(tmp_path) as running:
        running.tell(raised())
        assert running.outbox.rows == ()
    assert not running.path.exists()


def test_a_simulation_of_another_year_is_told_now(tmp_path):
    for k, years in enumerate((-3, 3)):
        folder = tmp_path / str(k)
        folder.mkdir()
        at = now() + years * 365 * 86_400 * SECOND
        with Web() as web, Running(folder, hook("w", web.port, in_exercise=True), mode=Mode.SIM) as running:
            running.tell(warning(mode=Mode.SIM, sent=at, raised=at, until=at + 3600 * SECOND))
            until(lambda web=web: len(web.got) == 1)
