"""The largest bodies that a source may send, against the real web server: what they cost, and where they end."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from pathlib import Path

import pytest
import requests

from tests.e2e.stack import Stack, descendants, running
from tests.e2e.test_stack import Client

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("e2e")]
MEBIBYTE = 1024 * 1024


def post(stack: Stack, connector: dict[str, str], raw: bytes) -> int:
    signature = hmac.new(connector["secret"].encode(), raw, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "issues",
        "X-GitHub-Delivery": hashlib.sha256(raw).hexdigest()[:32],
        "X-Hub-Signature-256": f"sha256={signature}",
    }
    url = f"{stack.url}/hooks/{connector['id']}"
    return requests.post(url, data=raw, headers=headers, timeout=60).status_code


def peak(stack: Stack) -> float:
    """The most memory that a web process ever had, in MiB."""
    found = []
    for pid in descendants(stack.process.pid):
        if b"connectors_site.serve" in Path(f"/proc/{pid}/cmdline").read_bytes():
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            found += [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")]
    return max(found)


def test_a_body_of_25_mebibytes_is_stored_and_costs_no_multiple_of_its_memory(tmp_path: Path) -> None:
    with running(tmp_path, "--no-worker", ready="/healthz") as stack:
        connector = Client(stack).post("connectors/", name="GitHub", source="github")
        assert post(stack, connector, b'{"action": "opened"}') == 202
        before = peak(stack)
        for _ in range(4):
            # Random digits, so that compressing them does not make them vanish.
            raw = json.dumps({"action": "opened", "noise": os.urandom(12 * MEBIBYTE).hex()}).encode()
            assert post(stack, connector, raw) == 202
        grown = peak(stack) - before
        raw = json.dumps({"noise": "0" * 26 * MEBIBYTE}).encode()
        assert post(stack, connector, raw) == 413
    # Once as it came in, once as the application reads it, and half of it compressed for the database and its log; a
    # worker thread that keeps what it used comes on top. Nothing adds up with each body.
    assert grown < 6 * 25, f"{grown:.0f} MiB"
