"""The house itself: imports keep the floors, names are complete, the README is true, the wheel is whole."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT

import risk_clf
from risk_clf.learning.corpus import load_corpus
from risk_clf.learning.evaluation import evaluate

PACKAGE = ROOT / "risk_clf"
FLOORS = ("ground", "model", "reading", "learning", "batch", "output", "cli")
GROUND = {"errors", "spans", "taxonomy"}


def floor_of(module: str) -> int:
    """Give the floor of a dotted module name below `risk_clf`."""
    name = module.split(".")[0]
    return FLOORS.index("ground" if name in GROUND else "cli" if name in {"cli", "__main__"} else name)


def imports_of(path: Path) -> set[str]:
    """Give the modules that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_from_its_own_floor_or_below(path: Path) -> None:
    own = floor_of(".".join(path.relative_to(PACKAGE).with_suffix("").parts))
    ours = {name.removeprefix("risk_clf.") for name in imports_of(path) if name.startswith("risk_clf.")}
    assert {name for name in ours if floor_of(name) > own} == set()
    if own == 0:
        assert {name for name in ours if name not in GROUND} == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_learning_imports_scikit_learn(path: Path) -> None:
    heavy = {name.split(".")[0] for name in imports_of(path)} & {"sklearn", "scipy", "joblib"}
    assert not heavy or path.parent.name == "learning"


def test_importing_the_package_imports_neither_scikit_learn_nor_scipy() -> None:
    code = "import sys, risk_clf; print({'sklearn', 'scipy', 'joblib'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_all_names_what_the_package_imports_for_its_users() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    imported = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
    }
    assert set(risk_clf.__all__) == imported


def test_the_version_is_the_one_of_pyproject() -> None:
    assert f'version = "{risk_clf.__version__}"' in (ROOT / "pyproject.toml").read_text()


def test_the_readme_shows_what_the_command_prints() -> None:
    readme = (ROOT / "README.md").read_text()
    shown = re.search(r"```text\n(.+?)```", readme, re.DOTALL)
    assert shown is not None
    command = [sys.executable, "-m", "risk_clf", "predict", "corpus/examples/harbor-light-2002.txt"]
    environment = {**os.environ, "COLUMNS": "100"}
    printed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment).stdout
    assert shown.group(1) == printed


def test_the_accuracy_table_of_the_readme_is_what_evaluate_gives(shared: Path, default_model: risk_clf.Model) -> None:
    figures = evaluate(default_model, load_corpus([shared / "real" / "passages.jsonl"], default_model.taxonomy))
    readme = (ROOT / "README.md").read_text()
    assert f"strict F1 | {figures.places.f1:.3f} | {figures.baseline_places.f1:.3f} |" in readme
    assert f"of given factors | {figures.labels.main:.3f} | {figures.baseline_labels.main:.3f} |" in readme
    assert f"place and main label, F1 | {figures.end_to_end.f1:.3f} | {figures.baseline_end_to_end.f1:.3f} |" in readme
    assert figures.signature in readme


def test_the_python_example_of_the_readme_runs(capsys: pytest.CaptureFixture[str]) -> None:
    shown = re.search(r"```python\n(.+?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert shown is not None
    exec(compile(shown.group(1), "README.md", "exec"), {})
    assert "liquidity" in capsys.readouterr().out


def test_the_wheel_predicts_elsewhere(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)], check=True
    )
    (wheel,) = tmp_path.glob("risk_clf-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {"risk_clf/models/default/card.json", "risk_clf/py.typed"} <= names
    assert not any(name.startswith(("tests/", "corpus/")) for name in names)
    venv.create(tmp_path / "venv", system_site_packages=False, with_pip=False)
    site = next((tmp_path / "venv" / "lib").glob("python*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # Dependencies come from this environment, the package itself only from the wheel.
    (site / "dependencies.pth").write_text("\n".join(path for path in sys.path if path.endswith("site-packages")))
    (tmp_path / "note.txt").write_text(
        "Results may differ from our forward-looking statements because of: a lack of liquidity; new competitors."
    )
    code = (
        "import sys; from risk_clf.cli import main; sys.argv[1:] = ['predict', 'note.txt', '--format', 'json']; main()"
    )
    python = tmp_path / "venv" / "bin" / "python"
    run = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    factors = json.loads(run.stdout)["passages"][0]["factors"]
    assert [factor["text"] for factor in factors] == ["a lack of liquidity", "new competitors"]
