"""What every page of ours must do in a real browser: ask nobody else, break no policy, run without errors."""

from __future__ import annotations

from typing import Any

_REPORT = """addEventListener("securitypolicyviolation", (event) => console.error(
    `policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber} ${event.sample}`));"""


def watch(page: Any, home: str) -> list[str]:
    """A list that fills with whatever goes wrong on the page, from now on."""
    problems: list[str] = []

    def asked(request: Any) -> None:
        if not request.url.startswith((home, "data:", "blob:")):
            problems.append(f"asked {request.url} on {page.url}")

    def said(message: Any) -> None:
        if message.text.startswith("policy: "):
            problems.append(f"{message.text} on {page.url}")

    page.add_init_script(_REPORT)
    page.on("pageerror", lambda error: problems.append(f"{error} on {page.url}"))
    page.on("request", asked)
    page.on("console", said)
    return problems
