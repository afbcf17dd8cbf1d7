"""The form of an action, made of its fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from apps.actions.inputs import InputError
from apps.sources.actions import ActionSpec, Target
from apps.sources.options import Field


@dataclass(frozen=True, slots=True)
class Shown:
    """One field as the template draws it."""

    field: Field
    value: str
    choices: tuple[tuple[str, str], ...]
    error: str

    @property
    def picked(self) -> frozenset[str]:
        """What is ticked of several choices."""
        return frozenset(self.value.split(";"))


class ActionForm:
    """An action's fields with what was filled in, what may be chosen, and what was wrong."""

    def __init__(
        self,
        spec: ActionSpec,
        target: Target,
        *,
        values: Mapping[str, str] | None = None,
        error: InputError | None = None,
    ) -> None:
        self._spec, self._target, self._error = spec, target, error
        self._values = target.defaults if values is None else values

    def __iter__(self) -> Iterator[Shown]:
        for field in self._spec.fields:
            wrong = self._error.public_message if self._error and self._error.field == field.key else ""
            choices = self._target.choices.get(field.key) or field.choices
            yield Shown(field, self._values.get(field.key, ""), choices, wrong)
