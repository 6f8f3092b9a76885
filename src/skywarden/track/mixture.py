"""What is known of a target as several Gaussians with weights: joint hypotheses, each with its models of motion."""

from typing import NamedTuple

import numpy as np

from skywarden.kernel import kernel
from skywarden.model.place import F64, I64
from skywarden.track.models import predict
from skywarden.track.motion import predict_all
from skywarden.track.pool import MODELS, Rows


class Mixture(NamedTuple):
    """What is known of one target. weight (k,), adding to 1; mean (k, 6), covariance (k, 6, 6), ECEF m and m/s.

    time: (k,) ns when each holds.
    """

    weight: F64
    mean: F64
    covariance: F64
    time: I64


@kernel
def brought(leaves: Rows, time: int, parameters: Rows, work: Rows) -> None:
    """Bring leaves that were heard to `time`, ns, with the turns that they are known to fly."""
    for leaf in leaves:
        if leaf.heard > 0:
            predict(leaf, time, parameters[0], work[0])


def mixture(leaves: Rows, weight: F64, time: int | None, parameters: Rows, work: Rows) -> Mixture:
    """Return leaves (n,) with their weights (n,), each model of motion by itself, at their own times or all at one, ns.

    parameters, work: of the filter's memory.
    """
    sure = leaves["existence"]
    if time is not None and leaves["heard"].any():
        leaves = leaves.copy()
        brought(leaves, time, parameters, work)
    noise: F64 = parameters["noise"][0]
    part = (weight[:, None] * sure[:, None] * leaves["weight"]).reshape(-1)
    mean, covariance = leaves["mean"].reshape(-1, 6), leaves["covariance"].reshape(-1, 6, 6)
    when = np.repeat(leaves["time"], MODELS)
    if time is not None:
        level = np.tile(noise[:, 0], len(leaves))
        mean, covariance = predict_all(mean, covariance, (time - when) * 1e-9, level, float(noise[0, 1]))
        when = np.full(len(when), time)
    used = part > 0.0
    return Mixture(part[used] / part[used].sum(), mean[used], covariance[used], when[used])


def moments(of: Mixture) -> tuple[F64, F64]:
    """Return mean (6,) and covariance (6, 6) of a mixture."""
    mean = of.weight @ of.mean
    apart = of.mean - mean
    inside = np.einsum("k,kab->ab", of.weight, of.covariance)
    return mean, np.asarray(inside + np.einsum("k,ka,kb->ab", of.weight, apart, apart))


def combined(weight: F64, means: F64, covariances: F64) -> tuple[F64, F64]:
    """Return mean (n, 6) and covariance (n, 6, 6) of n leaves over their models of motion.

    weight (n, MODELS), means (n, MODELS, 6), covariances (n, MODELS, 6, 6): of each model.
    """
    mean = np.einsum("nm,nma->na", weight, means)
    apart = means - mean[:, None]
    covariance = np.einsum("nm,nmab->nab", weight, covariances)
    return mean, covariance + np.einsum("nm,nma,nmb->nab", weight, apart, apart)
