"""Find the cautionary passage of a company disclosure, cut it into single risk factors and label each one."""

from __future__ import annotations

__version__ = "0.1.0"
