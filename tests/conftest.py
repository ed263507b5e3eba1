"""What several tests share: where the repository is, real disclosures where they are present, and a small corpus of
our own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from risk_clf.learning.training import Settings, train
from risk_clf.model.model import Model
from risk_clf.model.store import load_model

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"

TAXONOMY = """
version = 7
[[group]]
key = "weather"
title = "Weather"
[[group]]
key = "trade"
title = "Trade"
"""
LABELS = {"drought": "weather", "frost": "weather", "tariffs": "trade"}
CLAUSES = {
    "drought": [
        "a lack of rain in the valley",
        "wells that run dry",
        "drought in our growing regions",
        "low water in the reservoirs",
    ],
    "frost": ["late frost among the vines", "cold nights in spring", "frost damage to young plants", "an early freeze"],
    "tariffs": ["new tariffs on cork", "import duties abroad", "tariffs on wine", "customs duties and quotas"],
}

NOT_CAUTIONARY = [
    "The cellar is open on Sundays.",
    "Sales rose by nine per cent.",
    "Call our office in Porto.",
    "The board met in May.",
    "Harvest began in August.",
    "We own forty hectares of vines.",
]


@pytest.fixture(scope="session")
def shared() -> Path:
    """Give the folder of real disclosures, or skip."""
    if not (SHARED / "real").is_dir():
        pytest.skip("needs ../shared, which is not here")
    return SHARED


@pytest.fixture(scope="session")
def default_model() -> Model:
    """Give the shipped model."""
    return load_model(ROOT / "models" / "default")


def passage_row(name: str, clauses: list[tuple[str, str]]) -> dict[str, object]:
    """Compose a passage of labelled clauses in a semicolon list."""
    text = f"Statements of {name} about its harvest are forward-looking. Results may differ because of: "
    factors = []
    for label, clause in clauses:
        factors.append({"start": len(text), "end": len(text) + len(clause), "labels": [label]})
        text += clause + "; "
    catch_all = "other risks, including those in our reports"
    text += "and " + catch_all + ". We assume no duty to update them."
    start = text.index(catch_all)
    return {
        "id": name,
        "text": text,
        "factors": factors,
        "catch_alls": [[start, start + len(catch_all)]],
        "style": "semicolon",
    }


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a corpus of three labels that are not the shipped ones."""
    folder = tmp_path_factory.mktemp("corpus")
    labels = "".join(
        f'[[label]]\nkey = "{key}"\ngroup = "{group}"\ntitle = "{key}"\ndefinition = ""\nnot_here = ""\n'
        for key, group in LABELS.items()
    )
    (folder / "taxonomy.toml").write_text(TAXONOMY + labels)
    names = ["Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Gum", "Hazel"]
    rows = [
        passage_row(name, [(label, CLAUSES[label][(number + turn) % 4]) for turn, label in enumerate(list(LABELS) * 2)])
        for number, name in enumerate(names)
    ]
    rows += [{"id": f"n{number}", "text": text} for number, text in enumerate(NOT_CAUTIONARY)]
    (folder / "passages.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


SMALL = Settings(folds=2, min_df=1, jobs=1)


@pytest.fixture(scope="session")
def small_model_dir(small_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train on the small corpus."""
    out = tmp_path_factory.mktemp("models") / "small"
    train([small_corpus], out, settings=SMALL)
    return out
