"""Labelled factors in, the risk mix out: the share of each label and group, with an interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from risk_clf.reading.labels import Labelling
from risk_clf.taxonomy import Taxonomy

Z95 = 1.959964
"""Half width, in standard deviations, of a 95 % interval of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Share:
    """The share of one label or group, with a 95 % interval for what the labeller does not know."""

    key: str
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RiskMix:
    """Shares of labels and of groups over `n_factors` factors; each sums to one, without factors all are zero."""

    n_factors: int
    labels: tuple[Share, ...]
    groups: tuple[Share, ...]


def mix(labellings: Sequence[Labelling], taxonomy: Taxonomy) -> RiskMix:
    """Add up calibrated probabilities ("probabilistic classify and count", Bella et al. 2010).

    A label's count is the sum of its probabilities over the factors; its share is that count over the sum of all
    labels' counts. The interval is normal, with the variance of independent yes-or-no answers of those probabilities.
    """
    proba = np.array([labelling.probabilities for labelling in labellings]).reshape(-1, len(taxonomy.labels))
    member = np.eye(len(taxonomy.groups))[list(taxonomy.group_columns)]
    counts, variances = proba.sum(axis=0), (proba * (1 - proba)).sum(axis=0)
    return RiskMix(
        n_factors=len(labellings),
        labels=_shares(taxonomy.keys, counts, variances),
        groups=_shares(tuple(group.key for group in taxonomy.groups), counts @ member, variances @ member),
    )


def _shares(keys: Sequence[str], counts: np.ndarray, variances: np.ndarray) -> tuple[Share, ...]:
    total = counts.sum() or 1.0
    shares, half = counts / total, Z95 * np.sqrt(variances) / total
    return tuple(
        Share(key, float(share), float(max(0.0, share - width)), float(min(1.0, share + width)))
        for key, share, width in zip(keys, shares, half, strict=True)
    )
