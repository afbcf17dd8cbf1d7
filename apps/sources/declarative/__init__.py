"""Sources without code: a document says how requests are verified, read and told."""

from __future__ import annotations

from apps.sources.declarative.document import Document, Problem, load
from apps.sources.declarative.source import DeclarativeSource, scheme_of

__all__ = ["DeclarativeSource", "Document", "Problem", "load", "scheme_of"]
