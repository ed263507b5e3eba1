"""Errors a caller may catch.

    RiskClfError          exit code of the command line
      DocumentError         3    bytes that cannot be read as text
      CorpusError           4    faults in annotated passages or taxonomy, too few of a label to fit
      ModelError            5    a model folder missing, damaged or of another version

A message is one line: where, what, and the way out. A caller's mistake in Python is `TypeError` or `ValueError`.
"""

from __future__ import annotations

from collections.abc import Iterable


class RiskClfError(Exception):
    """Base of every error that is about the input and not about the code."""

    exit_code = 1


class DocumentError(RiskClfError):
    """A disclosure that cannot be read."""

    exit_code = 3


class CorpusError(RiskClfError):
    """Annotated passages or a taxonomy with faults; `faults` carries every one of them."""

    exit_code = 4

    def __init__(self, faults: str | Iterable[str]) -> None:
        self.faults = (faults,) if isinstance(faults, str) else tuple(faults)
        super().__init__("\n".join(self.faults))


class ModelError(RiskClfError):
    """A model folder that cannot be used."""

    exit_code = 5
