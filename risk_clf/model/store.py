"""A model folder, written and read: JSON, TOML and plain arrays, each file checked against the card.

    card.json  CARD.md  taxonomy.toml  locator.npz  segmenter.npz  labeller.npz

Reading runs no code from the folder. Writing is to a temporary folder beside it, renamed when whole, and gives the
same bytes for the same model.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from risk_clf.errors import CorpusError, ModelError
from risk_clf.model.linear import TfidfHead
from risk_clf.model.model import Model
from risk_clf.model.tagger import TABLE_BITS, TAGS, Tagger
from risk_clf.taxonomy import parse_taxonomy

FORMAT = 1
"""Number of the folder's layout. A released number keeps its reader."""

CARD = "card.json"
MAX_FILE_BYTES = 256 << 20
"""A file of a model folder is refused beyond this; the shipped ones are a few MB."""

Arrays = Mapping[str, NDArray[Any]]
_EPOCH = (1980, 1, 1, 0, 0, 0)


def default_model_dir() -> Path:
    """Give the folder of the shipped model: inside the installed package, or `models/default` of a checkout."""
    packaged = Path(str(files("risk_clf"))) / "models" / "default"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "models" / "default"


# ---- writing ------------------------------------------------------------------------------------


def check_place(model_dir: Path) -> None:
    """Refuse a place where a model folder may not be written, before anyone has spent a minute on fitting.

    Raises:
        ModelError: there is a file, a folder that holds something else, or no folder can be made there.
    """
    if model_dir.exists() and not (model_dir / CARD).is_file() and (not model_dir.is_dir() or any(model_dir.iterdir())):
        raise ModelError(f"{model_dir}: exists and is not a model folder; name another place or remove it")
    try:
        model_dir.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryDirectory(dir=model_dir.parent, prefix=f".{model_dir.name}-").cleanup()
    except OSError as error:
        raise _unwritable(model_dir, error) from error


def _unwritable(model_dir: Path, error: OSError) -> ModelError:
    reason = error.strerror or type(error).__name__
    return ModelError(f"{model_dir}: cannot be written ({reason}); name a place with room and permission")


def save_model(model: Model, taxonomy_toml: str, texts: Mapping[str, str], model_dir: Path) -> None:
    """Write a model folder, replacing what stood there only when the new one is whole.

    Args:
        model: its card lacks format and checksums, which are added here.
        taxonomy_toml: the taxonomy as it was read.
        texts: further text files by name (`CARD.md`).
        model_dir: where to write.

    Raises:
        ModelError: the place is a file, or a folder that is no model, or cannot be written.
    """
    check_place(model_dir)
    contents: dict[str, bytes] = {
        "taxonomy.toml": taxonomy_toml.encode(),
        "locator.npz": _pack(_tfidf_arrays(model.locator)),
        "segmenter.npz": _pack({"weights": model.segmenter.weights, "intercepts": model.segmenter.intercepts}),
        "labeller.npz": _pack({**_tfidf_arrays(model.labeller), "thresholds": model.thresholds}),
        **{name: text.encode() for name, text in texts.items()},
    }
    card = {
        "format": FORMAT,
        **model.card,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(contents.items())},
    }
    contents[CARD] = (json.dumps(card, indent=2, ensure_ascii=False) + "\n").encode()
    try:
        with tempfile.TemporaryDirectory(dir=model_dir.parent, prefix=f".{model_dir.name}-") as temporary:
            fresh, old = Path(temporary) / "new", Path(temporary) / "old"
            fresh.mkdir()
            for name, data in contents.items():
                (fresh / name).write_bytes(data)
            if model_dir.exists():
                model_dir.replace(old)
            try:
                fresh.replace(model_dir)
            except BaseException:
                if old.exists():
                    old.replace(model_dir)
                raise
    except OSError as error:
        raise _unwritable(model_dir, error) from error


def _tfidf_arrays(head: TfidfHead) -> Arrays:
    vocabulary = "\n".join(sorted(head.vocabulary, key=head.vocabulary.__getitem__))
    return {
        "vocabulary": np.frombuffer(vocabulary.encode(), np.uint8),
        "idf": head.idf,
        "weights": head.weights,
        "intercepts": head.intercepts,
    }


def _pack(arrays: Arrays) -> bytes:
    """Make an .npz with no clock time in it, which `numpy.savez` would put there."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _EPOCH), member.getvalue())
    return packed.getvalue()


# ---- reading ------------------------------------------------------------------------------------


def load_model(model_dir: Path | str | None = None) -> Model:
    """Read a model folder, the shipped one if none is named.

    Raises:
        ModelError: the folder or a file is missing, does not match the card, is of another format, or holds something
            else than
            the arrays of a model.
    """
    model_dir = Path(model_dir) if model_dir else default_model_dir()
    if not model_dir.is_dir():
        raise ModelError(f"{model_dir}: no such model folder; make one with 'risk-clf train corpus/ --out {model_dir}'")
    card_bytes = _read(model_dir / CARD)
    try:
        card = json.loads(card_bytes)
        number, checksums = card["format"], dict(card["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{model_dir / CARD}: is not a model card ({error}); train the model again or restore it"
        ) from error
    if number != FORMAT:
        raise ModelError(
            f"{model_dir}: is of format {number}, this version reads {FORMAT}; train it again or install its version"
        )
    missing = {"taxonomy.toml", "locator.npz", "segmenter.npz", "labeller.npz"} - checksums.keys()
    strange = [name for name in checksums if Path(name).name != name]
    if missing or strange:
        raise ModelError(f"{model_dir / CARD}: does not name a model's files; train the model again or restore it")
    contents: dict[str, bytes] = {}
    for name, checksum in checksums.items():
        contents[name] = _read(model_dir / name)
        if hashlib.sha256(contents[name]).hexdigest() != checksum:
            raise ModelError(
                f"{model_dir}: {name} does not match its card (sha256 differs); train it again or restore it"
            )
    try:
        taxonomy = parse_taxonomy(contents["taxonomy.toml"].decode(), str(model_dir / "taxonomy.toml"))
        labels = len(taxonomy.labels)
        located, tagged, labelled = (_unpack(contents[f"{head}.npz"]) for head in ("locator", "segmenter", "labeller"))
        return Model(
            name=model_dir.resolve().name,
            digest=hashlib.sha256(card_bytes).hexdigest(),
            taxonomy=taxonomy,
            locator=_tfidf_head(located, 1),
            segmenter=Tagger(
                _array(tagged, "weights", (1 << TABLE_BITS, len(TAGS))), _array(tagged, "intercepts", (len(TAGS),))
            ),
            labeller=_tfidf_head(labelled, 2 * labels),
            thresholds=_array(labelled, "thresholds", (labels,)),
            card=card,
        )
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, CorpusError) as error:
        raise ModelError(f"{model_dir}: does not hold a model ({error}); train it again or restore it") from error


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ModelError(f"{path}: is larger than the {MAX_FILE_BYTES >> 20} MiB a model file may have; restore it")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); train the model again or restore it") from error


def _unpack(data: bytes) -> dict[str, NDArray[Any]]:
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _array(arrays: Mapping[str, NDArray[Any]], name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Take an array out, having checked that it is what a model holds."""
    array = arrays[name]
    if array.shape != shape or array.dtype.kind != "f" or not np.isfinite(array).all():
        raise ValueError(f"array '{name}' is not finite numbers of shape {shape}")
    return array


def _tfidf_head(arrays: Mapping[str, NDArray[Any]], columns: int) -> TfidfHead:
    ngrams = arrays["vocabulary"].tobytes().decode().split("\n")
    vocabulary = {ngram: row for row, ngram in enumerate(ngrams)}
    if len(vocabulary) != len(ngrams):
        raise ValueError("array 'vocabulary' names an n-gram twice")
    return TfidfHead(
        vocabulary,
        _array(arrays, "idf", (len(ngrams),)),
        _array(arrays, "weights", (len(ngrams), columns)),
        _array(arrays, "intercepts", (columns,)),
    )
