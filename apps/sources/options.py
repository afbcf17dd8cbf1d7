"""What a person is asked for: a connector's options, an account's fields, an action's inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

OptionKind = Literal["text", "choice", "bool", "url", "list", "pattern"]


@dataclass(frozen=True, slots=True)
class Option:
    """One setting of a connector: makes the form field, the API schema and the documentation.

    kind: text, choice, bool, url, list (one entry a line) or pattern (list of shell patterns).
    """

    key: str
    kind: OptionKind
    label: str
    help: str = ""
    default: str | bool | tuple[str, ...] = ""
    choices: tuple[tuple[str, str], ...] = ()
    secret: bool = False
    required: bool = False


FieldKind = Literal["text", "multiline", "choice", "choices", "date", "datetime", "bool", "number"]


@dataclass(frozen=True, slots=True)
class Field:
    """One input that an action asks for.

    kind: choices: any number of them, given on joined by ";"; datetime: a day and a time of day, without a zone.
    longest: characters that a text may have; 0 for the usual bound.
    """

    key: str
    label: str
    kind: FieldKind = "text"
    required: bool = True
    choices: tuple[tuple[str, str], ...] = ()
    help: str = ""
    longest: int = 0
