"""Training: the same corpus gives the same bytes, arrays give what scikit-learn gives, labels are the user's own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import CLAUSES, LABELS, ROOT, SMALL

from risk_clf.errors import CorpusError, ModelError
from risk_clf.learning.corpus import load_corpus
from risk_clf.learning.training import (
    fit_calibrated,
    fit_model,
    fit_tag_regressions,
    gold_tags,
    indicator_matrix,
    labelled_texts,
    tagger_of,
    train,
    truth_table,
)
from risk_clf.model.atoms import cut_atoms
from risk_clf.model.linear import sigmoid
from risk_clf.model.store import load_model
from risk_clf.model.tagger import layout_features
from risk_clf.reading.analysis import analyze
from risk_clf.reading.document import decode_document
from risk_clf.taxonomy import load_taxonomy


def test_trained_twice_is_the_same_byte_for_byte(small_corpus: Path, small_model_dir: Path, tmp_path: Path) -> None:
    train([small_corpus], tmp_path / "again", settings=SMALL)
    first = {path.name: path.read_bytes() for path in small_model_dir.iterdir()}
    again = {path.name: path.read_bytes() for path in (tmp_path / "again").iterdir()}
    assert first == again


def test_a_model_folder_holds_no_pickle_and_no_object_array(small_model_dir: Path) -> None:
    for path in small_model_dir.glob("*.npz"):
        with np.load(path, allow_pickle=False) as archive:
            assert all(archive[name].dtype.kind in "fu" for name in archive.files)


def test_probabilities_of_labels_are_those_of_the_scikit_learn_objects(small_corpus: Path) -> None:
    taxonomy = load_taxonomy(small_corpus / "taxonomy.toml")
    passages = load_corpus([small_corpus], taxonomy).passages
    texts, labels = labelled_texts(passages)
    groups = [number for number, passage in enumerate(passages) for _ in passage.factors]
    calibrated = fit_calibrated(texts, truth_table(labels, taxonomy), groups, 10.0, SMALL)
    unseen = [*texts, "Frost, duties and rain", "", "nothing known here"]
    expected = np.stack(
        [
            regression.decision_function(calibrated.fitted.vectorizer.transform(unseen)) * slope + offset
            for regression, slope, offset in zip(
                calibrated.fitted.estimators, calibrated.slopes, calibrated.offsets, strict=True
            )
        ],
        axis=1,
    )
    assert np.abs(calibrated.head().probabilities(unseen) - sigmoid(expected)).max() < 1e-6


def test_probabilities_of_tags_are_those_of_the_scikit_learn_objects(small_corpus: Path) -> None:
    passages = load_corpus([small_corpus], load_taxonomy(small_corpus / "taxonomy.toml")).passages
    atoms = cut_atoms([passage.text for passage in passages])
    features = layout_features(atoms)
    matrix = indicator_matrix(features)
    regressions = fit_tag_regressions(matrix, gold_tags(passages, atoms), SMALL)
    expected = np.stack([regression.predict_proba(matrix)[:, 1] for regression in regressions], axis=1)
    expected /= expected.sum(axis=1, keepdims=True)
    assert np.abs(tagger_of(regressions).probabilities(features) - expected).max() < 1e-6


def test_a_taxonomy_of_ones_own_goes_all_the_way(small_model_dir: Path) -> None:
    model = load_model(small_model_dir)
    clauses = [CLAUSES["frost"][0], CLAUSES["tariffs"][2], CLAUSES["drought"][2]]
    text = f"Statements of Walnut about its harvest are forward-looking. Results may differ for: {'; '.join(clauses)}; "
    analysis = analyze(
        decode_document(f"{text}and other risks, including those in our reports.".encode(), "walnut.txt"),
        model,
        as_passage=True,
    )
    assert [factor.text for factor in analysis.factors] == clauses
    assert [factor.labelling.labels[0].label for factor in analysis.factors] == ["frost", "tariffs", "drought"]
    assert {share.key for share in analysis.mix.labels} == set(LABELS)


def test_a_label_with_too_few_factors_is_named(small_corpus: Path, tmp_path: Path) -> None:
    taxonomy_path = tmp_path / "taxonomy.toml"
    text = (small_corpus / "taxonomy.toml").read_text()
    taxonomy_path.write_text(
        text + '[[label]]\nkey = "hail"\ngroup = "weather"\ntitle = ""\ndefinition = ""\nnot_here = ""\n'
    )
    taxonomy = load_taxonomy(taxonomy_path)
    with pytest.raises(CorpusError, match="label 'hail' has 0 factors"):
        fit_model(load_corpus([small_corpus], taxonomy), taxonomy, SMALL)


def test_training_does_not_replace_what_is_no_model(small_corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(ModelError, match="is not a model folder"):
        train([small_corpus], tmp_path, settings=SMALL)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_the_shipped_model_is_trained_on_the_corpus_that_stands_here() -> None:
    model = load_model(ROOT / "models" / "default")
    assert model.card["corpus"]["sha256"] == load_corpus([ROOT / "corpus"], model.taxonomy).digest
