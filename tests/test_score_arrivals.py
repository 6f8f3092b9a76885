"""Arrival forecasts: an ideal one looks ideal, and looks bad when it is binned by the true time to go."""

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
import small_raid
from scipy.stats import invgauss
from small_raid import NS, START, Flight

from skywarden.score import notices, tables
from skywarden.score.arrivals import (
    HORIZONS,
    Settled,
    brier,
    calibration,
    inside,
    pinball,
    ranked_score,
    reliability,
    sampled,
    settled,
)
from skywarden.score.figures import figures
from skywarden.score.nearby import near, target_of
from skywarden.score.notices import LEVELS, Forecasts
from skywarden.score.verdict import verdict

NORMAL = NormalDist()
SCORES = np.array([NORMAL.inv_cdf(level) for level in LEVELS])


def table(time: np.ndarray, track: np.ndarray, quantiles: np.ndarray) -> Forecasts:
    names = tuple(f"T{k}" for k in range(int(track.max()) + 1))
    return Forecasts(time, track, np.zeros(len(time), int), np.ones(len(time)), quantiles, names)


def outcome(forecasts: Forecasts, wait: np.ndarray) -> Settled:
    rows, horizon = sampled(forecasts)
    known = np.ones(len(rows))
    return Settled(
        horizon, forecasts.probability[rows], forecasts.quantiles[rows], wait[rows], known, forecasts.track[rows]
    )


def of_horizon(found: Settled, horizon: float, nominal: float) -> float:
    return next(row.inside for row in calibration(found) if (row.horizon, row.nominal) == (horizon, nominal))


def test_an_ideal_forecast_shows_63_percent_when_binned_by_the_true_time_to_go() -> None:
    """Medians are spread evenly up to half an hour, the true time is lognormal round them with sigma 0.9.

    Given the true time, a median m is as likely as m times the density there, which shifts ln m by sigma^2: so the
    80 % interval holds Phi(1.28 - 0.9) + Phi(1.28 + 0.9) - 1 = 63 % of the arrivals that are truly a minute away.
    """
    generator = np.random.default_rng(11)
    n, sigma = 400_000, 0.9
    median = generator.uniform(0, 1800, n)
    wait = median * np.exp(sigma * generator.normal(size=n))
    forecasts = table(np.full(n, START), np.arange(n), median[:, None] * np.exp(sigma * SCORES))
    found = outcome(forecasts, wait)
    for horizon in HORIZONS:
        for nominal in (0.5, 0.8, 0.95):
            assert of_horizon(found, horizon, nominal) == pytest.approx(nominal, abs=0.015)
    by_truth = (wait > 55) & (wait < 65)
    z = NORMAL.inv_cdf(0.9)
    expected = NORMAL.cdf(z - sigma) + NORMAL.cdf(z + sigma) - 1
    assert expected == pytest.approx(0.63, abs=0.005)
    assert inside(forecasts.quantiles[by_truth], wait[by_truth], 0.8).mean() == pytest.approx(expected, abs=0.015)


def test_the_first_forecast_at_a_horizon_keeps_an_ideal_forecasters_coverage() -> None:
    """A target approaches with 50 m/s and noise of 300 m each second; its first passage is inverse Gaussian."""
    generator = np.random.default_rng(1)
    n, speed, noise, seconds = 1200, 50.0, 300.0, 1000
    left = 12_000 - np.cumsum(generator.normal(speed, noise, (n, seconds)), axis=1)
    arrived = np.where((left <= 0).any(1), (left <= 0).argmax(1), seconds)
    grid = np.linspace(150.0, 16_000.0, 1000)
    shape = (grid / noise) ** 2
    curves = [invgauss.ppf(level, grid / speed / shape, scale=shape) for level in LEVELS]
    track, second = np.nonzero((np.arange(seconds) < arrived[:, None]) & (arrived[:, None] < seconds) & (left < 16_000))
    quantiles = np.column_stack([np.interp(left[track, second], grid, curve) for curve in curves])
    found = outcome(table(START + second * NS, track, quantiles), (arrived[track] - second).astype(float))
    for horizon in (60.0, 120.0):
        assert of_horizon(found, horizon, 0.8) == pytest.approx(0.8, abs=0.04)
        assert of_horizon(found, horizon, 0.5) == pytest.approx(0.5, abs=0.05)


def test_a_forecast_is_taken_once_where_its_median_first_falls_to_the_horizon() -> None:
    medians = np.array([400.0, 290, 310, 130, 118, 20])
    forecasts = table(START + np.arange(6) * NS, np.zeros(6, int), medians[:, None] * np.exp(0.1 * SCORES))
    rows, horizon = sampled(forecasts)
    taken = dict(zip(horizon.tolist(), rows.tolist(), strict=True))
    assert taken == {HORIZONS.index(120.0): 4, HORIZONS.index(300.0): 1, HORIZONS.index(600.0): 0}
    # 60 s: the first below it says 20 s, which is another horizon; 1200 s: 400 s is less than half of it


def test_the_score_of_seven_quantiles_is_near_that_of_the_whole_distribution() -> None:
    wait = np.random.default_rng(3).normal(600, 60, 50_000)
    scores = ranked_score(np.tile(600 + 60 * SCORES, (50_000, 1)), wait)
    assert scores.mean() == pytest.approx(60 / np.sqrt(np.pi), rel=0.05)  # Gneiting, Raftery 2007: sigma / sqrt(pi)


def test_the_true_quantile_has_the_least_pinball_loss() -> None:
    wait = np.random.default_rng(4).exponential(300, 40_000)
    for column, level in enumerate(LEVELS):
        right = -300 * np.log(1 - level)
        losses = [pinball(np.full((len(wait), 7), right * f), wait)[:, column].mean() for f in (0.8, 1.0, 1.25)]
        assert losses[1] == min(losses)


def forecast_csv(rows: list[str]) -> bytes:
    return "\n".join(["time_ns,track,site,probability," + ",".join(notices.QUANTILES), *rows]).encode()


def row(second: int, track: str, median: float, probability: float = 0.5) -> str:
    values = ",".join(f"{median * float(np.exp(0.1 * z)):.2f}" for z in SCORES)
    return f"{START + second * NS},{track},Alpha,{probability},{values}"


def test_forecasts_are_settled_by_what_the_target_did() -> None:
    flights = [
        Flight("comes", 0, 0.5, 30_000, 50),
        Flight("passes", 0, 2.0, 30_000, 50, miss=8000),
        Flight("flies on", 1, 3.0, 40_000, 20),
    ]
    rows = [
        row(240, "T1", 300.0, 0.9),
        row(240, "T2", 300.0, 0.2),
        row(240, "T3", 300.0, 0.4),
        row(240, "ghost", 300.0),
    ]
    files = small_raid.files(flights) | {"arrivals.csv": forecast_csv(rows)}
    files["truth.csv"] = "\n".join(  # the scenario ends while the third is still in the air
        line
        for line in files["truth.csv"].decode().splitlines()
        if not line[0].isdigit() or int(line[:19]) < START + 800 * NS
    ).encode()
    given = small_raid.case(files)
    found = settled(given, target_of(given, near(given, 500.0)))
    by_name = {given.forecasts.tracks[t]: k for k, t in enumerate(given.forecasts.track[sampled(given.forecasts)[0]])}
    assert found.wait[by_name["T1"]] == pytest.approx(300, abs=0.2)  # (30 km - 3 km) / 50 m/s = 540 s
    assert [bool(found.known[by_name[name]]) for name in ("T1", "T2", "T3", "ghost")] == [True, True, False, False]
    assert np.isnan(found.wait[by_name["T2"]])
    assert brier(found) == pytest.approx((0.1**2 + 0.2**2) / 2)
    assert [(round(one.said, 2), one.happened, one.forecasts) for one in reliability(found)] == [
        (0.2, 0, 1),
        (0.9, 1, 1),
    ]
    said = {one.name: one.value for one in figures(verdict([given]), np.random.default_rng(1))}
    assert said["arrival.left_out"] == 0.5


def test_a_forecast_after_the_arrival_is_not_judged() -> None:
    files = small_raid.files([Flight("comes", 0, 0.5, 30_000, 50)])
    given = small_raid.case(files | {"arrivals.csv": forecast_csv([row(560, "T1", 60.0)])})
    found = settled(given, target_of(given, near(given, 500.0)))
    assert found.known.tolist() == [0.0]
    assert np.isnan(brier(found))


def test_no_forecasts_are_no_figures() -> None:
    given = replace(
        small_raid.case(small_raid.files([Flight("a", 0, 0.5, 30_000, 50)])), forecasts=notices.NO_FORECASTS
    )
    found = settled(given, target_of(given, near(given, 500.0)))
    assert all(row.arrived == 0 for row in calibration(found))
    assert reliability(found) == []


def test_quantiles_that_fall_are_refused() -> None:
    sites = tables.sites(small_raid.files([Flight("a", 0, 0.5, 30_000, 50)])["sites.json"])
    with pytest.raises(tables.TableError, match="line 2, column q50: must be a number, not less"):
        notices.forecasts(forecast_csv([f"{START},T1,Alpha,0.5,1,2,3,2,4,5,6"]), sites)
