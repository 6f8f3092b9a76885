"""Who makes room when all places are taken."""

from dataclasses import dataclass

from skywarden.service.places import gives_way


@dataclass
class Taken:
    host: str
    heard: float = 0.0


def way(newcomer: str, *taken: Taken) -> int:
    """Return which of the places, in order of arrival, makes room."""
    return [one is gives_way(taken, newcomer) for one in taken].index(True)


def test_who_never_sent_anything_whole_goes_first_and_of_these_the_oldest() -> None:
    assert way("x", Taken("a", 5.0), Taken("b"), Taken("c"), Taken("d", 1.0)) == 1


def test_if_all_have_sent_the_one_quiet_longest_goes() -> None:
    assert way("x", Taken("a", 5.0), Taken("b", 3.0), Taken("c", 4.0)) == 1


def test_who_holds_many_places_takes_none_of_a_host_that_holds_fewer() -> None:
    flood = [Taken("flood", 100.0 + i) for i in range(3)]
    assert way("flood", Taken("radar", 1.0), *flood, Taken("new")) == 1
    assert way("flood", Taken("radar", 1.0), Taken("flood", 9.0), Taken("other"), Taken("other")) == 2


def test_within_one_host_the_same_rule_holds() -> None:
    assert way("a", Taken("a", 1.0), Taken("a"), Taken("a", 2.0)) == 1


def test_a_host_without_a_place_gets_one() -> None:
    assert way("new", *[Taken("flood", float(i)) for i in range(1, 9)]) == 0
    assert way("new", Taken("a", 2.0), Taken("b", 1.0)) == 1
