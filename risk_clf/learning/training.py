"""Annotated passages in, a fitted model out. The three heads are scikit-learn's; what is kept of them are arrays."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import joblib
import numpy as np
import scipy
import sklearn
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits

from risk_clf.errors import CorpusError
from risk_clf.learning.corpus import (
    TAXONOMY_FILE,
    AnnotatedPassage,
    Corpus,
    corpus_files,
    find_taxonomy,
    load_corpus,
    together,
)
from risk_clf.model.atoms import Atoms, cut_atoms
from risk_clf.model.card import card_text
from risk_clf.model.linear import TfidfHead, sigmoid
from risk_clf.model.model import Model
from risk_clf.model.ngrams import ngrams
from risk_clf.model.store import check_place, load_model, save_model
from risk_clf.model.tagger import CATCH_ALL, FACTOR, TABLE_BITS, TAGS, Features, Tagger, layout_features
from risk_clf.reading.folding import one_line
from risk_clf.reading.passages import line_spans
from risk_clf.taxonomy import Taxonomy, load_taxonomy

Matrix: TypeAlias = sparse.csr_matrix
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """What training may be told; the defaults were chosen in cross-validation by filer on the corpus.

    Attributes:
        folds: of the cross-validation from which calibration and thresholds come.
        min_df: documents an n-gram must stand in to be kept.
        labeller_c, segmenter_c, locator_c: inverse strength of the L2 penalty.
        seed: of the folds' and the solvers' random numbers.
        jobs: processor cores to use, -1 for all; the model is the same whatever their number.
    """

    folds: int = 5
    min_df: int = 3
    labeller_c: float = 10.0
    segmenter_c: float = 0.1
    locator_c: float = 10.0
    seed: int = 0
    jobs: int = -1


LEAST_FACTORS = 5
"""A label with fewer factors cannot be fitted and checked in cross-validation."""


# ---- TF-IDF heads -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FittedTfidf:
    """The scikit-learn objects of a TF-IDF head, one estimator a column.

    An estimator is None where the training texts knew only one answer; its logit is the column's constant.
    """

    vectorizer: TfidfVectorizer
    estimators: tuple[LogisticRegression | None, ...]
    constants: tuple[float, ...]

    def logits(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Give uncalibrated logits, shape (n_texts, n_columns)."""
        matrix = self.vectorizer.transform(texts)
        columns = [
            estimator.decision_function(matrix) if estimator is not None else np.full(len(texts), constant)
            for estimator, constant in zip(self.estimators, self.constants, strict=True)
        ]
        return np.stack(columns, axis=1)

    def head(self, slopes: NDArray[np.float64] | float = 1.0, offsets: NDArray[np.float64] | float = 0.0) -> TfidfHead:
        """Give the arrays, a linear calibration of the logits folded in."""
        rows = len(self.vectorizer.vocabulary_)
        weights = np.zeros((rows, len(self.estimators)))
        intercepts = np.array(self.constants)
        for column, estimator in enumerate(self.estimators):
            if estimator is not None:
                weights[:, column] = estimator.coef_[0]
                intercepts[column] = estimator.intercept_[0]
        return TfidfHead(
            vocabulary={
                ngram: int(row) for ngram, row in sorted(self.vectorizer.vocabulary_.items(), key=lambda item: item[1])
            },
            idf=self.vectorizer.idf_.astype(np.float32),
            weights=(weights * slopes).astype(np.float32),
            intercepts=(intercepts * slopes + offsets).astype(np.float32),
        )


def fit_tfidf(
    texts: Sequence[str], truth: NDArray[np.bool_], c: float, settings: Settings, class_weight: str | None = None
) -> FittedTfidf:
    """Fit one logistic regression a column of `truth`, shape (n_texts, n_columns), over TF-IDF n-grams.

    `class_weight` is scikit-learn's: "balanced" lets both answers weigh the same however often each was given.
    """
    vectorizer = TfidfVectorizer(analyzer=ngrams, sublinear_tf=True, min_df=settings.min_df)
    try:
        matrix = vectorizer.fit_transform(texts)
    except ValueError as error:
        raise CorpusError(f"corpus: too little text to learn from ({error}); add annotated passages") from error
    matrix.sum_duplicates()
    estimators = joblib.Parallel(settings.jobs, prefer="threads")(
        joblib.delayed(_fit_column)(matrix, truth[:, column], c, settings.seed, class_weight)
        for column in range(truth.shape[1])
    )
    share = np.clip(truth.mean(axis=0), 1e-3, 1 - 1e-3)
    return FittedTfidf(vectorizer, tuple(estimators), tuple(np.log(share / (1 - share)).tolist()))


def _fit_column(
    matrix: Matrix, answer: NDArray[np.bool_], c: float, seed: int, class_weight: str | None
) -> LogisticRegression | None:
    if answer.all() or not answer.any():
        return None
    regression = LogisticRegression(C=c, solver="liblinear", tol=1e-3, random_state=seed, class_weight=class_weight)
    return regression.fit(matrix, answer)


@dataclass(frozen=True, slots=True)
class CalibratedTfidf:
    """A fitted head with its sigmoid calibration and the out-of-fold logits it was learned from, before calibration."""

    fitted: FittedTfidf
    slopes: NDArray[np.float64]
    offsets: NDArray[np.float64]
    out_of_fold: NDArray[np.float64]

    def head(self) -> TfidfHead:
        """Give the arrays."""
        return self.fitted.head(self.slopes, self.offsets)


def fit_calibrated(
    texts: Sequence[str],
    truth: NDArray[np.bool_],
    groups: Sequence[int],
    c: float,
    settings: Settings,
    class_weight: str | None = None,
) -> CalibratedTfidf:
    """Fit a head, and its per-column sigmoid calibration (Platt 1999) on logits of folds that keep `groups` whole."""
    logits = np.zeros(truth.shape)
    for train, held in _folds(groups, settings):
        fitted = fit_tfidf([texts[row] for row in train], truth[train], c, settings, class_weight)
        logits[held] = fitted.logits([texts[row] for row in held])
    slopes, offsets = np.ones(truth.shape[1]), np.zeros(truth.shape[1])
    for column in range(truth.shape[1]):
        if truth[:, column].any() and not truth[:, column].all():
            sigmoid_fit = LogisticRegression(C=1e6, solver="lbfgs", class_weight=class_weight).fit(
                logits[:, [column]], truth[:, column]
            )
            slopes[column], offsets[column] = sigmoid_fit.coef_[0, 0], sigmoid_fit.intercept_[0]
    return CalibratedTfidf(fit_tfidf(texts, truth, c, settings, class_weight), slopes, offsets, logits)


def _folds(groups: Sequence[int], settings: Settings) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    n_groups = len(set(groups))
    if n_groups < 2:
        raise CorpusError("corpus: all passages are one filer's or near-duplicates; add passages of other filers")
    folds = GroupKFold(min(settings.folds, n_groups), shuffle=True, random_state=settings.seed)
    return list(folds.split(np.zeros(len(groups)), groups=groups))


# ---- labeller -----------------------------------------------------------------------------------


def labelled_texts(passages: Sequence[AnnotatedPassage]) -> tuple[list[str], list[tuple[str, ...]]]:
    """Give the text of every factor, on one line as prediction has it, and its labels."""
    factors = [
        (one_line(factor.span.of(passage.text)), factor.labels) for passage in passages for factor in passage.factors
    ]
    return [text for text, _ in factors], [labels for _, labels in factors]


def truth_table(labels: Sequence[Sequence[str]], taxonomy: Taxonomy) -> NDArray[np.bool_]:
    """Give which factor bears which label, shape (n_factors, n_labels)."""
    table = np.zeros((len(labels), len(taxonomy.labels)), bool)
    for row, keys in enumerate(labels):
        for key in keys:
            if key in taxonomy.columns:
                table[row, taxonomy.columns[key]] = True
    return table


def f1_thresholds(truth: NDArray[np.bool_], proba: NDArray[np.float64]) -> NDArray[np.float32]:
    """Choose for each column the threshold with the best F1, the lowest of equals, in hundredths from 0.20 to 0.60."""
    candidates = np.arange(20, 61) / 100
    best = np.zeros(truth.shape[1], np.float32)
    for column in range(truth.shape[1]):
        given = proba[:, [column]] >= candidates
        right = (given & truth[:, [column]]).sum(axis=0)
        f1 = 2 * right / np.maximum(given.sum(axis=0) + truth[:, column].sum(), 1)
        best[column] = candidates[int(f1.argmax())]
    return best


# ---- segmenter ----------------------------------------------------------------------------------


def gold_tags(passages: Sequence[AnnotatedPassage], atoms: Atoms) -> NDArray[np.int64]:
    """Give each atom its tag, shape (n_atoms,): that of the gold factor or catch-all it shares characters with."""
    tags = np.zeros(len(atoms), np.int64)
    bounds = np.searchsorted(atoms.passage, np.arange(len(passages) + 1))
    for passage, first, last in zip(passages, bounds, bounds[1:], strict=False):
        starts, ends = atoms.starts[first:last], atoms.ends[first:last]
        marked = [(factor.span, FACTOR) for factor in passage.factors] + [
            (span, CATCH_ALL) for span in passage.catch_alls
        ]
        for span, tag in marked:
            inside = first + np.flatnonzero((starts < span.end) & (ends > span.start))
            tags[inside] = tag + 1
            tags[inside[:1]] = tag
    return tags


def indicator_matrix(features: Features) -> Matrix:
    """Give the features as a sparse matrix of ones, shape (n_atoms, 2^TABLE_BITS)."""
    matrix = Matrix(
        (
            np.ones(len(features.columns), np.float32),
            features.columns.astype(np.int32),
            features.indptr.astype(np.int32),
        ),
        shape=(len(features.indptr) - 1, 1 << TABLE_BITS),
    )
    matrix.sum_duplicates()
    return matrix


def fit_tag_regressions(matrix: Matrix, tags: NDArray[np.int64], settings: Settings) -> tuple[LogisticRegression, ...]:
    """Fit one logistic regression a tag."""

    def fit(tag: int) -> LogisticRegression:
        regression = LogisticRegression(
            C=settings.segmenter_c, solver="liblinear", tol=0.02, random_state=settings.seed
        )
        if not (tags == tag).any() or (tags == tag).all():
            raise CorpusError(
                f"corpus: no text is '{TAGS[tag]}'; add passages with factors, catch-alls and text around them"
            )
        return regression.fit(matrix, tags == tag)

    return tuple(joblib.Parallel(settings.jobs, prefer="threads")(joblib.delayed(fit)(tag) for tag in range(len(TAGS))))


def tagger_of(regressions: Sequence[LogisticRegression]) -> Tagger:
    """Take the arrays out of fitted tag regressions."""
    return Tagger(
        weights=np.stack([regression.coef_[0] for regression in regressions], axis=1).astype(np.float32),
        intercepts=np.array([regression.intercept_[0] for regression in regressions], np.float32),
    )


def fit_segmenter(passages: Sequence[AnnotatedPassage], settings: Settings) -> Tagger:
    """Fit the segmenter's head."""
    atoms = cut_atoms([passage.text for passage in passages])
    return tagger_of(
        fit_tag_regressions(indicator_matrix(layout_features(atoms)), gold_tags(passages, atoms), settings)
    )


# ---- locator ------------------------------------------------------------------------------------


def locator_examples(corpus: Corpus, groups: Sequence[int]) -> tuple[list[str], NDArray[np.bool_], list[int]]:
    """Give lines of passages and paragraphs that are none, which is which, and groups that no fold may part."""
    texts: list[str] = []
    of_group: list[int] = []
    for passage, group in zip(corpus.passages, groups, strict=True):
        lines = [line.of(passage.text) for line in line_spans(passage.text)]
        texts += lines
        of_group += [group] * len(lines)
    n_cautionary = len(texts)
    texts += [paragraph.text for paragraph in corpus.paragraphs]
    of_group += range(len(corpus.passages), len(corpus.passages) + len(corpus.paragraphs))
    return texts, (np.arange(len(texts)) < n_cautionary)[:, None], of_group


# ---- the whole ----------------------------------------------------------------------------------


def fit_model(
    corpus: Corpus, taxonomy: Taxonomy, settings: Settings | None = None, progress: Progress = lambda _: None
) -> Model:
    """Fit the three heads.

    Args:
        corpus: annotated passages, and paragraphs that are not cautionary.
        taxonomy: the labels, in column order.
        settings: the defaults need no touching.
        progress: told in a few words what begins.

    Raises:
        CorpusError: too few factors of a label, no paragraphs, or one filer only.
    """
    settings = settings or Settings()
    counts = corpus.label_counts()
    faults = [
        f"corpus: label '{key}' has {counts[key]} factors, {LEAST_FACTORS} are needed; annotate more or drop the label"
        for key in taxonomy.keys
        if counts[key] < LEAST_FACTORS
    ]
    if not corpus.paragraphs:
        faults.append("corpus: no paragraphs that are not cautionary; add some (lines with text and no factors)")
    if faults:
        raise CorpusError(faults)

    groups = together(corpus.passages)
    progress(f"labeller: {corpus.n_factors} factors, {len(taxonomy.labels)} labels")
    texts, labels = labelled_texts(corpus.passages)
    factor_groups = [group for passage, group in zip(corpus.passages, groups, strict=True) for _ in passage.factors]
    truth = truth_table(labels, taxonomy)
    labeller = fit_calibrated(texts, truth, factor_groups, settings.labeller_c, settings)
    main = fit_tfidf(texts, truth_table([keys[:1] for keys in labels], taxonomy), settings.labeller_c, settings)
    thresholds = f1_thresholds(truth, sigmoid(labeller.out_of_fold * labeller.slopes + labeller.offsets))

    progress(f"segmenter: {len(corpus.passages)} passages")
    segmenter = fit_segmenter(corpus.passages, settings)

    progress(f"locator: {len(corpus.paragraphs)} paragraphs that are not cautionary")
    lines, cautionary, line_groups = locator_examples(corpus, groups)
    locator = fit_calibrated(lines, cautionary, line_groups, settings.locator_c, settings, class_weight="balanced")

    return Model(
        name="",
        digest="",
        taxonomy=taxonomy,
        locator=locator.head(),
        segmenter=segmenter,
        labeller=labeller.head().beside(main.head()),
        thresholds=thresholds,
        card=_card(corpus, taxonomy, settings),
    )


def _card(corpus: Corpus, taxonomy: Taxonomy, settings: Settings) -> dict[str, Any]:
    counts = corpus.label_counts()
    kept = {name: value for name, value in asdict(settings).items() if name != "jobs"}
    return {
        "taxonomy_version": taxonomy.version,
        "corpus": {
            "sha256": corpus.digest,
            "passages": len(corpus.passages),
            "factors": corpus.n_factors,
            "paragraphs": len(corpus.paragraphs),
            "labels": {key: counts[key] for key in taxonomy.keys},
        },
        "settings": kept,
        "versions": {
            "python": platform.python_version(),
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "scikit-learn": sklearn.__version__,
        },
    }


def train(
    paths: Sequence[Path],
    out: Path,
    taxonomy_path: Path | None = None,
    settings: Settings | None = None,
    progress: Progress = lambda _: None,
) -> Model:
    """Read a corpus, fit a model, write its folder and read it back.

    Args:
        paths: .jsonl files or folders of them; of a folder with a `train` part, that part.
        out: the model folder to write.
        taxonomy_path: the taxonomy; if none, `taxonomy.toml` beside the first path that has one.
        settings: the defaults need no touching.
        progress: told in a few words what begins.

    Raises:
        CorpusError: faults in the corpus or the taxonomy, or too little of something to fit.
        ModelError: `out` cannot be written.
    """
    check_place(out)
    for path in paths:
        corpus_files(path, "train")
    taxonomy_path = taxonomy_path or next(filter(None, map(find_taxonomy, paths)), None)
    if taxonomy_path is None:
        raise CorpusError(
            f"{paths[0]}: no {TAXONOMY_FILE} there; put one beside the passages or name it with --taxonomy"
        )
    taxonomy = load_taxonomy(taxonomy_path)
    corpus = load_corpus(paths, taxonomy)
    # With another number of BLAS threads sums are rounded in another order, and the model would differ.
    with threadpool_limits(limits=1, user_api="blas"):
        model = fit_model(corpus, taxonomy, settings, progress)
    progress(f"writing {out}")
    save_model(model, taxonomy_path.read_text(encoding="utf-8"), {"CARD.md": card_text(model)}, out)
    return load_model(out)
