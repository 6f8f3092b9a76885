"""Kalman filter of one track and one detection: compare, correct. All in scratch space, in compiled loops.

Names as in Bar-Shalom, Li, Kirubarajan 2001: S = H P H^T + R, K = P H^T S^-1; P is (6, 6) m and m/s, ECEF.
"""

from math import log, nan, pi, sqrt

from skywarden.kernel import inner, kernel
from skywarden.model.place import F64
from skywarden.track.measure import linearise
from skywarden.track.motion import disturb, height, move, spread, up
from skywarden.track.table import Job, Parameters, Plot, Spot, Track, Work

HAIR = 1e-8  # of a variance; a precise range rate of a wide new track makes products that cancel to 1e-9


@inner
def predict(track: Track, dt: float, parameters: Parameters, work: Work) -> None:
    """Write a track's state dt s later (or earlier) to work.state and work.P."""
    up(track.state, work.vertical)
    move(track.state, dt, work.vertical, work.state)
    spread(track.covariance, dt, work.P)
    disturb(work.P, dt, work.vertical, (parameters.level_noise, parameters.vertical_noise))


@inner
def noise_of(plot: Plot, work: Work) -> None:
    """Write a detection's covariance, (d, d), to work.R; doubt about its time counts along the velocity."""
    R, H, v, d = plot.covariance, work.H, work.state, work.d
    variance = plot.time_sigma * plot.time_sigma
    for a in range(d):
        work.white[a] = H[a, 0] * v[3] + H[a, 1] * v[4] + H[a, 2] * v[5]
    for a in range(d):
        for b in range(d):
            i, k = work.rows[a], work.rows[b]
            work.R[a, b] = 0.5 * (R[i, k] + R[k, i]) + variance * work.white[a] * work.white[b]


@inner
def compare(P: F64, work: Work) -> tuple[float, float]:
    """Write P H^T to work.PH and the factor of S to work.L.

    Return the innovation's chi-square and its log-likelihood; chi-square is NaN when S is not positive.
    """
    d, six = work.d, work.six
    for a in range(six):
        for m in range(d):
            value = 0.0
            for b in range(six):
                value += P[a, b] * work.H[m, b]
            work.PH[a, m] = value
    chi2, log_det = 0.0, 0.0
    for m in range(d):
        rest = work.innovation[m]
        for k in range(m + 1):
            value = work.R[m, k]
            for a in range(six):
                value += work.H[m, a] * work.PH[a, k]
            for c in range(k):
                value -= work.L[m, c] * work.L[k, c]
            if k < m:
                work.L[m, k] = value / work.L[k, k]
            else:
                work.L[m, m] = sqrt(value) if value > 0.0 else nan
        for c in range(m):
            rest -= work.L[m, c] * work.white[c]
        work.white[m] = rest / work.L[m, m]
        chi2 += work.white[m] * work.white[m]
        log_det += 2.0 * log(work.L[m, m])
    return chi2, -0.5 * (chi2 + log_det + d * log(2.0 * pi))


@inner
def correct(state: F64, P: F64, work: Work) -> None:
    """Correct `state` (6,) and `P` (6, 6) in place by what `compare` left in `work`; symmetric to the bit.

    Joseph form: P becomes A P A^T + K R K^T with A = I - K H. Source: Bar-Shalom, Li, Kirubarajan 2001, eq. 5.2.3-18.
    """
    gain_of(work)
    A, K, d, six = work.A, work.K, work.d, work.six
    for a in range(six):
        step = 0.0
        for m in range(d):
            step += K[a, m] * work.innovation[m]
        state[a] += step
        for b in range(six):
            value = 1.0 if a == b else 0.0
            for m in range(d):
                value -= K[a, m] * work.H[m, b]
            A[a, b] = value
    joseph(P, work)


@inner
def joseph(P: F64, work: Work) -> None:
    """Replace P by A P A^T + K R K^T, with a hair more on the diagonal than rounding can take off."""
    A, B, K, KR, d, six = work.A, work.B, work.K, work.PH, work.d, work.six
    for a in range(six):
        for b in range(six):
            value = 0.0
            for c in range(6):
                value += A[a, c] * P[c, b]
            B[a, b] = value
        for m in range(d):
            value = 0.0
            for c in range(d):
                value += K[a, c] * work.R[c, m]
            KR[a, m] = value
    for a in range(six):
        for b in range(a, six):
            value = 0.0
            for c in range(6):
                value += B[a, c] * A[b, c]
            for m in range(d):
                value += KR[a, m] * K[b, m]
            P[a, b] = P[b, a] = value
        P[a, a] *= 1.0 + HAIR


@inner
def gain_of(work: Work) -> None:
    """Write K = P H^T S^-1 to work.K."""
    K, L, d = work.K, work.L, work.d
    for a in range(work.six):
        for m in range(d):
            value = work.PH[a, m]
            for c in range(m):
                value -= L[m, c] * K[a, c]
            K[a, m] = value / L[m, m]
        for m in range(d - 1, -1, -1):
            value = K[a, m]
            for c in range(m + 1, d):
                value -= L[c, m] * K[a, c]
            K[a, m] = value / L[m, m]


@inner
def measure(track: Track, plot: Plot, spot: Spot, parameters: Parameters, work: Work) -> tuple[float, float]:
    """Predict a track to a detection and compare. Return chi-square and log-likelihood."""
    predict(track, (plot.time - track.time) * 1e-9, parameters, work)
    linearise(plot, spot, work.state, work)
    noise_of(plot, work)
    return compare(work.P, work)


@inner
def past(track: Track, dt: float, parameters: Parameters, work: Work) -> None:
    """Turn work.H and work.R, which hold dt s before the track's time, into what they are at its time."""
    A, H, d, six = work.A, work.H, work.d, work.six
    for a in range(six):
        for b in range(six):
            A[a, b] = 0.0
    up(track.state, work.vertical)
    disturb(A, dt, work.vertical, (parameters.level_noise, parameters.vertical_noise))
    for m in range(d):
        for k in range(d):
            for a in range(six):
                for b in range(six):
                    work.R[m, k] += H[m, a] * A[a, b] * H[k, b]
    for m in range(d):
        for b in range(3):
            H[m, b + 3] += dt * H[m, b]


@kernel
def anchor(job: Job, n: int) -> None:
    """Hold heights that no sensor measures near what is known of heights: no sigma ever exceeds the prior's.

    A weak pseudo-measurement of the height of the first n tracks, just strong enough; nothing happens to a track
    whose height is known better than that.
    """
    parameters, work = job.parameters[0], job.work[0]
    prior = parameters.height_sigma * parameters.height_sigma
    for i in range(n):
        state, P, u = job.tracks[i].state, job.tracks[i].covariance, work.vertical
        up(state, u)
        variance = 0.0
        for a in range(3):
            variance += u[a] * (P[a, 0] * u[0] + P[a, 1] * u[1] + P[a, 2] * u[2])
        if not variance > prior:
            continue
        work.d = 1
        work.R[0, 0] = variance * prior / (variance - prior)
        work.innovation[0] = parameters.height - height(state)
        for b in range(3):
            work.H[0, b] = u[b]
            work.H[0, b + 3] = 0.0
        compare(P, work)
        correct(state, P, work)
