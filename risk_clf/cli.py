"""The command line: arguments in, results on stdout, all else on stderr.

Commands are thin. What they need is imported inside them, so that `predict` never loads what only training uses, and
one place turns errors about the input into a line and an exit code.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from enum import StrEnum
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from risk_clf.errors import CorpusError, DocumentError, RiskClfError

if TYPE_CHECKING:
    from risk_clf.reading.analysis import Analysis
    from risk_clf.reading.document import Document

SHOWN_FAULTS = 10
"""Faults of a corpus that are printed; the rest is counted."""

PIPE_WIDTH = 100
"""Columns of text output that goes to no terminal."""

STDIN = Path("-")


class Format(StrEnum):
    """How results are written."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


class ReportFormat(StrEnum):
    """How figures are written."""

    TEXT = "text"
    JSON = "json"


# ---- quick start --------------------------------------------------------------------------------


class _Quick:
    """Converts plain values itself: typer does it by pydantic, whose import takes as long as numpy's.

    A value that is not plain (wrong, or missing) goes typer's way, which words the usage fault.
    """

    def get_params(self, ctx: Any) -> list[Any]:
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if param.name in _CONVERTERS:
                param.process_value = _quick(param, _CONVERTERS[param.name])
        return params


class _QuickCommand(_Quick, TyperCommand):
    pass


class _QuickGroup(_Quick, TyperGroup):
    pass


def _quick(param: Any, convert: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    def process_value(ctx: Any, value: Any) -> Any:
        try:
            return convert(value)
        except (TypeError, ValueError):
            return type(param).process_value(param, ctx, value)

    return process_value


def _paths(values: Any) -> list[Path]:
    if not values:
        raise ValueError("no path")
    return [Path(value) for value in values]


def _nothing(value: Any) -> None:
    if value:
        raise ValueError("something")


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "help": _nothing,
    "files": _paths,
    "file": Path,
    "model_dir": lambda value: None if value is None else Path(value),
    "format_": Format,
}
"""By name of the parameter, those of `predict` and `label`."""


# ---- commands -----------------------------------------------------------------------------------

app = typer.Typer(
    cls=_QuickGroup,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,  # rich would double the time to start
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

ModelOption = Annotated[
    Path | None, typer.Option("--model", metavar="DIR", help="Model folder; the shipped model if not named.")
]
FormatOption = Annotated[Format, typer.Option("--format", help="How to write the results.")]


def main() -> None:
    """Run the command line and exit; the one place where an error about the input becomes a line and an exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller (`>&-`)
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="")
    try:
        app(prog_name="risk-clf")
    except RiskClfError as error:
        sys.exit(_report(error))


def _version(wanted: bool) -> None:
    if wanted:
        import risk_clf

        _write(f"risk-clf {risk_clf.__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Find the cautionary passages of company disclosures, cut them into risk factors and label each one.

    Exit codes: 0 done, 2 usage, 3 a disclosure that cannot be read, 4 faults in a corpus, 5 an unusable model.
    """


@app.command(cls=_QuickCommand)
def predict(
    files: Annotated[list[Path], typer.Argument(metavar="FILES", help="Disclosures: text, HTML or EDGAR; - is stdin.")],
    format_: FormatOption = Format.TEXT,
    model_dir: ModelOption = None,
    passage: Annotated[
        bool, typer.Option("--passage", help="Take each file as one cautionary passage; do not search for it.")
    ] = False,
) -> None:
    """Find the labelled risk factors of disclosures.

    Gives the cautionary passages, the risk factors in them with their labels and places, and the risk mix.

    A file that cannot be read gets a line on stderr and the others go on. Several files as json are one array.

    Example: risk-clf predict 10-k.htm press-release.txt --format csv
    """
    from risk_clf.model.store import load_model
    from risk_clf.reading.analysis import analyze

    model = load_model(model_dir)
    exit_code, n_read = 0, 0
    records = []
    for path in files:
        try:
            analysis = analyze(_document(path), model, as_passage=passage)
        except DocumentError as error:
            exit_code = _report(error)
            continue
        if format_ is Format.JSON:
            from risk_clf.output.json import analysis_record

            records.append(analysis_record(analysis))
        else:
            _write(_analysis_part(analysis, format_, is_first=n_read == 0))
        if format_ is not Format.TEXT and not analysis.passages:
            _say(f"{analysis.document.name}: no cautionary passage found")
        n_read += 1
    if len(files) > 1 and format_ is Format.JSON:
        _write_json(records)
    elif records:
        _write_json(records[0])
    raise typer.Exit(exit_code)


@app.command(cls=_QuickCommand)
def label(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Risk factors, one a line; - is stdin.")],
    format_: FormatOption = Format.TEXT,
    model_dir: ModelOption = None,
) -> None:
    """Label risk factors given one a line.

    Blank lines are left out.

    Example: risk-clf label factors.txt --format jsonl
    """
    from risk_clf.model.store import load_model
    from risk_clf.reading.folding import Markup, fold, one_line
    from risk_clf.reading.labels import label as labellings_of

    model = load_model(model_dir)
    lines = _document(file).source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    folded = [fold(line, 0, len(line), Markup.LINES).text for line in lines]
    texts = [one_line(text) for text in folded if text]
    labellings = labellings_of(texts, model)
    if format_ is Format.TEXT:
        from risk_clf.output.text import labellings_text

        _write(labellings_text(texts, labellings, width=_width(), is_styled=_is_styled()))
    elif format_ is Format.CSV:
        from risk_clf.output import table

        _write(table.encode([table.LABELLING_COLUMNS, *table.labelling_rows(texts, labellings)]))
    elif format_ is Format.JSON:
        from risk_clf.output.json import labels_record

        _write_json(labels_record(texts, labellings, model))
    else:
        from risk_clf.output.json import encode, labelling_records

        _write("".join(encode(record) + "\n" for record in labelling_records(texts, labellings)))


@app.command()
def train(
    paths: Annotated[list[Path], typer.Argument(metavar="PATHS", help="Annotated passages: .jsonl files or folders.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Model folder to write.")],
    taxonomy: Annotated[
        Path | None,
        typer.Option("--taxonomy", metavar="FILE", help="Labels; taxonomy.toml beside the passages if not named."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, metavar="N", help="Processor cores to use; the model is the same.")
    ] = None,
) -> None:
    """Train a model on annotated passages.

    The model folder is written once the model is whole; what stood there before is replaced.

    Example: risk-clf train corpus/ --out models/mine
    """
    from risk_clf.learning.training import Settings
    from risk_clf.learning.training import train as train_model

    model = train_model(paths, out, taxonomy, Settings() if jobs is None else Settings(jobs=jobs), _say)
    counts = "{passages} passages, {factors} factors".format(**model.card["corpus"])
    _write(f"{out}: model written, {counts}, digest {model.digest[:12]}\n")


@app.command()
def evaluate(
    passages: Annotated[
        Path, typer.Argument(metavar="PASSAGES", help="Annotated passages: a .jsonl file or a folder (its test part).")
    ],
    format_: Annotated[ReportFormat, typer.Option("--format", help="How to write the figures.")] = ReportFormat.TEXT,
    model_dir: ModelOption = None,
) -> None:
    """Measure a model on annotated passages.

    They should be passages it has not seen. Baselines that need no learning are measured beside it.

    Example: risk-clf evaluate corpus/test --model models/mine
    """
    from risk_clf.learning.corpus import load_corpus
    from risk_clf.learning.evaluation import as_text
    from risk_clf.learning.evaluation import evaluate as evaluation_of
    from risk_clf.model.store import load_model

    model = load_model(model_dir)
    evaluation = evaluation_of(model, load_corpus([passages], model.taxonomy, part="test"))
    if format_ is ReportFormat.JSON:
        _write_json(evaluation.as_dict())
    else:
        _write(as_text(evaluation) + "\n")


# ---- in and out ---------------------------------------------------------------------------------


def _document(path: Path) -> Document:
    from risk_clf.reading.document import decode_document, read_document

    return decode_document(sys.stdin.buffer.read(), "<stdin>") if path == STDIN else read_document(path)


def _analysis_part(analysis: Analysis, format_: Format, *, is_first: bool) -> str:
    """Write one analysis of several in a format in which they simply follow one another."""
    if format_ is Format.TEXT:
        from risk_clf.output.text import analysis_text

        return ("" if is_first else "\n") + analysis_text(analysis, width=_width(), is_styled=_is_styled())
    if format_ is Format.CSV:
        from risk_clf.output import table

        return table.encode([*([table.ANALYSIS_COLUMNS] if is_first else []), *table.analysis_rows(analysis)])
    from risk_clf.output.json import encode, factor_records

    return "".join(encode(record) + "\n" for record in factor_records(analysis))


def _write_json(value: object) -> None:
    from risk_clf.output.json import encode

    _write(encode(value, indent=2) + "\n")


def _write(text: str) -> None:
    """Write to stdout at once; a reader who has left (`| head`) ends the run quietly."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the flush at exit fails once more
        if isinstance(error, BrokenPipeError):
            raise typer.Exit from None
        _say(f"error: stdout: cannot be written ({error.strerror}); send it to a place with room")
        raise typer.Exit(1) from None


def _say(message: str) -> None:
    """Write a line to stderr, what does not print as escapes: names of files are strangers' text too."""
    from risk_clf.output.text import shown

    print(shown(message), file=sys.stderr, flush=True)  # noqa: T201


def _report(error: RiskClfError) -> int:
    """Print an error, a line each fault, and give its exit code."""
    faults = error.faults if isinstance(error, CorpusError) else (str(error),)
    for fault in faults[:SHOWN_FAULTS]:
        _say(f"error: {fault}")
    if len(faults) > SHOWN_FAULTS:
        _say(f"error: and {len(faults) - SHOWN_FAULTS} more faults")
    return error.exit_code


def _width() -> int:
    return typer.get_terminal_size((PIPE_WIDTH, 24)).columns


def _is_styled() -> bool:
    """Ask whether bold type is wanted: on a terminal that knows it, unless NO_COLOR (no-color.org) is set."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
