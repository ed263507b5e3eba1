"""The folded text of a factor in, its labels out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from risk_clf.model.model import Model

MOST_LABELS = 3
"""The guidelines give a factor one to three labels."""

SURE_GROUP = 0.5
"""Probability from which an uncertain factor is offered its best group."""


@dataclass(frozen=True, slots=True)
class LabelProbability:
    """A label and its calibrated probability."""

    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class Labelling:
    """What a factor is about.

    Attributes:
        labels: those at or above their threshold, most probable first: the first is the main label. Empty when uncertain.
        status: "labelled", or "uncertain" where no label reaches its threshold.
        group: the main label's; of an uncertain factor the best one where it is sure, else None.
        probabilities: (n_labels,) of every label, in taxonomy order.
    """

    labels: tuple[LabelProbability, ...]
    status: Literal["labelled", "uncertain"]
    group: str | None
    probabilities: NDArray[np.float64]


def label(texts: Sequence[str], model: Model) -> tuple[Labelling, ...]:
    """Label folded factor texts."""
    return tuple(_labelling(row, model) for row in model.labeller.probabilities(texts))


def _labelling(row: NDArray[np.float64], model: Model) -> Labelling:
    taxonomy = model.taxonomy
    best = np.argsort(-row, kind="stable")
    given = [column for column in best if row[column] >= model.thresholds[column]][:MOST_LABELS]
    if given:
        labels = tuple(LabelProbability(taxonomy.keys[column], float(row[column])) for column in given)
        return Labelling(labels, "labelled", taxonomy.labels[given[0]].group, row)
    groups = group_probabilities(row, model)
    surest = int(groups.argmax())
    return Labelling((), "uncertain", taxonomy.groups[surest].key if groups[surest] >= SURE_GROUP else None, row)


def group_probabilities(row: NDArray[np.float64], model: Model) -> NDArray[np.float64]:
    """Give the probability that a factor bears some label of each group, labels taken as independent, shape (n_groups,)."""
    none = np.ones(len(model.taxonomy.groups))
    np.multiply.at(none, np.array(model.taxonomy.group_columns), 1 - row)
    return 1 - none
