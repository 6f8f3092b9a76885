"""Recipients in a configuration: what is wrong is named, and what to write instead."""

import pytest

from skywarden.config import ConfigProblems, parse, renewed
from skywarden.config.write import summary

SITES = """
[[sites]]
name = "A"
latitude = 50.0
longitude = 30.0
[[sites]]
name = "B"
latitude = 50.1
longitude = 30.0
[[districts]]
name = "North"
sites = ["A"]
"""
WEB = 'kind = "webhook"\nurl = "http://127.0.0.1:1/x"\n'


def said(recipient, before=SITES, after=""):
    """Return what is wrong with one recipient."""
    with pytest.raises(ConfigProblems) as error:
        parse(f'{before}[[recipients]]\nname = "x"\n{recipient}\n{after}')
    return str(error.value)


RIGHT = [
    WEB,
    WEB + 'areas = ["North", "B"]\nleast = "critical"\nlanguage = "uk"\nkey = "k"\n',
    'kind = "webhook"\nurl = "https://hook.example.org/in?x=1"\ntls_ca = "ca.pem"\n',
    'kind = "webhook"\nurl = "http://hook.example.org/"\nplain = true\n',
    'kind = "cap"\nurl = "file:///var/spool/cap"\n',
    'kind = "mqtt"\nurl = "mqtts://broker.example.org"\nuser = "u"\nkey = "k"\ntopic = "a/b"\n',
    'kind = "mqtt"\nurl = "mqtt://[::1]:1883"\n',
    'kind = "cot"\nurl = "udp://239.2.3.1:6969"\n',
    'kind = "cot"\nurl = "udp://239.2.3.1:6969@192.0.2.1"\nplain = true\n',
    'kind = "cot"\nurl = "tls://192.0.2.1:8089"\ntls_ca = "ca.pem"\n',
    'kind = "command"\ncommand = ["/bin/cat", "-u"]\n',
]


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_right_is_taken(text):
    (one,) = parse(f'{SITES}[[recipients]]\nname = "x"\n{text}').recipients
    assert (one.actual, one.in_exercise) == (False, False)


WRONG = [
    ('kind = "sms"\n', 'is not one of "cap", "webhook", "mqtt", "cot", "command"'),
    ('kind = "webhook"\n', "has no url; write url = "),
    ('kind = "webhook"\nurl = "ftp://x/"\n', "must begin with one of https://, http://"),
    ('kind = "webhook"\nurl = "http://x.example.org:99999/"\n', "cannot be read"),
    ('kind = "webhook"\nurl = "https:///x"\n', "names no computer"),
    ('kind = "webhook"\nurl = "https://u:secret@x/"\n', "would be recorded; use key"),
    ('kind = "webhook"\nurl = "https://x/#y"\n', "is never sent"),
    ('kind = "webhook"\nurl = "https://x/a b"\n', "write it as %XX"),
    ('kind = "webhook"\nurl = "http://hook.example.org/"\n', 'without TLS; begin it with "https://"'),
    ('kind = "mqtt"\nurl = "mqtt://192.0.2.1"\n', 'without TLS; begin it with "mqtts://"'),
    ('kind = "cot"\nurl = "tcp://192.0.2.1:1"\n', 'without TLS; begin it with "tls://"'),
    ('kind = "cot"\nurl = "udp://239.2.3.1:6969@192.0.2.1"\n', "without TLS"),
    ('kind = "cot"\nurl = "udp://127.0.0.1"\n', "has no port"),
    ('kind = "cot"\nurl = "tcp://127.0.0.1:0"\n', "has port 0"),
    ('kind = "cap"\nurl = "file://spool/cap"\n', "must be a whole path"),
    (WEB + 'command = ["/bin/cat"]\n', 'is not for kind = "webhook"'),
    (WEB + 'user = "u"\n', 'is not for kind = "webhook"'),
    (WEB + 'tls_ca = "ca.pem"\n', "is of no use with http://"),
    ('kind = "mqtt"\nurl = "mqtt://127.0.0.1"\nuser = "u"\n', "stands without its password"),
    ('kind = "command"\n', "has no command; write command = "),
    ('kind = "command"\ncommand = ["cat"]\n', "must be a whole path"),
    ('kind = "command"\ncommand = ["/bin/cat"]\nurl = "http://x"\n', "is not for a command"),
    ('kind = "command"\ncommand = ["/bin/cat"]\nkey = "k"\n', 'is not for kind = "command"'),
    (WEB + 'areas = ["Nort"]\n', 'is no district, nor a site that is in none; did you mean "North"?'),
    (WEB + 'areas = ["A"]\n', "areas are North, B"),
    (WEB + 'language = "de"\n', "is not one of"),
    (WEB + "timeout_s = 0\n", "must be between 0.1 and 300"),
    (WEB + "actual = true\n", "need a sender of their own"),
]


@pytest.mark.parametrize(("text", "words"), WRONG)
def test_what_is_wrong_is_named(text, words):
    assert words in said(text)


def test_two_of_one_name_and_a_sender_that_breaks_messages_are_named():
    assert "is taken" in said(WEB, after=f'[[recipients]]\nname = "x"\n{WEB}')
    assert "must be letters, digits" in said(WEB, after='[outputs]\nsender = "a b,c"\n')
    parse(f'{SITES}[[recipients]]\nname = "x"\n{WEB}actual = true\n[outputs]\nsender = "a.example.org"\n')


DISTRICTS = [
    ('name = "B"\nsites = ["A"]', "is also a site that is in no district"),
    ('name = "N"\nsites = ["A"]\ncode = "UA80"', 'must be "name=value"'),
    ('name = "N"\nsites = ["A"]\npolygon = [[30.1, 99.0], [95.0, 30.0], [1.0, 1.0]]', "must be latitude, longitude"),
    ('name = "N"\nsites = ["A"]\npolygon = [[1.0, 1.0], [2.0, 2.0]]', "three corners or more"),
    ('name = "N"\nsites = ["A"]\npolygon = [[1.0, 1.0], [2.0, 2.0], [1.0, 2.0], [2.0, 1.0]]', "crosses itself"),
]


@pytest.mark.parametrize(("text", "words"), DISTRICTS)
def test_a_district_that_cannot_be_told_is_named(text, words):
    with pytest.raises(ConfigProblems, match=words):
        parse(SITES.replace('name = "North"\nsites = ["A"]', text))


def test_a_district_that_can_be_told_is_taken():
    square = "polygon = [[1.0, 1.0], [1.0, 2.0], [2.0, 2.0], [2.0, 1.0], [1.0, 1.0]]"
    (found,) = parse(SITES.replace('sites = ["A"]', f'sites = ["A"]\n{square}\ncode = "KATOTTG=UA80"')).districts
    assert len(found.polygon) == 5


def test_recipients_change_at_a_reload_and_a_summary_says_what_they_are_told():
    source = '[[sources]]\nname = "s"\nformat = "modes"\nlisten = "tcp://127.0.0.1:5000"\n'
    text = f'{SITES}{source}[[recipients]]\nname = "x"\n{WEB}'
    before, after = parse(SITES + source), parse(text)
    settings, stays = renewed(before, after)
    assert settings.recipients == after.recipients
    assert stays == ()
    assert any("recipient x: webhook to http://127.0.0.1:1/x, as a test only" in line for line in summary(after))
