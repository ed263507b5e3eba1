"""The folded text of a factor in, its labels out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from risk_clf.model.linear import sigmoid
from risk_clf.model.model import Model

MOST_LABELS = 3
"""The guidelines give a factor one to three labels."""

LEAST_PROBABILITY = 0.1
"""The most probable label is given from here up, below its threshold too: a factor has a label more often than none."""

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
        labels: those at or above their threshold, and the most probable one unless it is very unlikely; the main label
            first. Empty when uncertain.
        status: "labelled", or "uncertain" where no label is given.
        group: the main label's; of an uncertain factor the best one where it is sure, else None.
        probabilities: (n_labels,) of every label, in taxonomy order.
    """

    labels: tuple[LabelProbability, ...]
    status: Literal["labelled", "uncertain"]
    group: str | None
    probabilities: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LabelScores:
    """What the labeller says of n factors, in taxonomy order.

    Attributes:
        probabilities: (n, n_labels), calibrated, that a factor bears the label.
        given: (n, n_labels), whether it is given.
        order: (n, n_labels), the higher the more likely the main label; those given stand above all others.
    """

    probabilities: NDArray[np.float64]
    given: NDArray[np.bool_]
    order: NDArray[np.float64]


def score(texts: Sequence[str], model: Model) -> LabelScores:
    """Score folded factor texts.

    Given are labels from their threshold up, at most the `MOST_LABELS` most probable ones, and the most probable one
    from `LEAST_PROBABILITY` up.
    """
    logits = model.labeller.logits(texts)
    bears, is_main = np.split(logits, 2, axis=1)
    probabilities = sigmoid(bears)
    rank = np.argsort(np.argsort(-probabilities, axis=1, kind="stable"), axis=1)
    given = (probabilities >= model.thresholds) & (rank < MOST_LABELS)
    given |= (rank == 0) & (probabilities >= LEAST_PROBABILITY)
    return LabelScores(probabilities, given, sigmoid(is_main) + given)


def label(texts: Sequence[str], model: Model) -> tuple[Labelling, ...]:
    """Label folded factor texts."""
    scores = score(texts, model)
    return tuple(map(partial(_labelling, model), scores.probabilities, scores.given, scores.order))


def _labelling(
    model: Model, probabilities: NDArray[np.float64], given: NDArray[np.bool_], order: NDArray[np.float64]
) -> Labelling:
    taxonomy = model.taxonomy
    columns = np.argsort(-order, kind="stable")[: given.sum()]
    if len(columns):
        labels = tuple(LabelProbability(taxonomy.keys[column], float(probabilities[column])) for column in columns)
        return Labelling(labels, "labelled", taxonomy.labels[columns[0]].group, probabilities)
    groups = group_probabilities(probabilities, model)
    surest = int(groups.argmax())
    group = taxonomy.groups[surest].key if groups[surest] >= SURE_GROUP else None
    return Labelling((), "uncertain", group, probabilities)


def group_probabilities(row: NDArray[np.float64], model: Model) -> NDArray[np.float64]:
    """Give the probability that some label of each group holds, labels taken as independent, shape (n_groups,)."""
    none = np.ones(len(model.taxonomy.groups))
    np.multiply.at(none, np.array(model.taxonomy.group_columns), 1 - row)
    return 1 - none
