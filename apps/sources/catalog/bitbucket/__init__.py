"""Bitbucket Cloud (bitbucket.org)."""

from __future__ import annotations

from .source import Bitbucket

SOURCE = Bitbucket()
