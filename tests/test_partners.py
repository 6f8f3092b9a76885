"""What partners get: cues and feeds over real sockets, read by a parser that knows nothing of the encoder."""

import socket
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
from allowed_cues import CUE, FEED, checked
from hypothesis import given
from hypothesis import strategies as st
from service_samples import picture

from skywarden.model.assessment import Category
from skywarden.model.decision import Coming, Cue
from skywarden.model.deed import Cued, CueEnded
from skywarden.model.held import Feed, Held
from skywarden.model.place import Partner
from skywarden.model.track import Mode
from skywarden.outputs import cues
from skywarden.service.partners import Cues, Feeds
from skywarden.track.states import states

SECOND = 1_000_000_000
NOW = 1_900_000_000 * SECOND


def cued(number: int = 1, **more) -> Cued:
    coming = (Coming("Plant A", NOW, NOW, NOW),)
    shown = Cue(7, 8, NOW, Category.SUSPECT, "decoy", 36.3, -33.1, 800.0, 73.0, 59.0, coming)
    return Cued(NOW, number, "brigade", more.pop("by", "Olena"), NOW + 60 * SECOND, replace_struct(shown, more))


def replace_struct(shown: Cue, more) -> Cue:
    return type(shown)(**{name: more.get(name, getattr(shown, name)) for name in shown.__struct_fields__})


def test_a_cue_says_where_who_and_that_it_is_no_order():
    root = checked(cues.cued(cued(), "house"), CUE)
    point = root.find("point")
    assert (root.get("type"), point.get("lat"), point.get("ce")) == ("a-s-A", "36.30000", "73")
    words = root.findtext("detail/remarks")
    assert words.startswith("cue, not an order: look here. Track 7: suspect, probably decoy. May reach Plant A from ")
    assert "Decided by Olena" in words
    assert root.find("detail/track") is None  # no velocity


def test_an_end_takes_it_back():
    root = checked(cues.ended(CueEnded(NOW, 3, "brigade", "a friend is near"), "house"), CUE)
    assert (root.get("type"), root.find("detail/link").get("uid")) == ("t-x-d-d", "skywarden.house.cue.3")


NASTY = st.text(st.characters(codec="utf-8"), max_size=40)


@given(NASTY, NASTY, st.sampled_from(Category), st.floats(-90, 90), st.floats(-180, 180))
def test_nothing_that_is_written_anywhere_makes_another_message(by, site, category, latitude, longitude):
    event = cued(by=by, category=category, latitude=latitude, longitude=longitude,
                 coming=(Coming(site, NOW, NOW, NOW),))  # fmt: skip
    checked(cues.cued(event, "house"), CUE)
    checked(cues.ended(CueEnded(NOW, 3, "brigade", by), "house"), CUE)


@pytest.mark.parametrize("mode", Mode)
def test_a_feed_says_that_it_is_one_and_in_which_picture(mode):
    of = replace(picture(3), mode=mode)
    messages = [checked(message, FEED) for message in cues.feed(states(of), of, "house")]
    assert [root.get("uid") for root in messages] == [f"skywarden.house.{mode}.track.{k}" for k in (1, 2, 3)]
    mark = {"live": "", "sim": "SIMULATION ", "exercise": "EXERCISE ", "replay": "REPLAY "}[mode]
    for root in messages:
        assert root.findtext("detail/remarks").startswith(f"{mark}surveillance picture, not a hand-over")
        assert (root.get("opex") == "r") == (mode is Mode.LIVE)


@pytest.mark.parametrize("mode", [Mode.SIM, Mode.EXERCISE, Mode.REPLAY])
def test_no_other_picture_than_a_live_one_has_a_way_out_for_cues(mode):
    with pytest.raises(ValueError, match="hands nothing over"):
        Cues(mode, "house")


@pytest.fixture
def receiver():
    """A TCP server for one partner."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(10)
    yield server
    server.close()


def partner_at(server) -> Partner:
    return Partner(name="brigade", address=f"tcp://127.0.0.1:{server.getsockname()[1]}")


@contextmanager
def reader(server):
    """The next connection, as a file of lines."""
    connection, _ = server.accept()
    connection.settimeout(10)
    with connection, connection.makefile("rb") as file:
        yield file


def test_cues_and_their_end_go_to_their_partner(receiver):
    cues = Cues(Mode.LIVE, "house")
    cues.know([partner_at(receiver)])
    cues.take([cued(), Cued(NOW, 2, "nobody", "Olena", NOW, cued().cue)])
    with reader(receiver) as file:
        assert b"skywarden.house.cue.1" in file.readline()
        cues.take([CueEnded(NOW, 1, "brigade", "its time is over")])
        assert b"t-x-d-d" in file.readline()
        assert [(one.partner, one.fault) for one in cues.states] == [("brigade", "")]
        cues.close(time.monotonic() + 5)


def test_udp_carries_one_message_in_each_packet():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)
        cues = Cues(Mode.LIVE, "house")
        cues.know([Partner(name="brigade", address=f"udp://127.0.0.1:{server.getsockname()[1]}")])
        cues.take([cued(1)])
        checked(server.recv(2000), CUE)
        cues.close(time.monotonic() + 5)


def test_who_cannot_be_reached_is_shown_and_gets_the_latest_only_once_it_can(receiver, monkeypatch):
    monkeypatch.setattr("skywarden.service.partners.AGAIN", 0.2)
    partner = partner_at(receiver)
    receiver.close()
    cues = Cues(Mode.LIVE, "house")
    cues.know([partner])
    cues.take([cued()])
    until = time.monotonic() + 5
    while not cues.states[0].fault and time.monotonic() < until:
        time.sleep(0.02)
    assert "refused" in cues.states[0].fault
    port = int(partner.address.rsplit(":", 1)[1])
    with socket.create_server(("127.0.0.1", port)) as again:
        again.settimeout(10)
        cues.take([cued()])
        cues.take([CueEnded(NOW, 1, "brigade", "its time is over")])
        with reader(again) as file:
            assert b"t-x-d-d" in file.readline()
            cues.close(time.monotonic() + 5)
            assert file.read() == b""  # the cue of before is nothing any more
        assert (cues.states, cues.know([])) == ([], None)


def test_a_feed_goes_to_whom_it_is_allowed_and_ends(receiver):
    feeds = Feeds("house")
    feeds.know([partner_at(receiver)])
    of = picture(2)
    feeds.take(of, states(of))
    assert feeds.states == []  # nobody has allowed it
    fed = replace(of, time=of.time + SECOND, held=Held(feeds=(Feed("brigade", "watch", NOW, "Olena", NOW),)))
    feeds.take(fed, states(fed))
    with reader(receiver) as file:
        uids = [checked(file.readline(), FEED).get("uid") for _ in range(2)]
        assert uids == ["skywarden.house.live.track.1", "skywarden.house.live.track.2"]
        over = replace(fed, time=fed.time + SECOND, held=Held())
        feeds.take(over, states(over))
        assert file.read() == b""
    assert feeds.states == []
    feeds.close(time.monotonic() + 5)


def test_a_partner_that_has_moved_gets_nothing_at_its_old_place(receiver):
    cues = Cues(Mode.LIVE, "house")
    cues.know([partner_at(receiver)])
    cues.take([cued()])
    with reader(receiver) as file:
        file.readline()
        cues.know([])
        cues.take([cued()])
        assert file.read() == b""
    cues.close(time.monotonic() + 5)


def test_nothing_old_is_sent_and_nobody_waits_for_who_is_not_there(receiver, monkeypatch):
    partner = partner_at(receiver)
    receiver.close()
    monkeypatch.setattr("skywarden.service.partners.AGAIN", 0.3)
    ways = Cues(Mode.LIVE, "house")
    ways.know([partner])
    monkeypatch.setattr("skywarden.service.partners.HOLDS", 0.1)
    outlet = ways.to("brigade")
    outlet.put({"1": b"old\n"}, 0.1)
    time.sleep(0.5)
    with socket.create_server(("127.0.0.1", int(partner.address.rsplit(":", 1)[1]))) as again:
        again.settimeout(10)
        outlet.put({"2": b"new\n"}, 5.0)
        with reader(again) as file:
            assert file.readline() == b"new\n"
            begun = time.monotonic()
            ways.know([])  # as the engine's thread does
            assert time.monotonic() - begun < 0.1
        ways.close(time.monotonic() + 5)


def test_many_partners_that_are_not_there_do_not_hold_up_the_end(receiver):
    partner = partner_at(receiver)
    receiver.close()
    ways = Cues(Mode.LIVE, "house")
    ways.know([Partner(name=f"p{k}", address=partner.address) for k in range(20)])
    for k in range(20):
        ways.to(f"p{k}").put({"1": b"x"})
    time.sleep(0.3)
    begun = time.monotonic()
    ways.close(time.monotonic() + 2)
    assert time.monotonic() - begun < 2.5
