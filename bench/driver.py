"""Sets a running product up, and makes the webhooks that it is given."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from tests.e2e.stack import ROOT, Stack

ALLOW = {"DESTINATION_ALLOW": "127.0.0.0/8", "SANDBOX": "0"}
BODY = json.loads((ROOT / "apps/sources/catalog/github/samples/issues.opened.json").read_text())


def world(stack: Stack, *arguments: object) -> Any:
    """Prepare something in the product's database."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.world", *map(str, arguments)],
        cwd=ROOT, env=stack.environment | ALLOW, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def body(number: int, size: int = 11_000) -> bytes:
    """A payload of about `size` bytes, as GitHub's are."""
    value = {**BODY, "issue": {**BODY["issue"], "number": number, "title": f"Issue {number}", "pad": ""}}
    bare = len(json.dumps(value))
    value["issue"]["pad"] = "x" * max(0, size - bare)
    return json.dumps(value).encode()


def maker(secret: str) -> Callable[[int], tuple[bytes, dict[str, str]]]:
    """Signed requests, a different one each time."""

    def make(number: int) -> tuple[bytes, dict[str, str]]:
        raw = body(number)
        return raw, {
            "Content-Type": "application/json",
            "X-GitHub-Event": "issues",
            "X-GitHub-Delivery": f"bench-{number}-{secret[-8:]}",
            "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest(),
        }

    return make
