"""Find the cautionary passage of a company disclosure, cut it into single risk factors and label each one.

Example:
    >>> model = load_model()
    >>> text = b"Results may differ from forward-looking statements because of: a lack of liquidity; new competitors."
    >>> analysis = analyze(decode_document(text, "note.txt"), model)
    >>> [factor.text for factor in analysis.factors]
    ['a lack of liquidity', 'new competitors']
"""

from __future__ import annotations

from risk_clf.errors import CorpusError, DocumentError, ModelError, RiskClfError
from risk_clf.model.model import Model
from risk_clf.model.store import load_model
from risk_clf.reading.analysis import Analysis, analyze
from risk_clf.reading.document import Document, decode_document, read_document
from risk_clf.reading.labels import label

__version__ = "0.1.0"

__all__ = [
    "Analysis",
    "CorpusError",
    "Document",
    "DocumentError",
    "Model",
    "ModelError",
    "RiskClfError",
    "analyze",
    "decode_document",
    "label",
    "load_model",
    "read_document",
]
