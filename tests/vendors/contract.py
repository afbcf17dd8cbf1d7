"""Holds a stub against the vendor's published OpenAPI document: paths, parameters, bodies, and what is answered.

GitHub publishes its documents as the package @octokit/openapi (https://github.com/octokit/openapi), one for github.com
and one for each supported Enterprise Server.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from tests.conftest import missing
from tests.e2e.stack import ROOT
from tests.vendors.stub import Answer, Call

PREFIX = "#/components/schemas/"
JOINED = ("allOf", "anyOf", "oneOf")
SILENT = ("nullable", "example", "examples", "description", "format", "discriminator", "xml")


def github(version: str) -> Contract:
    """GitHub's document: "api.github.com" or "ghes-3.17". Skips the test where the package is not installed."""
    places = [ROOT / "node_modules", *map(Path, filter(None, os.environ.get("NODE_PATH", "").split(":")))]
    for folder in places:
        found = folder / "@octokit" / "openapi" / "generated" / f"{version}.json"
        if found.is_file():
            return Contract(found)
    missing("@octokit/openapi")
    raise AssertionError("missing() ends the test")


class Contract:
    """A vendor's OpenAPI 3.0 document."""

    def __init__(self, path: Path) -> None:
        self._document: dict[str, Any] = json.loads(path.read_text())
        self._validators: dict[tuple[int, bool], Draft202012Validator] = {}

    def faults(self, call: Call, answer: Answer | None, prefix: str = "") -> list[str]:
        """What in a call, and in the stub's answer to it, the document does not know; in plain words.

        prefix: what the server's address has before the document's paths. answer: None when it was a failure that
        the test ordered. A stub may leave out what the product does not read, so absent fields are no fault.
        """
        name = f"{call.method} {call.path}"
        operation = self._operation(call.method.lower(), call.path.removeprefix(prefix))
        if operation is None:
            return [f"{name}: no such operation"]
        found = [f"{name}: {each}" for each in self._in_call(operation, call)]
        if answer is not None:
            found += [f"{name}: {each}" for each in self._in_answer(operation, answer)]
        return found

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        for pattern, methods in self._paths:
            if method in methods and pattern.fullmatch(path):
                found: dict[str, Any] = methods[method]
                return found
        return None

    @cached_property
    def _paths(self) -> list[tuple[re.Pattern[str], dict[str, Any]]]:
        """Paths without parameters come first, as `/user/repos` must not be taken for `/user/{name}`."""
        found = [
            ("".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{\w+\})", path)), methods)
            for path, methods in self._document["paths"].items()
        ]  # fmt: skip
        found.sort(key=lambda each: each[0].count("[^/]+"))
        return [(re.compile(pattern), methods) for pattern, methods in found]

    def _in_call(self, operation: dict[str, Any], call: Call) -> Iterator[str]:
        parameters = [self._resolved(each) for each in operation.get("parameters", ())]
        known = {each["name"] for each in parameters if each["in"] == "query"}
        yield from (f"no parameter {each}" for each in call.query.keys() - known)
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content:
            yield from self._invalid("sent", content["schema"], call.body or {}, strict=True)
        elif call.body:
            yield "takes no body"

    def _in_answer(self, operation: dict[str, Any], answer: Answer) -> Iterator[str]:
        found = operation["responses"].get(str(answer.status))
        if found is None:
            yield f"never answers {answer.status}"
            return
        content = self._resolved(found).get("content", {}).get("application/json")
        if content and answer.status < 300:
            yield from self._invalid("answered", content["schema"], answer.body, strict=False)
        elif not content and answer.body:
            yield f"answers {answer.status} without a body"

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in node:
            return node
        found: Any = self._document
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return dict(found)

    def _invalid(self, what: str, schema: Any, value: object, *, strict: bool) -> Iterator[str]:
        """strict: what is required must be there; otherwise what is there must be known."""
        for fault in self._validator(schema, strict).iter_errors(value):
            yield f"{what} {fault.json_path}: {fault.message[:200]}"

    def _validator(self, schema: Any, strict: bool) -> Draft202012Validator:
        key = (id(schema), strict)  # the document lives as long as this
        if key not in self._validators:
            parts: dict[str, Any] = {}
            whole = _Translation(self._document["components"]["schemas"], parts, strict).of(schema)
            self._validators[key] = Draft202012Validator({**whole, "$defs": parts})
        return self._validators[key]


@dataclass
class _Translation:
    """Schemas of OpenAPI 3.0 in the words of JSON Schema. parts: gets what they refer to."""

    schemas: dict[str, Any]
    parts: dict[str, Any]
    strict: bool

    def of(self, node: Any, whole: bool = True) -> Any:
        """whole: the node describes all properties of its object; a part of an `allOf` describes some."""
        if isinstance(node, list):
            return [self.of(each, whole) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return {"$ref": f"#/$defs/{self._part(node['$ref'].removeprefix(PREFIX), whole)}"}
        found = {key: self._keyword(key, value) for key, value in node.items() if key not in SILENT}
        if not self.strict:
            found.pop("required", None)
            if "oneOf" in found:  # without what is required, several may fit
                found["anyOf"] = found.pop("oneOf")
            if whole and found.keys() & {"properties", *JOINED} and "additionalProperties" not in found:
                found["unevaluatedProperties"] = False
        return {"anyOf": [found, {"type": "null"}]} if node.get("nullable") is True else found

    def _part(self, name: str, whole: bool) -> str:
        part = name if whole else f"{name}, open"
        if part not in self.parts:
            self.parts[part] = True  # while it is made, for those that refer to themselves
            self.parts[part] = self.of(self.schemas[name], whole)
        return part.replace(" ", "%20")

    def _keyword(self, key: str, value: Any) -> Any:
        if key == "properties":
            return {name: self.of(each) for name, each in value.items()}
        if key in ("enum", "default", "required"):
            return value
        return self.of(value, key not in JOINED)
