"""Kalman filter of one track and one detection: compare, correct. All in scratch space, in compiled loops.

Names as in Bar-Shalom, Li, Kirubarajan 2001: S = H P H^T + R, K = P H^T S^-1; P is (6, 6) m and m/s, ECEF.
"""

from math import log, pi, sqrt

import numpy as np

from skywarden.kernel import kernel
from skywarden.model.place import F64
from skywarden.track.measure import POLAR, linearise
from skywarden.track.motion import disturb, height, move, spread, up
from skywarden.track.table import Job, Parameters, Plots, Work


@kernel
def predict(job: Job, i: int, dt: float) -> None:
    """Write track i, dt s later (or earlier), to work.mean and work.covariance."""
    mean, work = job.table.mean[i], job.work
    up(mean, work.vertical)
    move(mean, dt, work.vertical, work.mean)
    spread(job.table.covariance[i], dt, work.covariance)
    disturb(work.covariance, dt, work.vertical, (job.parameters.level_noise, job.parameters.vertical_noise))


@kernel
def noise_of(plots: Plots, j: int, d: int, work: Work) -> None:
    """Write detection j's covariance, (d, d), to work.R; doubt about its time counts along the velocity."""
    R = plots.covariance[j]
    variance = plots.time_sigma[j] * plots.time_sigma[j]
    for a in range(d):
        work.white[a] = work.H[a, 0] * work.mean[3] + work.H[a, 1] * work.mean[4] + work.H[a, 2] * work.mean[5]
    for a in range(d):
        for b in range(d):
            i, k = work.rows[a], work.rows[b]
            work.R[a, b] = 0.5 * (R[i, k] + R[k, i]) + variance * work.white[a] * work.white[b]


@kernel
def compare(P: F64, d: int, work: Work) -> tuple[float, float]:
    """Write P H^T to work.PH and the factor of S to work.L.

    Return the innovation's chi-square and its log-likelihood; chi-square is NaN when S is not positive.
    """
    for a in range(6):
        for m in range(d):
            value = 0.0
            for b in range(6):
                value += P[a, b] * work.H[m, b]
            work.PH[a, m] = value
    chi2, log_det = 0.0, 0.0
    for m in range(d):
        rest = work.innovation[m]
        for k in range(m + 1):
            value = work.R[m, k]
            for a in range(6):
                value += work.H[m, a] * work.PH[a, k]
            for c in range(k):
                value -= work.L[m, c] * work.L[k, c]
            if k < m:
                work.L[m, k] = value / work.L[k, k]
            else:
                work.L[m, m] = sqrt(value)
        for c in range(m):
            rest -= work.L[m, c] * work.white[c]
        work.white[m] = rest / work.L[m, m]
        chi2 += work.white[m] * work.white[m]
        log_det += 2.0 * log(work.L[m, m])
    return chi2, -0.5 * (chi2 + log_det + d * log(2.0 * pi))


@kernel
def correct(mean: F64, P: F64, d: int, work: Work) -> None:
    """Correct `mean` (6,) and `P` (6, 6) in place by what `compare` left in `work`; Joseph form, symmetric to the bit.

    Source: Bar-Shalom, Li, Kirubarajan 2001, equation 5.2.3-18.
    """
    K, L = work.K, work.L
    for a in range(6):
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
    for a in range(6):
        for m in range(d):
            mean[a] += K[a, m] * work.innovation[m]
        for b in range(6):
            value = 1.0 if a == b else 0.0
            for m in range(d):
                value -= K[a, m] * work.H[m, b]
            work.A[a, b] = value
    joseph(P, d, work)


@kernel
def joseph(P: F64, d: int, work: Work) -> None:
    """Replace P by A P A^T + K R K^T, where A = I - K H stands in work.A."""
    for a in range(6):
        for b in range(6):
            value = 0.0
            for c in range(6):
                value += work.A[a, c] * P[c, b]
            work.B[a, b] = value
        for m in range(d):
            value = 0.0
            for c in range(d):
                value += work.K[a, c] * work.R[c, m]
            work.PH[a, m] = value
    for a in range(6):
        for b in range(a, 6):
            value = 0.0
            for c in range(6):
                value += work.B[a, c] * work.A[b, c]
            for m in range(d):
                value += work.PH[a, m] * work.K[b, m]
            P[a, b] = value
            P[b, a] = value


@kernel
def measure(job: Job, i: int, j: int) -> tuple[int, float, float]:
    """Predict track i to detection j and compare. Return dimension, chi-square, log-likelihood."""
    work = job.work
    predict(job, i, (job.plots.time[j] - job.table.time[i]) * 1e-9)
    d = linearise(job.plots, j, work.mean, work)
    noise_of(job.plots, j, d, work)
    chi2, log_likelihood = compare(work.covariance, d, work)
    return d, chi2, log_likelihood


@kernel
def update(job: Job, i: int, j: int) -> float:
    """Correct track i by detection j. Return its log-likelihood.

    A detection older than the track is compared with the track's own past: H becomes H F(dt), and the motion noise
    between the two times joins R. The track stays at its time.
    """
    plots, work = job.plots, job.work
    dt = (plots.time[j] - job.table.time[i]) * 1e-9
    mean, P = job.table.mean[i], job.table.covariance[i]
    d, _, log_likelihood = measure(job, i, j)
    if dt < 0.0:
        past(mean, dt, d, job)
        compare(P, d, work)
        correct(mean, P, d, work)
        return log_likelihood
    mean[:] = work.mean
    P[:] = work.covariance
    job.table.time[i] = plots.time[j]
    correct(mean, P, d, work)
    if plots.kind[j] == POLAR and np.isnan(plots.z[j, 2]):
        anchor(mean, P, job.parameters, work)
    return log_likelihood


@kernel
def past(mean: F64, dt: float, d: int, job: Job) -> None:
    """Turn work.H and work.R, which hold dt s before the state `mean`, into what they are for that state."""
    work = job.work
    work.A[:] = 0.0
    up(mean, work.vertical)
    disturb(work.A, dt, work.vertical, (job.parameters.level_noise, job.parameters.vertical_noise))
    for m in range(d):
        for k in range(d):
            for a in range(6):
                for b in range(6):
                    work.R[m, k] += work.H[m, a] * work.A[a, b] * work.H[k, b]
    for m in range(d):
        for b in range(3):
            work.H[m, b + 3] += dt * work.H[m, b]


@kernel
def anchor(mean: F64, P: F64, parameters: Parameters, work: Work) -> None:
    """Hold a height that no sensor measures near what is known of heights: its sigma never exceeds the prior's.

    A weak pseudo-measurement of the height, just strong enough; nothing happens while the sigma is smaller.
    """
    vertical = work.vertical
    up(mean, vertical)
    variance = 0.0
    for a in range(3):
        for b in range(3):
            variance += vertical[a] * P[a, b] * vertical[b]
    prior = parameters.height_sigma * parameters.height_sigma
    if not variance > prior:
        return
    work.R[0, 0] = variance * prior / (variance - prior)
    work.innovation[0] = parameters.height - height(mean)
    for b in range(3):
        work.H[0, b] = vertical[b]
        work.H[0, b + 3] = 0.0
    compare(P, 1, work)
    correct(mean, P, 1, work)
