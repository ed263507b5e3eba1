"""What a fitted model is: a taxonomy, three heads, and the settings by which their answers are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from risk_clf.model.linear import TfidfHead
from risk_clf.model.tagger import Tagger
from risk_clf.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted model.

    Attributes:
        name: the folder's name.
        digest: sha256 of the card, which holds those of all other files; "" before it is saved.
        taxonomy: labels and groups, in column order.
        locator: one column, whether a paragraph is cautionary.
        segmenter: tags of atoms.
        labeller: two columns a label, in taxonomy order: whether a factor bears it, calibrated, then whether it is
            the main one.
        thresholds: (n_labels,), the probability from which a label is given.
        card: the card's contents, by name.
    """

    name: str
    digest: str
    taxonomy: Taxonomy
    locator: TfidfHead
    segmenter: Tagger
    labeller: TfidfHead
    thresholds: NDArray[np.float32]
    card: dict[str, Any]
