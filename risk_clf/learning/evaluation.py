"""A model and gold passages in, figures that anyone can repeat out.

Three questions, each with its measure: are the factors found where they are (strict F1: both ends exact), are gold
factors labelled rightly, and both at once, end to end. Baselines that need no learning stand beside them in the same
run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

import risk_clf
from risk_clf.errors import CorpusError
from risk_clf.learning.corpus import AnnotatedPassage, Corpus
from risk_clf.learning.training import labelled_texts, truth_table
from risk_clf.model.model import Model
from risk_clf.reading.factors import Role, segment
from risk_clf.reading.folding import one_line
from risk_clf.reading.labels import LabelScores, score
from risk_clf.spans import Span, trim
from risk_clf.taxonomy import Taxonomy

UNKNOWN_STYLE = "unknown"


@dataclass(frozen=True, slots=True)
class F1:
    """Counts of right, found and gold items, and what follows from them; zero where there is nothing to count."""

    right: int
    found: int
    gold: int
    precision: float = field(init=False)
    recall: float = field(init=False)
    f1: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "precision", self.right / self.found if self.found else 0.0)
        object.__setattr__(self, "recall", self.right / self.gold if self.gold else 0.0)
        object.__setattr__(self, "f1", 2 * self.right / (self.found + self.gold) if self.found + self.gold else 0.0)


@dataclass(frozen=True, slots=True)
class LabelFigures:
    """How rightly gold factors are labelled.

    Attributes:
        main: share whose first label is the gold main label, the best guess where none is given.
        micro_f1, macro_f1: over given labels; macro over the labels that occur in gold.
        exact: share with exactly the gold set.
        main_at_70: main label right among the 70 % of factors the model is surest of.
        calibration_error: mean absolute gap between stated probability and observed frequency over ten equal-width
            bins of all
            label decisions at or above 0.05, weighted by their size (expected calibration error, Naeini et al. 2015).
        by_label: F1 of each label, in taxonomy order.
    """

    n_factors: int
    main: float
    micro_f1: float
    macro_f1: float
    exact: float
    main_at_70: float | None
    calibration_error: float | None
    by_label: dict[str, F1]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All figures of one run. `signature` says what must be the same for them to come out the same."""

    signature: str
    n_passages: int
    n_filers: int
    places: F1
    places_by_style: dict[str, F1]
    catch_alls: F1
    labels: LabelFigures
    end_to_end: F1
    baseline_places: F1
    baseline_places_by_style: dict[str, F1]
    baseline_labels: LabelFigures
    baseline_end_to_end: F1

    def as_dict(self) -> dict[str, Any]:
        """Give the figures as plain values, floats rounded to six places."""
        return {"schema": "risk-clf/evaluation@1", **_rounded(asdict(self))}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(entry) for key, entry in value.items()}
    return round(float(value), 6) if isinstance(value, float) else value


Found = tuple[tuple[Span, ...], tuple[Span, ...]]
Scorer = Callable[[Sequence[str]], LabelScores]


def evaluate(model: Model, corpus: Corpus) -> Evaluation:
    """Measure a model on gold passages.

    Raises:
        CorpusError: there is no gold passage.
    """
    passages = corpus.passages
    if not passages:
        raise CorpusError("corpus: no annotated passages to measure on; name a .jsonl file with some")
    found = [
        (
            tuple(piece.span for piece in pieces if piece.role is Role.FACTOR),
            tuple(piece.span for piece in pieces if piece.role is Role.CATCH_ALL),
        )
        for pieces in segment([passage.text for passage in passages], model.segmenter)
    ]
    cut = [(cut_at_semicolons(passage.text), ()) for passage in passages]
    keywords = KeywordRules(model.taxonomy)

    def head(texts: Sequence[str]) -> LabelScores:
        return score(texts, model)

    def rules(texts: Sequence[str]) -> LabelScores:
        hits = keywords.hits(texts)
        return LabelScores(hits, hits >= np.maximum(hits.max(axis=1, keepdims=True), 1), hits)

    texts, labels = labelled_texts(passages)
    styles = sorted({passage.style or UNKNOWN_STYLE for passage in passages})
    in_style = {
        style: [n for n, passage in enumerate(passages) if (passage.style or UNKNOWN_STYLE) == style]
        for style in styles
    }

    def by_style(read: Sequence[Found]) -> dict[str, F1]:
        return {
            style: _places([passages[n] for n in rows], [read[n] for n in rows]) for style, rows in in_style.items()
        }

    return Evaluation(
        signature=_signature(model, corpus),
        n_passages=len(passages),
        n_filers=len({passage.filer for passage in passages}),
        places=_places(passages, found),
        places_by_style=by_style(found),
        catch_alls=_matches([passage.catch_alls for passage in passages], [catch_alls for _, catch_alls in found]),
        labels=_label_figures(head(texts), labels, model.taxonomy, calibrated=True),
        end_to_end=_end_to_end(passages, found, head, model.taxonomy),
        baseline_places=_places(passages, cut),
        baseline_places_by_style=by_style(cut),
        baseline_labels=_label_figures(rules(texts), labels, model.taxonomy, calibrated=False),
        baseline_end_to_end=_end_to_end(passages, cut, rules, model.taxonomy),
    )


def _signature(model: Model, corpus: Corpus) -> str:
    trait = f"passages:{len(corpus.passages)}|factors:{corpus.n_factors}|gold:{corpus.digest[:12]}"
    of_model = f"model:{model.name}:{model.digest[:12]}|taxonomy:{model.taxonomy.version}"
    return f"risk-clf/evaluation@1|{trait}|{of_model}|v{risk_clf.__version__}"


# ---- places -------------------------------------------------------------------------------------


def _places(passages: Sequence[AnnotatedPassage], found: Sequence[Found]) -> F1:
    return _matches(
        [[factor.span for factor in passage.factors] for passage in passages], [factors for factors, _ in found]
    )


def _matches(gold: Sequence[Sequence[Span]], found: Sequence[Sequence[Span]]) -> F1:
    right = sum(len(set(wanted) & set(got)) for wanted, got in zip(gold, found, strict=True))
    return F1(right, sum(map(len, found)), sum(map(len, gold)))


def _end_to_end(passages: Sequence[AnnotatedPassage], found: Sequence[Found], head: Scorer, taxonomy: Taxonomy) -> F1:
    """Count a factor as right where its place is exact and its first label is the gold main label."""
    where = [(number, span) for number, (factors, _) in enumerate(found) for span in factors]
    texts = [one_line(span.of(passages[number].text)) for number, span in where]
    named = {
        place: taxonomy.keys[column] for place, column in zip(where, head(texts).order.argmax(axis=1), strict=True)
    }
    gold = {
        (number, factor.span): factor.labels[0] for number, passage in enumerate(passages) for factor in passage.factors
    }
    return F1(sum(named.get(place) == main for place, main in gold.items()), len(where), len(gold))


# ---- labels -------------------------------------------------------------------------------------


def _label_figures(
    scores: LabelScores,
    labels: Sequence[tuple[str, ...]],
    taxonomy: Taxonomy,
    *,
    calibrated: bool,
) -> LabelFigures:
    truth, given = truth_table(labels, taxonomy), scores.given
    n = len(labels)
    mains = scores.order.argmax(axis=1)
    main_right = np.array([taxonomy.keys[column] == keys[0] for column, keys in zip(mains, labels, strict=True)], bool)
    by_label = {
        key: F1(int((given & truth)[:, column].sum()), int(given[:, column].sum()), int(truth[:, column].sum()))
        for column, key in enumerate(taxonomy.keys)
    }
    occurring = [score for score in by_label.values() if score.gold]
    surest = np.argsort(-scores.probabilities[np.arange(n), mains], kind="stable")[: round(0.7 * n)]
    return LabelFigures(
        n_factors=n,
        main=float(main_right.mean()) if n else 0.0,
        micro_f1=F1(int((given & truth).sum()), int(given.sum()), int(truth.sum())).f1,
        macro_f1=float(np.mean([score.f1 for score in occurring])) if occurring else 0.0,
        exact=float((given == truth).all(axis=1).mean()) if n else 0.0,
        main_at_70=float(main_right[surest].mean()) if calibrated and len(surest) else None,
        calibration_error=_calibration_error(scores.probabilities, truth) if calibrated and n else None,
        by_label=by_label,
    )


def _calibration_error(proba: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    stated, observed = proba[proba >= 0.05], truth[proba >= 0.05]
    bins = np.minimum((stated * 10).astype(int), 9)
    gaps = np.abs(np.bincount(bins, stated, 10) - np.bincount(bins, observed, 10))
    return float(gaps.sum() / max(len(stated), 1))


# ---- baselines ----------------------------------------------------------------------------------


def cut_at_semicolons(text: str) -> tuple[Span, ...]:
    """Cut a passage at every `;`, each piece trimmed: what one writes in a minute.

    Example:
        >>> [span.of("drought; strikes.") for span in cut_at_semicolons("drought; strikes.")]
        ['drought', 'strikes']
    """
    pieces = [trim(text, Span(*found.span()), " \n.,:•") for found in re.finditer(r"[^;]+", text)]
    return tuple(piece for piece in pieces if len(piece))


class KeywordRules:
    """Labels by counting words of their keys, titles and definitions that are not those of more than three labels."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        words = [
            set(re.findall(r"[a-z]{4,}", f"{label.key.replace('_', ' ')} {label.title} {label.definition}".lower()))
            for label in taxonomy.labels
        ]
        self._words = [{word for word in own if sum(word in other for other in words) <= 3} for own in words]

    def hits(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Count the keywords of each label in each text, shape (n_texts, n_labels)."""
        rows = [set(re.findall(r"[a-z]{4,}", text.lower())) for text in texts]
        return np.array([[len(row & own) for own in self._words] for row in rows], float).reshape(
            len(texts), len(self._words)
        )


# ---- text ---------------------------------------------------------------------------------------


def _figure(value: float | None) -> str:
    return "      -" if value is None else f"{value:7.3f}"


def as_text(evaluation: Evaluation) -> str:
    """Write the figures as a table for people."""
    e = evaluation
    rows = [
        ("factors, strict F1", e.places.f1, e.baseline_places.f1, e.places.gold),
        *(
            (f"  {style}", score.f1, e.baseline_places_by_style[style].f1, score.gold)
            for style, score in e.places_by_style.items()
        ),
        ("catch-alls, strict F1", e.catch_alls.f1, None, e.catch_alls.gold),
        ("main label right", e.labels.main, e.baseline_labels.main, e.labels.n_factors),
        ("labels, micro-F1", e.labels.micro_f1, e.baseline_labels.micro_f1, e.labels.n_factors),
        ("labels, macro-F1", e.labels.macro_f1, e.baseline_labels.macro_f1, e.labels.n_factors),
        ("labels, exact set", e.labels.exact, e.baseline_labels.exact, e.labels.n_factors),
        ("main label right at 70 % coverage", e.labels.main_at_70, None, round(0.7 * e.labels.n_factors)),
        ("calibration error", e.labels.calibration_error, None, e.labels.n_factors),
        ("place and main label, F1", e.end_to_end.f1, e.baseline_end_to_end.f1, e.end_to_end.gold),
    ]
    lines = [
        f"{e.n_passages} passages of {e.n_filers} filers, {e.labels.n_factors} factors",
        "",
        f"{'':36}{'model':>7}  {'rules':>7}  {'n':>6}",
        *(f"{name:36}{_figure(model)}  {_figure(rules)}  {n:6}" for name, model, rules, n in rows),
        "",
        "rules: cut at every ';', labels by the words of the taxonomy",
        "",
        f"{'label':24}{'F1':>7}  {'precision':>9}  {'recall':>7}  {'n':>6}",
        *(
            f"{key:24}{score.f1:7.3f}  {score.precision:9.3f}  {score.recall:7.3f}  {score.gold:6}"
            for key, score in e.labels.by_label.items()
        ),
        "",
        e.signature,
    ]
    return "\n".join(lines)
