"""Bitbucket Data Center and Server (self-hosted; formerly Stash)."""

from __future__ import annotations

from .source import BitbucketDataCenter

SOURCE = BitbucketDataCenter()
