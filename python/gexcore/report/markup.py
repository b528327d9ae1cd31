"""HTML from values: whatever is not Markup already is escaped, so data cannot become code."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

# control, formatting (bidirectional too), line and paragraph separators, surrogates, noncharacters
_UNSHOWN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff"
    "\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
_SCRIPT = str.maketrans(
    {c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}  # as JSON writes them
)


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Number:
    """A cell that people read as `text` and programs as `value`, with every digit."""

    text: str
    value: float | None


def shown(value: Any) -> str:
    """Text of one line; what no reader could see, or what turns text around, becomes U+FFFD.

    Example:
        >>> shown("a\\u202eb") == "a\\ufffdb"
        True
    """
    return _UNSHOWN.sub("\ufffd", str(value))


def escape(value: Any) -> Markup:
    """A value as HTML; Markup stays as it is.

    Example:
        >>> escape("<b>&")
        '&lt;b&gt;&amp;'
    """
    return value if isinstance(value, Markup) else Markup(html.escape(shown(value)))


def join(parts: Sequence[Any], between: str = "") -> Markup:
    """Parts one after the other; None is left out."""
    return Markup(between.join(escape(part) for part in parts if part is not None))


def tag(name: str, *children: Any, **attributes: Any) -> Markup:
    """An element; `class_` and `aria_label` become class and aria-label, True a bare attribute.

    Example:
        >>> tag("p", "a < b", class_="note")
        '<p class="note">a &lt; b</p>'
    """
    words = [name]
    for key, value in attributes.items():
        label = key.rstrip("_").replace("_", "-")
        if value is True:
            words.append(label)
        elif value is not None and value is not False:
            words.append(f'{label}="{escape(value)}"')
    return Markup(f"<{' '.join(words)}>{join(children)}</{name}>")


def table(name: str, caption: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> Markup:
    """A table with a caption, column heads, and a head in each row; it scrolls by itself.

    Args:
        name: its id.
        caption: above it.
        head: of the columns.
        rows: cells: text, Markup, or Number, which is flushed right.
    """
    right = [any(isinstance(row[c], Number) for row in rows) for c in range(len(head))]
    tops = [
        tag("th", text, scope="col", class_="n" if flush else None)
        for text, flush in zip(head, right, strict=True)
    ]
    body = [tag("tr", *(_cell(cell, c == 0) for c, cell in enumerate(row))) for row in rows]
    whole = tag(
        "table", tag("caption", caption), tag("thead", tag("tr", *tops)), tag("tbody", *body),
        id=name,
    )  # fmt: skip
    return tag("div", whole, class_="scroll", role="region", aria_label=caption, tabindex="0")


def _cell(cell: Any, first: bool) -> Markup:
    kind, scope = ("th", "row") if first else ("td", None)
    if not isinstance(cell, Number):
        return tag(kind, cell, scope=scope)
    value = None if cell.value is None or not math.isfinite(cell.value) else repr(cell.value)
    return tag(kind, cell.text, scope=scope, class_="n", data_value=value)


def script_json(value: Any) -> Markup:
    """JSON that may stand in a script element: nothing in it can end the element.

    Example:
        >>> script_json(["</script>"])
        '["\\\\u003c/script\\\\u003e"]'
    """
    text = json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=True)
    return Markup(text.translate(_SCRIPT))
