"""What a person fills in for an action, checked against the action's fields. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

from apps.core.errors import ActionError
from apps.sources.options import Field

MAX_LINE, MAX_TEXT = 1_000, 20_000  # characters


class InputError(ActionError):
    """An input that cannot be taken; `field` is its key."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__("bad_input", message)
        self.field = field


def clean(
    fields: Sequence[Field],
    values: Mapping[str, str],
    choices: Mapping[str, tuple[tuple[str, str], ...]] | None = None,
) -> dict[str, str]:
    """The inputs as an action wants them. Raises InputError for the first that is wrong.

    choices: what the product offers for a field now, in place of the field's own.
    """
    found: dict[str, str] = {}
    for field in fields:
        offered = (choices or {}).get(field.key) or field.choices
        found[field.key] = _one(field, values.get(field.key, ""), offered)
    return found


def _one(field: Field, value: str, offered: tuple[tuple[str, str], ...]) -> str:
    value = value.replace("\r\n", "\n").replace("\x00", "").strip()
    if field.kind == "bool":
        return "true" if value.lower() in ("on", "true", "1", "yes") else ""
    if not value:
        if field.required:
            raise InputError(field.key, f"“{field.label}” is needed.")
        return ""
    bound = MAX_TEXT if field.kind == "multiline" else MAX_LINE
    longest = min(field.longest, bound) if field.longest > 0 else bound
    if len(value) > longest:
        raise InputError(field.key, f"“{field.label}” may have {longest} characters; it has {len(value)}.")
    if field.kind == "choice" and offered:
        return _chosen(field, value, offered)
    if field.kind == "choices":
        picked = {_chosen(field, each.strip(), offered) for each in value.split(";") if each.strip()}
        return ";".join(key for key, _ in offered if key in picked)
    if field.kind == "datetime":
        try:
            return dt.datetime.fromisoformat(value).isoformat()
        except ValueError:
            raise InputError(field.key, f"“{field.label}” is a time such as 2026-03-14T09:30.") from None
    if field.kind == "date":
        try:
            return dt.date.fromisoformat(value[:10]).isoformat()
        except ValueError:
            raise InputError(field.key, f"“{field.label}” is a date such as 2026-03-14.") from None
    if field.kind == "number":
        try:
            float(value)
        except ValueError:
            raise InputError(field.key, f"“{field.label}” is a number.") from None
    return value


def _chosen(field: Field, value: str, offered: tuple[tuple[str, str], ...]) -> str:
    """The value of a choice, also when a person typed its label, in any case."""
    for key, label in offered:
        if value in (key, label) or value.lower() in (key.lower(), label.lower()):
            return key
    names = ", ".join(label for _, label in offered[:12])
    raise InputError(field.key, f"“{field.label}” is one of: {names}.")


def from_words(fields: Sequence[Field], words: Sequence[str], tail: Callable[[int], str]) -> dict[str, str]:
    """A chat command's words, given to the fields in order; the last field takes the rest of the line.

    tail: the line from a word on, as it was typed.
    """
    asked = [field for field in fields if field.required] or list(fields)
    found: dict[str, str] = {}
    for place, field in enumerate(asked[: len(words)]):
        found[field.key] = words[place] if place < len(asked) - 1 else tail(place)
    return found


def with_description(
    fields: Sequence[Field], words: Sequence[str], tail: Callable[[int], str]
) -> dict[str, str]:
    """The same where the last required one stood in quotes: what follows goes to the first long text."""
    asked = [field for field in fields if field.required]
    long = next((field for field in fields if field.kind == "multiline" and not field.required), None)
    if long is None or not asked or len(words) <= len(asked):
        return from_words(fields, words, tail)
    found = {field.key: word for field, word in zip(asked, words, strict=False)}
    return {**found, long.key: tail(len(asked))}
