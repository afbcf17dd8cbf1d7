"""Jinja2 for people we do not know: sandboxed, bounded in time and memory, and clear about what is missing.

What comes out of a payload is always escaped; only the template's own text is Markdown. There is no macro,
no include, no block; methods, operators and loops are bounded, so that no template can hold up a worker.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from jinja2 import (
    ChainableUndefined,
    Environment,
    Template,
    TemplateError,
    TemplateSyntaxError,
    nodes,
    pass_context,
)
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from apps.cards.text import Markdown, escape, from_gfm, from_html, link, plain, safe_url, truncate
from apps.sources.payload import parse_time

FIELDS = (
    "title", "text", "status", "severity", "actor", "link", "link_title", "container", "container_link", "image",
)  # fmt: skip
MAX_OUTPUT, MAX_STEPS, MAX_VALUE = 20_000, 5_000, 50_000
MAX_SECONDS = 1.0  # for one template; what is counted elsewhere takes far less
METHODS = frozenset({
    "items", "keys", "values", "get", "lower", "upper", "title", "capitalize", "strip", "lstrip", "rstrip", "split",
    "startswith", "endswith", "removeprefix", "removesuffix", "splitlines",
})  # fmt: skip
_LINK = re.compile(r"\[([^\]]{0,500})\]\(((?:\\.|[^()\\]|\([^()]*\))*)\)")
FORBIDDEN = (
    nodes.Macro, nodes.CallBlock, nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends, nodes.Block,
    nodes.AssignBlock, nodes.FilterBlock, nodes.ScopedEvalContextModifier, nodes.Pow,
)  # fmt: skip


class TemplateProblem(Exception):  # noqa: N818 - it is data for people
    """A template that cannot be used: what is wrong, and in which line."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.message, self.line = message, line


class TooMuch(TemplateError):  # noqa: N818 - named as people say it
    """A template that does more than a card needs."""


class Missing(ChainableUndefined):
    """A field that the payload lacks: false in conditions, an error that names it when it is written out."""

    def __getattr__(self, name: str) -> Missing:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.__getitem__(name)

    def __getitem__(self, name: object) -> Missing:  # type: ignore[override]  # the stub says that it always fails
        return Missing(name=f"{self._undefined_name}.{name}")

    def __str__(self) -> str:
        raise UndefinedError(self._undefined_message)

    @property
    def _undefined_message(self) -> str:
        return f"The payload has no “{self._undefined_name}”. Correct the name, or add “| default('')”."

    __iter__ = ChainableUndefined.__iter__
    __hash__ = ChainableUndefined.__hash__


_deadline: ContextVar[float] = ContextVar("deadline", default=float("inf"))


def _in_time() -> None:
    if time.monotonic() > _deadline.get():
        raise TooMuch("The template takes too long.")


class _Bounds(NodeTransformer):
    """Counts the turns of loops and looks at the length of every joined text."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - Jinja2 names it
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, "_steps", [], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return nodes.Filter(node, "_bounded", [], [], None, None, lineno=node.lineno)


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "*", "%", "**", "//", "/", "-"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        both = (left, right)
        if operator == "+" and all(isinstance(each, str) for each in both):
            return _bounded(str(left) + str(right))
        for each in both:
            if isinstance(each, Missing):
                str(each)  # names what is missing
            if isinstance(each, bool) or not isinstance(each, (int, float)) or abs(each) > 1e15:
                raise TooMuch(f"“{operator}” works on numbers here. Put texts together with “~”.")
        if operator in ("/", "//", "%") and right == 0:
            raise TooMuch("Something is divided by zero.")
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, obj: Any, *args: Any, **kwargs: Any) -> Any:
        _in_time()
        _bounded(getattr(obj, "__self__", None))
        return super().call(context, obj, *args, **kwargs)

    def is_safe_callable(self, obj: Any) -> bool:
        owner = getattr(obj, "__self__", None)
        if isinstance(owner, (str, dict)):
            return getattr(obj, "__name__", "") in METHODS
        return obj is _range or type(owner).__name__ == "LoopContext"

    def getattr(self, obj: Any, attribute: str) -> Any:
        # A payload's own field wins over a method of Python's dict: order.items is the list of items.
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, (str, dict)) and attribute not in METHODS:
            return self._missing(obj, attribute)
        if isinstance(obj, (list, tuple, int, float, bool)) or obj is None:
            return self._missing(obj, attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, (Mapping, list, tuple)):
            try:
                return obj[argument]
            except (KeyError, IndexError, TypeError):
                return self._missing(obj, argument)
        if isinstance(obj, str):
            try:
                return obj[argument]
            except (IndexError, TypeError):
                return self._missing(obj, argument)
        return super().getitem(obj, argument)

    def _missing(self, obj: Any, name: object) -> Missing:
        return Missing(name=str(name))


def _range(*args: int) -> range:
    found = range(*args)
    if len(found) > 1_000:
        raise TooMuch("A range may have 1,000 numbers.")
    return found


@pass_context
def _steps(context: Context, value: Any) -> Iterator[Any]:
    left = context.get("_left")
    if isinstance(value, (str, int, float)) or value is None:
        raise TooMuch("Only a list or an object can be gone through.")
    for each in value:
        _in_time()
        if isinstance(left, list):
            left[0] -= 1
            if left[0] < 0:
                raise TooMuch(f"The template goes through more than {MAX_STEPS} things.")
        yield each


def _bounded(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_VALUE:
        raise TooMuch(f"A text may have {MAX_VALUE} characters.")
    return value


def _text(value: Any) -> str:
    """A value as a person reads it. Raises the error of a field that is missing."""
    _in_time()
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value, ensure_ascii=False, default=str)[:MAX_VALUE]
    return str(value)[:MAX_VALUE]


def _write_markdown(value: Any) -> str:
    return str(value) if isinstance(value, Markdown) else str(escape(_text(value)))


def _write_plain(value: Any) -> str:
    return plain(value) if isinstance(value, Markdown) else _text(value)


def _date(value: Any, form: str = "%d %b %Y, %H:%M UTC") -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        seconds = value / 1000 if abs(value) > 1e11 else value
        try:
            moment: dt.datetime | None = dt.datetime.fromtimestamp(seconds, dt.UTC)
        except (OverflowError, OSError, ValueError):
            moment = None
    else:
        moment = parse_time(_text(value))
    if moment is None:
        return _text(value)
    if len(form) > 60 or re.search(r"%[^aAbBdHIjmMpSwWUyYZz%]", form):
        raise TooMuch("A date's form is made of %Y %m %d %H %M %S %b %B %a %A and the like.")
    return moment.strftime(form)


def _number(value: Any, digits: int = 0) -> str:
    try:
        found = float(_text(value))
    except ValueError:
        return _text(value)
    return f"{found:,.{max(0, min(int(digits), 10))}f}"


def _join(value: Any, separator: str = ", ", attribute: str = "") -> str:
    if isinstance(value, str) or not isinstance(value, Iterable):
        return _text(value)
    parts, length = [], 0
    for each in value:
        part = _text(each.get(attribute) if attribute and isinstance(each, Mapping) else each)
        length += len(part) + len(separator)
        if length > MAX_VALUE:
            parts.append("…")
            break
        parts.append(part)
    return separator.join(parts)


def _default(value: Any, other: Any = "", empty: bool = True) -> Any:
    return other if isinstance(value, Missing) or value is None or (empty and value == "") else value


def _replace(value: Any, old: str, new: str) -> str:
    text = _text(value)
    if not old or len(text) + text.count(old) * len(new) > MAX_VALUE:
        raise TooMuch("The text to replace is empty, or the result too long.")
    return text.replace(old, new)


def _code(value: Any) -> Markdown:
    return Markdown("`" + _text(value).replace("`", "ˋ").replace("\n", " ")[:500] + "`")


def _link(value: Any, url: Any) -> Markdown:
    return link(_text(value), _text(url)) if safe_url(_text(url)) else escape(_text(value))


FILTERS: Mapping[str, Callable[..., Any]] = {
    "_steps": _steps,
    "_bounded": _bounded,
    "code": _code,
    "date": _date,
    "default": _default,
    "first": lambda value: next(iter(value), "") if isinstance(value, (list, tuple, str)) else value,
    "from_html": lambda value: from_html(_text(value)[:MAX_VALUE]),
    "from_markdown": lambda value: from_gfm(_text(value)[:MAX_VALUE]),
    "join": _join,
    "json": lambda value: json.dumps(value, ensure_ascii=False, default=str)[:MAX_VALUE],
    "last": lambda value: value[-1] if isinstance(value, (list, tuple, str)) and value else "",
    "length": lambda value: len(value) if isinstance(value, (list, tuple, str, dict)) else 0,
    "link": _link,
    "lower": lambda value: _text(value).lower(),
    "number": _number,
    "plain": lambda value: plain(_text(value)),
    "replace": _replace,
    "title": lambda value: _text(value).replace("_", " ").title(),
    "truncate": lambda value, length=100: truncate(_text(value), max(1, min(int(length), 5_000))),
    "upper": lambda value: _text(value).upper(),
}


def _environment(write: Callable[[Any], str]) -> Environment:
    made = _Sandbox(
        undefined=Missing,
        finalize=write,
        autoescape=False,
        cache_size=0,
        extensions=[],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters = dict(FILTERS)
    made.globals = {"range": _range}
    return made


@lru_cache(maxsize=2)
def _environments(markdown: bool) -> Environment:
    return _environment(_write_markdown if markdown else _write_plain)


def _is_plain(node: nodes.Node) -> bool:
    """Whether a list, tuple or object holds constants alone."""
    inner = (
        [each.value for each in node.items] if isinstance(node, nodes.Dict) else list(node.iter_child_nodes())
    )
    return all(isinstance(each, nodes.Const) for each in inner)


@lru_cache(maxsize=2_000)
def compiled(text: str, markdown: bool) -> Template | None:
    """The template, or None when there is nothing in it. Raises TemplateProblem naming the line."""
    if not text.strip():
        return None
    environment = _environments(markdown)
    try:
        tree = environment.parse(text)
        for node in tree.find_all(FORBIDDEN):
            raise TemplateProblem(f"“{type(node).__name__.lower()}” is not possible here.", node.lineno)
        for node in tree.find_all((nodes.List, nodes.Tuple, nodes.Dict)):
            # Lists of lists of lists would double with each line, until nothing could write or compare them.
            if getattr(node, "ctx", "load") == "load" and not _is_plain(node):
                raise TemplateProblem("A list in a template holds plain values alone.", node.lineno)
        for node in tree.find_all(nodes.Filter):
            if node.name not in FILTERS or node.name.startswith("_"):
                known = ", ".join(name for name in FILTERS if not name.startswith("_"))
                raise TemplateProblem(f"There is no filter “{node.name}”. There are: {known}.", node.lineno)
        tree = _Bounds().visit(tree)
        return Template.from_code(
            environment, environment.compile(tree, filename="<template>"), {**environment.globals}, None
        )
    except TemplateSyntaxError as error:
        raise TemplateProblem(f"{str(error.message)[:200]}.", error.lineno or 1) from None
    except (RecursionError, MemoryError, OverflowError):
        raise TemplateProblem("The template is nested too deeply.", 1) from None


def render(text: str, values: Mapping[str, Any], *, markdown: bool) -> str | Markdown:
    """The template's text. Raises TemplateProblem that names the line and the missing field."""
    template = compiled(text, markdown)
    if template is None:
        return Markdown("") if markdown else ""
    parts, length = [], 0
    mark = _deadline.set(time.monotonic() + MAX_SECONDS)
    try:
        for part in template.generate(**values, _left=[MAX_STEPS]):
            parts.append(part)
            length += len(part)
            if length > MAX_OUTPUT:
                parts = ["".join(parts)[:MAX_OUTPUT], "…"]
                break
    except SecurityError:
        raise TemplateProblem("That is not possible in a mapping.", 0) from None
    except (
        TemplateError,
        TypeError,
        ValueError,
        ArithmeticError,
        RecursionError,
        AttributeError,
        KeyError,
    ) as error:
        words = str(error) if isinstance(error, TemplateError) else f"This does not work: {error}."
        raise TemplateProblem(words[:300], _line(error)) from None
    finally:
        _deadline.reset(mark)
    made = "".join(parts).strip()
    return Markdown(_LINK.sub(_safe_link, made)) if markdown else made


def _safe_link(found: re.Match[str]) -> str:
    """A link as the template wrote it, or its words alone when the payload put something else into its address."""
    return found[0] if safe_url(found[2].strip().replace("\\", "")) else found[1]


def _line(error: BaseException) -> int:
    """The template's line that failed; Jinja2 puts it into the traceback."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
