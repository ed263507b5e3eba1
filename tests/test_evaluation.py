"""Evaluation: figures count what they say they count, and say what they were counted on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT

from risk_clf.errors import CorpusError
from risk_clf.learning.corpus import Corpus, load_corpus
from risk_clf.learning.evaluation import F1, KeywordRules, as_text, cut_at_semicolons, evaluate
from risk_clf.model.model import Model
from risk_clf.model.store import load_model
from risk_clf.taxonomy import load_taxonomy


def test_f1_is_the_harmonic_mean_and_zero_of_nothing() -> None:
    score = F1(right=2, found=4, gold=2)
    assert (score.precision, score.recall) == (0.5, 1.0)
    assert score.f1 == pytest.approx(2 / 3)
    assert F1(0, 0, 0).f1 == 0


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        pytest.param("drought; strikes; floods.", ["drought", "strikes", "floods"], id="plain"),
        pytest.param(" ; ;drought", ["drought"], id="empty pieces"),
        pytest.param("", [], id="empty"),
    ],
)
def test_the_baseline_cuts_at_semicolons(text: str, pieces: list[str]) -> None:
    assert [span.of(text) for span in cut_at_semicolons(text)] == pieces


def test_keyword_rules_find_a_label_by_the_words_of_its_definition() -> None:
    taxonomy = load_taxonomy(ROOT / "corpus" / "taxonomy.toml")
    hits = KeywordRules(taxonomy).hits(["patents and trademarks", "earthquakes"])
    assert taxonomy.keys[int(hits[0].argmax())] == "intellectual_property"
    assert hits[1].max() == 0


def test_a_corpus_a_model_has_learned_by_heart_is_read_without_fault(small_corpus: Path, small_model_dir: Path) -> None:
    model = load_model(small_model_dir)
    figures = evaluate(model, load_corpus([small_corpus], model.taxonomy))
    assert figures.places.f1 == figures.labels.main == figures.end_to_end.f1 == 1.0
    assert figures.places.gold == 48
    assert figures.baseline_places.f1 < 1
    assert np.isclose(figures.labels.micro_f1, 1.0)


def test_figures_carry_a_signature_and_come_out_the_same_again(default_model: Model) -> None:
    corpus = load_corpus([ROOT / "corpus"], default_model.taxonomy, part="test")
    figures = evaluate(default_model, corpus)
    assert figures.as_dict() == evaluate(default_model, corpus).as_dict()
    assert corpus.digest[:12] in figures.signature
    assert default_model.digest[:12] in figures.signature
    assert as_text(figures).endswith(figures.signature)


def test_the_shipped_model_beats_the_rules(default_model: Model) -> None:
    figures = evaluate(default_model, load_corpus([ROOT / "corpus"], default_model.taxonomy, part="test"))
    assert figures.places.f1 > figures.baseline_places.f1
    assert figures.labels.main > figures.baseline_labels.main
    assert figures.end_to_end.f1 > figures.baseline_end_to_end.f1


def test_no_passages_is_an_error_with_a_way_out(default_model: Model) -> None:
    with pytest.raises(CorpusError, match="no annotated passages to measure on"):
        evaluate(default_model, Corpus((), (), ""))
