"""JSON as people write it in shell scripts, mended: the old service's parser took all of this.

'single quotes', bare keys, // comments, trailing commas, and line breaks or tabs inside a text.
"""

from __future__ import annotations

import json
import re

MAX_LENGTH = 200_000
# Every alternative takes all it has looked at, also when its end is missing: one pass over any input.
_TOKEN = re.compile(
    r"""(?P<double>"(?:[^"\\]|\\.|\\\Z)*(?:"|\Z))"""
    r"""|(?P<single>'(?:[^'\\]|\\.|\\\Z)*(?:'|\Z))"""
    r"""|(?P<comment>//[^\n]*|/\*.*?(?:\*/|\Z))"""
    r"""|(?P<comma>,(?=\s*[}\]]))"""
    r"""|(?P<word>[\w$.+-]+(?P<colon>\s*:)?)""",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_KEPT = frozenset('"\\/bfnrtu')
_CONTROL = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def repair(text: str) -> str:
    """The text as strict JSON where that is possible, else something that is no JSON either."""
    if len(text) > MAX_LENGTH:
        return text
    return _TOKEN.sub(_mend, text.lstrip("\ufeff"))


def _mend(found: re.Match[str]) -> str:
    token = found[0]
    if found["double"]:
        return f'"{_inside(token[1:-1])}"'
    if found["single"]:
        words = _inside(token[1:-1])
        return '"' + re.sub(r'(?<!\\)"', '\\"', words) + '"'
    if found["word"]:
        return json.dumps(token[:-1].strip()) + ":" if found["colon"] else token
    return ""


def _inside(words: str) -> str:
    """A text's inner part: unknown escapes keep their letter, control characters are escaped."""
    words = _ESCAPE.sub(lambda found: found[0] if found[1] in _KEPT else _plain(found[1]), words)
    return re.sub(r"[\x00-\x1f]", lambda found: _CONTROL.get(found[0], f"\\u{ord(found[0]):04x}"), words)


def _plain(letter: str) -> str:
    return letter if letter == "'" or ord(letter) < 32 else "\\\\" + letter
