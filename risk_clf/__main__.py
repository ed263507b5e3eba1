"""Run the command line by `python -m risk_clf`."""

from __future__ import annotations

from risk_clf.cli import main

main()
