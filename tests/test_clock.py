"""Clocks: steady, monotone, honest about steps."""

from dataclasses import dataclass

from skywarden.service.clock import DataClock, HostClock

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND


@dataclass
class Bench:
    """Two clocks that a test sets by hand."""

    wall_ns: int = START
    steady_ns: int = 5 * SECOND

    def wall(self) -> int:
        return self.wall_ns

    def steady(self) -> int:
        return self.steady_ns

    def run(self, seconds: float, ppm: float = 0.0) -> None:
        self.steady_ns += round(seconds * 1e9)
        self.wall_ns += round(seconds * 1e9 * (1 + ppm * 1e-6))


def test_host_clock_starts_at_the_wall_clock_and_follows_the_steady_one() -> None:
    bench = Bench()
    clock = HostClock(bench.wall, bench.steady)
    assert clock.now() == START
    bench.steady_ns += 7 * SECOND
    assert clock.now() == START + 7 * SECOND


def test_a_step_is_reported_once_and_not_followed() -> None:
    bench = Bench()
    clock = HostClock(bench.wall, bench.steady)
    for step in (10 * SECOND, -10 * SECOND, -3600 * SECOND):
        bench.run(0.1)
        before = clock.now()
        bench.wall_ns += step
        assert clock.stepped() == step
        assert clock.stepped() == 0
        assert clock.now() == before
    bench.run(1.0)
    assert clock.now() == START + round(1.3 * SECOND)


def test_drift_below_half_a_second_is_followed_at_500_ppm_and_never_backwards() -> None:
    for sign in (1, -1):
        bench = Bench()
        clock = HostClock(bench.wall, bench.steady)
        bench.wall_ns += sign * 400_000_000
        last = clock.now()
        for _ in range(1000):
            assert clock.stepped() == 0
            bench.run(0.1)
            now = clock.now()
            assert abs(now - last - 100_000_000) <= 50_000
            last = now
        assert abs(clock.now() - START - 100 * SECOND - sign * 50_000_000) < 1_000_000
        for _ in range(10_000):
            clock.stepped()
            bench.run(0.1)
        assert abs(clock.now() - bench.wall_ns) < 1_000


def test_drift_is_not_overshot_when_nobody_asks_for_hours() -> None:
    bench = Bench()
    clock = HostClock(bench.wall, bench.steady)
    bench.wall_ns += 1_000_000
    clock.stepped()
    bench.run(7200)
    assert clock.now() == bench.wall_ns


def test_a_slow_wall_clock_that_runs_20_ppm_off_is_kept_up_with() -> None:
    bench = Bench()
    clock = HostClock(bench.wall, bench.steady)
    for _ in range(36_000):
        bench.run(0.1, ppm=20)
        assert clock.stepped() == 0
    assert abs(clock.now() - bench.wall_ns) < 10_000


def test_a_pause_between_two_readings_is_not_a_step() -> None:
    bench = Bench()
    stalls = [3 * SECOND, *[0] * 9]  # popped from the end: the pause falls between the two readings of the fifth pair

    def steady() -> int:
        bench.run((stalls.pop() if stalls else 0) / SECOND)
        return bench.steady_ns

    clock = HostClock(bench.wall, steady)
    for _ in range(6):
        assert clock.stepped() == 0


def test_the_real_host_clock_goes_forward() -> None:
    clock = HostClock()
    readings = [clock.now() for _ in range(1000)]
    assert readings == sorted(readings)
    assert clock.stepped() == 0


def test_data_clock_is_the_latest_stamp_and_never_goes_back() -> None:
    clock = DataClock()
    assert clock.now() == 0
    clock.observe(START)
    clock.observe(START - 5 * SECOND)
    assert clock.now() == START
    clock.observe(START + SECOND)
    assert clock.now() == START + SECOND
    assert clock.stepped() == 0


def test_a_first_stamp_from_before_1990_does_not_start_the_data_clock_unless_the_next_agrees() -> None:
    clock = DataClock()
    clock.observe(1)
    assert clock.now() == 0
    clock.observe(START)
    assert clock.now() == START
    old = DataClock()
    old.observe(SECOND)
    old.observe(2 * SECOND)
    assert old.now() == 2 * SECOND


def test_one_damaged_stamp_does_not_carry_the_data_clock_away_but_a_gap_does() -> None:
    clock = DataClock()
    clock.observe(START)
    clock.observe(START + 10**6 * SECOND)
    assert clock.now() == START
    clock.observe(START + SECOND)
    assert clock.now() == START + SECOND
    clock.observe(START + 3600 * SECOND)
    clock.observe(START + 3601 * SECOND)
    assert clock.now() == START + 3601 * SECOND
