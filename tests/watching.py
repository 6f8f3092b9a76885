"""Alerts as they come of made-up threats, second by second."""

from flights import PLANT, SECOND, TIME, listed

from skywarden.alert import AlertSettings, decide
from skywarden.model.assessment import Threat
from skywarden.model.place import Site

SETTINGS = AlertSettings()
OTHER = Site(name="other", latitude=46.7, longitude=31.2)
SITES = (PLANT, OTHER)


LEVELS = (-1.96, -1.2816, -0.6745, 0.0, 0.6745, 1.2816, 1.96)


def threat(arrival, probability=0.9, sigma=10.0, track=1, site="plant", miss=10_000.0, stake=1.0):
    times = tuple(max(arrival + level * sigma, 0.0) for level in LEVELS)
    return Threat(track, site, probability, times, miss, stake=stake)


class Watch:
    """Feeds decide() second by second and keeps what came out."""

    def __init__(self, settings=SETTINGS, sites=SITES):
        self.settings, self.sites = settings, sites
        self.alerts, self.events = (), []

    def at(self, second, *threats, shown=None, judged=None):
        """One tick; returns the events of it. judged: second, None: this one."""
        when = TIME + round((second if judged is None else judged) * SECOND)
        return self.take(second, listed(*threats, time=when, sites=SITES), shown)

    def take(self, second, threats, shown):
        time = TIME + round(second * SECOND)
        self.alerts, events = decide(self.alerts, threats, time, self.sites, self.settings, shown)
        self.events += [(second, event) for event in events]
        return events

    def kinds(self):
        return [type(event).__name__ for _, event in self.events]
