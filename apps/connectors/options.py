"""A connector's options, checked against what its source declares."""

from __future__ import annotations

from typing import Any

from apps.core.errors import ConfigurationError
from apps.sources.source import Option, Source

MAX_TEXT, MAX_ENTRIES = 2_000, 200


def clean(source: Source, values: object) -> dict[str, Any]:
    """The options as they are stored; what is left out keeps its default.

    Raises ConfigurationError naming the option that is wrong or unknown.
    """
    if not isinstance(values, dict):
        raise ConfigurationError("bad_options", "Options are an object of names and values.")
    known = {option.key: option for option in source.options}
    unknown = sorted(set(map(str, values)) - set(known))
    if unknown:
        raise ConfigurationError("unknown_option", f"{source.name} has no option “{unknown[0][:60]}”.")
    cleaned = {key: _value(known[key], value) for key, value in values.items() if value not in (None, "")}
    for option in source.options:
        if option.required and not cleaned.get(option.key):
            raise ConfigurationError("option_missing", f"“{option.label}” is needed.")
    return cleaned


def _value(option: Option, value: object) -> Any:
    def bad(words: str) -> ConfigurationError:
        return ConfigurationError("bad_option", f"“{option.label}”: {words}")

    if option.kind == "bool":
        if not isinstance(value, bool):
            raise bad("choose yes or no.")
        return value
    if option.kind in ("list", "pattern"):
        entries = value.splitlines() if isinstance(value, str) else value
        if not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
            raise bad(f"give a list of at most {MAX_ENTRIES} entries.")
        if not all(isinstance(entry, str) and len(entry) <= 300 for entry in entries):
            raise bad("every entry is a text of at most 300 characters.")
        return [entry.strip() for entry in entries if entry.strip()]
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise bad(f"give a text of at most {MAX_TEXT} characters.")
    if option.kind == "choice" and value not in dict(option.choices):
        raise bad(f"choose one of {', '.join(key for key, _ in option.choices)}.")
    if option.kind == "url" and not value.startswith(("https://", "http://")):
        raise bad("give an address that starts with https://.")
    return value


def defaults(source: Source) -> dict[str, Any]:
    """What every option is when nobody set it."""
    return {
        option.key: list(option.default) if isinstance(option.default, tuple) else option.default
        for option in source.options
    }
