"""Training: the same corpus gives the same bytes, arrays give what scikit-learn gives, labels are the user's own."""

from __future__ import annotations

import os
import subprocess
import sys
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


def test_a_model_read_back_gives_the_probabilities_it_had(small_corpus: Path, small_model_dir: Path) -> None:
    taxonomy = load_taxonomy(small_corpus / "taxonomy.toml")
    fitted, kept = fit_model(load_corpus([small_corpus], taxonomy), taxonomy, SMALL), load_model(small_model_dir)
    texts = ["late frost and new tariffs", "wells", ""]
    for before, after in ((fitted.labeller, kept.labeller), (fitted.locator, kept.locator)):
        assert np.array_equal(before.logits(texts), after.logits(texts))
    assert np.array_equal(fitted.segmenter.weights, kept.segmenter.weights)


TRAIN = """
import sys
from pathlib import Path
from risk_clf.learning.training import Settings, train
train([Path(sys.argv[1])], Path(sys.argv[2]), settings=Settings(folds=2, jobs=int(sys.argv[3])))
"""


def test_the_model_is_the_same_whatever_the_number_of_cores(tmp_path: Path) -> None:
    taxonomy = (ROOT / "corpus" / "taxonomy.toml").read_text()
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "taxonomy.toml").write_text(taxonomy)
    for name, n_lines in (("passages.jsonl", 250), ("not_cautionary.jsonl", 300)):
        lines = (ROOT / "corpus" / "train" / name).read_text().splitlines(keepends=True)
        (corpus / name).write_text("".join(lines[-n_lines:] if name == "not_cautionary.jsonl" else lines[:n_lines]))
    for n_cores in ("1", "2"):
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": n_cores, "OMP_NUM_THREADS": n_cores}
        command = [sys.executable, "-c", TRAIN, str(corpus), str(tmp_path / n_cores), n_cores]
        subprocess.run(command, check=True, env=environment, cwd=ROOT)
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("1", "2"))
    assert one == two


def test_a_write_that_fails_at_the_last_moment_leaves_the_old_model(
    small_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "mine"
    train([small_corpus], out, settings=SMALL)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    rename = Path.replace

    def fail(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(ModelError, match="No space left"):
        train([small_corpus], out, settings=SMALL)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


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
    assert model.taxonomy == load_taxonomy(ROOT / "corpus" / "taxonomy.toml")
    assert model.card["corpus"]["sha256"] == load_corpus([ROOT / "corpus"], model.taxonomy).digest
