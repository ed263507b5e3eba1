"""The command line: what goes to stdout, what to stderr, and with which exit code it ends."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

import risk_clf
from risk_clf.cli import main

ROOT = Path(__file__).parents[1]

DISCLOSURE = """\
Cork & Co. reports its harvest.

Statements about our harvest are forward-looking. Results may differ because of: a lack of rain in the valley; late
frost among the vines; and other risks in our reports. We assume no duty to update them.
"""


@dataclass(frozen=True)
class Outcome:
    """What a run leaves behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line in this process."""

    def run(*args: str | Path, stdin: bytes = b"") -> Outcome:
        out, err = io.TextIOWrapper(io.BytesIO(), "ascii"), io.TextIOWrapper(io.BytesIO(), "utf-8")
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["risk-clf", *map(str, args)])
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), "utf-8"))
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            patch.setattr(sys, "excepthook", sys.excepthook)
            try:
                main()
                code: object = 0
            except SystemExit as exit_:
                code = exit_.code
        assert isinstance(code, int)
        written = []
        for stream in (out, err):
            stream.flush()
            stream.seek(0)
            written.append(stream.buffer.read().decode("utf-8"))
        return Outcome(code, *written)

    return run


@pytest.fixture
def disclosure(tmp_path: Path) -> Path:
    """Write a small disclosure with a passage in it."""
    path = tmp_path / "cork.txt"
    path.write_text(DISCLOSURE)
    return path


def command(*args: str | Path) -> list[str]:
    """Give the command line of a run in a process of its own."""
    return [sys.executable, "-m", "risk_clf", *map(str, args)]


def files_below(folder: Path) -> dict[Path, bytes]:
    """Give every file below a folder, hidden ones too, with its bytes."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ---- predict ------------------------------------------------------------------------------------


def test_predict_writes_a_page_for_people(run: Run, disclosure: Path, small_model_dir: Path) -> None:
    outcome = run("predict", disclosure, "--model", small_model_dir)
    assert (outcome.code, outcome.err) == (0, "")
    assert "1 cautionary passage" in outcome.out
    assert "a lack of rain in the valley" in outcome.out
    assert "drought" in outcome.out
    assert "\x1b" not in outcome.out


def test_predict_writes_one_object_for_one_file_and_an_array_for_several(
    run: Run, disclosure: Path, small_model_dir: Path
) -> None:
    one = json.loads(run("predict", disclosure, "--format", "json", "--model", small_model_dir).out)
    two = json.loads(run("predict", disclosure, disclosure, "--format", "json", "--model", small_model_dir).out)
    assert one["schema"] == "risk-clf/analysis@1"
    assert two == [one, one]


def test_a_factor_of_the_json_is_the_source_at_its_place(run: Run, disclosure: Path, small_model_dir: Path) -> None:
    record = json.loads(run("predict", disclosure, "--format", "json", "--model", small_model_dir).out)
    factors = record["passages"][0]["factors"]
    assert factors
    for factor in factors:
        assert DISCLOSURE[factor["start"] : factor["end"]].replace("\n", " ") == factor["text"]


def test_jsonl_and_csv_of_several_files_follow_one_another_under_one_header(
    run: Run, disclosure: Path, small_model_dir: Path
) -> None:
    args = ("predict", disclosure, disclosure, "--model", small_model_dir, "--format")
    records = [json.loads(line) for line in run(*args, "jsonl").out.splitlines()]
    rows = list(csv.DictReader(io.StringIO(run(*args, "csv").out, newline="")))
    assert [record["text"] for record in records] == [row["text"] for row in rows]
    assert len(rows) >= 4
    assert {row["source"] for row in rows} == {str(disclosure)}


def test_predict_reads_stdin(run: Run, disclosure: Path, small_model_dir: Path) -> None:
    args = ("--format", "json", "--model", small_model_dir)
    piped = json.loads(run("predict", "-", *args, stdin=DISCLOSURE.encode()).out)
    named = json.loads(run("predict", disclosure, *args).out)
    assert piped.pop("source") == "<stdin>"
    assert named.pop("source") == str(disclosure)
    assert piped == named


def test_passage_takes_the_whole_file_as_one_passage(run: Run, small_model_dir: Path) -> None:
    args = ("predict", "-", "--format", "json", "--model", small_model_dir)
    text = b"Wine: a lack of rain in the valley; late frost among the vines."
    assert json.loads(run(*args, stdin=text).out)["passages"] == []
    (passage,) = json.loads(run(*args, "--passage", stdin=text).out)["passages"]
    assert (passage["start"], passage["end"], passage["probability"]) == (0, len(text), 1.0)


@pytest.mark.parametrize("format_", ["text", "json", "jsonl", "csv"])
def test_a_disclosure_without_a_passage_is_a_result(run: Run, small_model_dir: Path, format_: str) -> None:
    outcome = run("predict", "-", "--model", small_model_dir, "--format", format_, stdin=b"The cellar is open.")
    assert outcome.code == 0
    assert "no cautionary passage found" in outcome.out + outcome.err
    if format_ == "csv":
        assert outcome.out.count("\r\n") == 1


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        pytest.param("missing.txt", None, "no such file", id="missing file"),
        pytest.param("folder", "folder", "this is a folder", id="folder"),
        pytest.param("empty.txt", b"", "empty", id="empty file"),
        pytest.param("binary.txt", b"\x00\x01\x02" * 50, "binary", id="binary file"),
        pytest.param("a.pdf", b"%PDF-1.7", "PDF", id="PDF"),
    ],
)
@pytest.mark.parametrize("format_", ["text", "json", "jsonl", "csv"])
def test_an_unreadable_disclosure_is_one_line_and_code_3(
    run: Run, small_model_dir: Path, tmp_path: Path, name: str, data: bytes | str | None, says: str, format_: str
) -> None:
    path = tmp_path / name
    if isinstance(data, bytes):
        path.write_bytes(data)
    elif data:
        path.mkdir()
    outcome = run("predict", path, "--model", small_model_dir, "--format", format_)
    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err.startswith(f"error: {path}: ")
    assert says in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("format_", ["text", "json", "jsonl", "csv"])
def test_an_unreadable_file_does_not_stop_the_others(
    run: Run, disclosure: Path, small_model_dir: Path, tmp_path: Path, format_: str
) -> None:
    args = ("--model", small_model_dir, "--format", format_)
    outcome = run("predict", tmp_path / "missing.txt", disclosure, *args)
    assert outcome.code == 3
    assert outcome.err.count("\n") == 1
    assert "a lack of rain in the valley" in outcome.out
    if format_ == "json":
        assert len(json.loads(outcome.out)) == 1
    if format_ == "csv":
        assert outcome.out.startswith("source,passage,")


def test_a_file_name_cannot_command_the_terminal(run: Run, small_model_dir: Path, tmp_path: Path) -> None:
    outcome = run("predict", tmp_path / "\x1b[2J\nerror: none.txt", "--model", small_model_dir)
    assert outcome.err.count("\n") == 1
    assert r"\x1b[2J\nerror" in outcome.err


def test_stdout_is_utf8_whatever_the_locale(run: Run, small_model_dir: Path) -> None:
    outcome = run("label", "-", "--model", small_model_dir, stdin="sécheresse 霜".encode())
    assert "sécheresse 霜" in outcome.out


# ---- models -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["labeller.npz", "segmenter.npz", "locator.npz", "taxonomy.toml"])
def test_a_changed_byte_of_a_model_is_one_line_and_code_5(
    run: Run, disclosure: Path, small_model_dir: Path, tmp_path: Path, name: str
) -> None:
    model_dir = tmp_path / "model"
    shutil.copytree(small_model_dir, model_dir)
    data = bytearray((model_dir / name).read_bytes())
    data[len(data) // 2] ^= 1
    (model_dir / name).write_bytes(data)
    outcome = run("predict", disclosure, "--model", model_dir)
    assert (outcome.code, outcome.out) == (5, "")
    assert outcome.err.startswith(f"error: {model_dir}: {name} does not match its card")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize("args", [("predict", "-"), ("label", "-"), ("evaluate", "corpus")])
def test_a_missing_model_is_one_line_and_code_5(run: Run, tmp_path: Path, args: tuple[str, ...]) -> None:
    outcome = run(*args, "--model", tmp_path / "none")
    assert (outcome.code, outcome.out) == (5, "")
    assert outcome.err.startswith(f"error: {tmp_path / 'none'}: no such model folder")
    assert outcome.err.count("\n") == 1


def test_the_shipped_model_reads_a_disclosure(run: Run) -> None:
    text = (
        b"Forward-looking statements are subject to risks: loss of key customers; and failure to protect our patents."
    )
    outcome = run("predict", "-", "--passage", stdin=text)
    assert outcome.code == 0
    assert "customer" in outcome.out
    assert "intellectual_property" in outcome.out


# ---- label --------------------------------------------------------------------------------------


def test_label_takes_a_factor_a_line_and_leaves_blank_lines_out(run: Run, small_model_dir: Path) -> None:
    stdin = b"wells that run dry\r\n\n  \nfrost damage to young plants"
    args = ("label", "-", "--model", small_model_dir, "--format")
    texts = ["wells that run dry", "frost damage to young plants"]
    record = json.loads(run(*args, "json", stdin=stdin).out)
    assert list(record) == ["schema", "model", "factors"]
    assert record["schema"] == "risk-clf/labels@1"
    assert [factor["text"] for factor in record["factors"]] == texts
    assert [json.loads(line) for line in run(*args, "jsonl", stdin=stdin).out.splitlines()] == record["factors"]
    rows = list(csv.DictReader(io.StringIO(run(*args, "csv", stdin=stdin).out, newline="")))
    assert [row["text"] for row in rows] == texts
    assert "2. frost damage to young plants" in run(*args, "text", stdin=stdin).out


@pytest.mark.parametrize("format_", ["text", "jsonl"])
def test_label_of_blank_lines_is_nothing(run: Run, small_model_dir: Path, format_: str) -> None:
    outcome = run("label", "-", "--model", small_model_dir, "--format", format_, stdin=b"\n \n")
    assert (outcome.code, outcome.out) == (0, "")


def test_label_of_a_missing_file_is_one_line_and_code_3(run: Run, small_model_dir: Path, tmp_path: Path) -> None:
    outcome = run("label", tmp_path / "none.txt", "--model", small_model_dir)
    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err.count("\n") == 1


# ---- train and evaluate -------------------------------------------------------------------------


def test_train_writes_the_model_it_names_and_says_its_progress_on_stderr(
    run: Run, small_corpus: Path, tmp_path: Path
) -> None:
    out = tmp_path / "model"
    outcome = run("train", small_corpus, "--out", out, "--jobs", "1")
    assert outcome.code == 0
    assert outcome.out.startswith(f"{out}: model written, 8 passages, 48 factors")
    assert "labeller" in outcome.err
    assert (out / "card.json").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def a_row(**changes: object) -> str:
    row: dict[str, object] = {
        "text": "Rain may fail; frost may come.",
        "factors": [{"start": 0, "end": 13, "labels": ["drought"]}, {"start": 15, "end": 29, "labels": ["frost"]}],
    }
    return json.dumps(row | changes) + "\n"


UNKNOWN = [{"start": 0, "end": 13, "labels": ["droght"]}]
OVERLAPPING = [{"start": 0, "end": 13, "labels": ["drought"]}, {"start": 10, "end": 20, "labels": ["frost"]}]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        pytest.param(
            a_row(factors=UNKNOWN), "label 'droght' is not in the taxonomy (did you mean 'drought'?)", id="label"
        ),
        pytest.param(a_row(factors=OVERLAPPING), "span 10-20 overlaps the one before it", id="overlap"),
        pytest.param("{not json\n", "not JSON", id="no JSON"),
    ],
)
@pytest.mark.parametrize("name", ["train", "evaluate"])
def test_a_fault_of_the_corpus_is_one_line_with_its_place_and_code_4(
    run: Run, small_corpus: Path, small_model_dir: Path, tmp_path: Path, bad: str, says: str, name: str
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    shutil.copy(small_corpus / "taxonomy.toml", corpus)
    (corpus / "passages.jsonl").write_text(a_row() + bad)
    before = files_below(tmp_path)
    args = ("--out", tmp_path / "model") if name == "train" else ("--model", small_model_dir)
    outcome = run(name, corpus, *args)
    assert (outcome.code, outcome.out) == (4, "")
    assert outcome.err.startswith(f"error: {corpus / 'passages.jsonl'}:2: ")
    assert says in outcome.err
    assert outcome.err.count("\n") == 1
    assert files_below(tmp_path) == before


def test_ten_faults_are_shown_and_the_others_counted(run: Run, small_model_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text(a_row(factors=UNKNOWN) * 13)
    lines = run("evaluate", tmp_path / "bad.jsonl", "--model", small_model_dir).err.splitlines()
    assert [line.split(":")[2] for line in lines[:10]] == [str(number) for number in range(1, 11)]
    assert lines[10:] == ["error: and 3 more faults"]


def test_evaluate_gives_its_figures_as_text_and_as_json(run: Run, small_corpus: Path, small_model_dir: Path) -> None:
    args = ("evaluate", small_corpus / "passages.jsonl", "--model", small_model_dir)
    assert "risk-clf/evaluation@1" in run(*args).out
    assert json.loads(run(*args, "--format", "json").out)["schema"] == "risk-clf/evaluation@1"


# ---- the rest -----------------------------------------------------------------------------------


def test_version_is_that_of_the_package(run: Run) -> None:
    assert run("--version") == Outcome(0, f"risk-clf {risk_clf.__version__}\n", "")


@pytest.mark.parametrize("name", ["predict", "label", "train", "evaluate"])
def test_the_help_of_each_command_has_an_example(run: Run, name: str) -> None:
    outcome = run(name, "--help")
    assert outcome.code == 0
    assert f"Example: risk-clf {name} " in outcome.out


@pytest.mark.parametrize(
    "args",
    [
        pytest.param(("predict",), id="no file"),
        pytest.param(("label",), id="no file to label"),
        pytest.param(("predict", "a.txt", "--format", "xml"), id="unknown format"),
        pytest.param(("predict", "a.txt", "--model"), id="no model named"),
        pytest.param(("train", "a.jsonl"), id="no out"),
        pytest.param(("train", "a.jsonl", "--out", "a", "--jobs", "0"), id="no jobs"),
        pytest.param(("guess",), id="unknown command"),
    ],
)
def test_a_usage_fault_is_code_2(run: Run, args: tuple[str, ...]) -> None:
    outcome = run(*args)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err


def test_predict_loads_nothing_that_only_training_or_looks_need(disclosure: Path, small_model_dir: Path) -> None:
    code = (
        "import sys, atexit\n"
        f"sys.argv = ['risk-clf', 'predict', {str(disclosure)!r}, '--model', {str(small_model_dir)!r}]\n"
        "heavy = {'sklearn', 'scipy', 'joblib', 'pandas', 'rich', 'asyncio', 'pydantic', 'importlib.metadata'}\n"
        "atexit.register(lambda: print(sorted(heavy & set(sys.modules)), file=sys.stderr))\n"
        "from risk_clf.cli import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stderr == "[]\n"
    assert "cautionary passage" in done.stdout


def test_a_reader_who_leaves_ends_the_run_quietly(disclosure: Path, small_model_dir: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    args = command("predict", *[disclosure] * 3, "--model", small_model_dir)
    done = subprocess.run(args, stdout=write, stderr=subprocess.PIPE, cwd=ROOT, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_results_that_cannot_be_written_are_one_line(disclosure: Path, small_model_dir: Path) -> None:
    args = command("predict", disclosure, "--model", small_model_dir)
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(args, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: stdout: cannot be written")
    assert done.stderr.count("\n") == 1


def test_an_interrupt_while_the_model_is_written_ends_with_130_and_leaves_nothing(
    run: Run, small_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    outcome = run("train", small_corpus, "--out", tmp_path / "model", "--jobs", "1")
    assert (outcome.code, outcome.out) == (130, "")
    assert "Traceback" not in outcome.err
    assert list(tmp_path.iterdir()) == []
