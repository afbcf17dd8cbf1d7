"""Loaded before Django reads its settings: a data folder of its own, and nothing taken from the developer's shell."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

DATA = tempfile.mkdtemp(prefix="connectors-tests-")
(Path(DATA) / "static").mkdir()
for _name in (
    "DATABASE_URL",
    "BROKER_URL",
    "DESTINATION_ALLOW",
    "OUTBOUND_PROXY",
    "PUBLIC_URL",
    "ALLOWED_HOSTS",
    "PORT",
):
    os.environ.pop(_name, None)
os.environ |= {"DATA_DIR": DATA, "DEBUG": "0", "SANDBOX": "1", "SECRET_KEY": "for tests only " * 4}
