"""Sites, districts, positions and actions: what contradicts itself is named, with what to write instead."""

import pytest

from skywarden.config import ConfigProblems, parse

SITES = """
[[sites]]
name = "Plant A"
latitude = 30.0
longitude = -45.0
[[sites.actions]]
name = "shelter"
lead_s = 240
[[sites]]
name = "Plant B"
latitude = 30.1
longitude = -45.0
"""
ACTION = '[[sites.actions]]\nname = "{}"\nlead_s = {}\n'


def mistakes(text):
    with pytest.raises(ConfigProblems) as found:
        parse(SITES + text)
    return str(found.value)


def test_what_fits_together_is_taken():
    settings = parse(
        SITES
        + '[[districts]]\nname = "N"\nsites = ["Plant A"]\n'
        + '[[positions]]\nname = "1"\nsites = ["Plant A", "Plant B"]\n[[positions]]\nname = "2"\nsites = ["Plant B"]\n'
    )
    assert settings.sites[0].actions[0].lead_s == 240
    assert settings.sites[0].need_s == 300
    assert [position.sites for position in settings.positions] == [("Plant A", "Plant B"), ("Plant B",)]


PARTNER = '[[partners]]\nname = "Brigade"\naddress = "{}"\n'
POSITION = (
    '[[positions]]\nname = "Desk 2"\nsites = ["Plant A", "Plant B"]\n'
    '[[positions]]\nname = "1"\nsites = ["Plant A"]\nescalate_to = '
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[[districts]]\nname = "N"\nsites = ["Plant C"]',
            'districts[0].sites[0] = "Plant C" is no site; did you mean',
        ),
        ('[[districts]]\nname = "N"\nsites = ["PLANT b"]', 'did you mean "Plant B"?'),
        ('[[districts]]\nname = "N"\nsites = ["x"]', "sites are Plant A, Plant B"),
        ('[[districts]]\nname = "N"', 'districts[0] has no sites; write sites = ["Plant A"]'),
        ('[[districts]]\nname = "N"\nsites = []', "districts[0] has no sites"),
        ('[[districts]]\nname = "N"\nsites = "Plant A"', "districts[0].sites must be a list"),
        ('[[districts]]\nname = "N"\nsites = ["Plant A", "Plant A"]', "is in this list already"),
        ('[[positions]]\nname = "1"\nsites = ["Plant A"]', 'positions leaves "Plant B" to nobody'),
        (POSITION + '"1"', 'positions[1].escalate_to = "1" is no other position; others are Desk 2'),
        (POSITION + '"desk 2"', 'did you mean "Desk 2"?'),
        (PARTNER.format("udp://239.2.3.1:6969"), "is a group"),
        (PARTNER.format("tcp://127.0.0.1:0"), "has port 0"),
        (PARTNER.format("127.0.0.1:8087"), "no scheme that is known"),
        (PARTNER.format("tcp://192.0.2.7:8087"), "unencrypted to another computer"),
        (ACTION.format("stop", 2400), "is longer than any warning: arrivals are looked for 1800 s ahead"),
        (ACTION.format("stop", 60) + ACTION.format("stop", 90), 'actions[1].name = "stop" is taken'),
        ('[[sites.actions]]\nname = "stop"', "has no lead_s"),
        ("consequence = 0", "consequence"),
    ],
)
def test_what_does_not_is_named(text, said):
    assert said in mistakes(text)


def test_a_site_in_two_districts_is_named_with_the_other_one():
    text = '[[districts]]\nname = "N"\nsites = ["Plant A"]\n[[districts]]\nname = "S"\nsites = ["Plant A", "Plant B"]\n'
    assert 'districts[1].sites[0] = "Plant A" is in districts[0] too' in mistakes(text)


def test_a_longer_look_ahead_allows_a_longer_action():
    settings = parse(SITES + ACTION.format("stop", 2400) + "[alert]\nhorizon_s = 2400\n")
    assert settings.sites[1].need_s == 2400
