"""A head of TF-IDF and logistic regression, as arrays: what scikit-learn fitted, computed without it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from risk_clf.model.ngrams import ngrams


@dataclass(frozen=True, slots=True)
class TfidfHead:
    """Calibrated logistic regressions over TF-IDF n-grams, one a column.

    TF-IDF is scikit-learn's with `sublinear_tf`: (1 + ln tf) * idf, rows of length one (Salton & Buckley 1988). The
    sigmoid calibration (Platt 1999) is linear in the logit, so it is folded into weights and intercepts, and
    contributions sum to the calibrated log-odds.

    Attributes:
        vocabulary: row of each n-gram.
        idf: (n_ngrams,).
        weights: (n_ngrams, n_columns).
        intercepts: (n_columns,).
    """

    vocabulary: Mapping[str, int]
    idf: NDArray[np.float32]
    weights: NDArray[np.float32]
    intercepts: NDArray[np.float32]

    def beside(self, other: TfidfHead) -> TfidfHead:
        """Put the columns of a head over the same n-grams behind this one's."""
        if self.vocabulary != other.vocabulary:
            raise ValueError("the heads have different vocabularies")
        return TfidfHead(
            self.vocabulary,
            self.idf,
            np.hstack([self.weights, other.weights]),
            np.concatenate([self.intercepts, other.intercepts]),
        )

    def tfidf(self, texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Give row, n-gram and value of each entry of the TF-IDF matrix of folded texts, by row and then n-gram."""
        rows: list[int] = []
        columns: list[int] = []
        counts: list[int] = []
        known = self.vocabulary
        for row, text in enumerate(texts):
            found = Counter(known[ngram] for ngram in ngrams(text) if ngram in known)
            for column in sorted(found):
                rows.append(row)
                columns.append(column)
                counts.append(found[column])
        row_of, column_of = np.array(rows, np.int64), np.array(columns, np.int64)
        values = (1 + np.log(np.array(counts, np.float64))) * self.idf[column_of]
        lengths = np.sqrt(np.bincount(row_of, values**2, minlength=len(texts)))
        return row_of, column_of, values / lengths[row_of]

    def logits(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Give calibrated log-odds of folded texts, shape (n_texts, n_columns)."""
        row_of, column_of, values = self.tfidf(texts)
        sums = np.zeros((len(texts), len(self.intercepts)))
        if len(row_of):
            parts = self.weights[column_of] * values[:, None]
            first = np.flatnonzero(np.diff(row_of, prepend=-1))
            sums[row_of[first]] = np.add.reduceat(parts, first)
        return sums + self.intercepts

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Give calibrated probabilities of folded texts, shape (n_texts, n_columns)."""
        return sigmoid(self.logits(texts))


def sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn log-odds into probabilities, without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)))
