r"""Text from outside, made plain: it cannot steer a terminal, forge a line of a log, or be read as Markdown.

Names of columns, files and nodes, reasons that people type, and answers of services may hold anything. What a terminal
or a reader would obey is shown as Python writes it: a colour begins with \x1b.
"""

from __future__ import annotations

import re

# Control characters but newline and tab, what turns the direction of text, line separators, and halves of characters.
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
# What Markdown reads as a sign: a lone _ within a word is none, nor is a < before a number.
SIGNS = re.compile(r"[\\`*\[\]|~]|(?<!\w)_|_(?!\w)|<(?=[A-Za-z/!?])|&(?=#?\w+;)")


def plain(text: str) -> str:
    """Return text in which nothing is obeyed by a terminal; newlines and tabs stay."""
    return OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def plain_lines(text: str) -> str:
    """Return plain text whose later lines are indented, so that none of them can be taken for a line of its own."""
    return plain(text).replace("\n", "\n    ")


def markdown(text: str) -> str:
    """Return text to be put within a line of Markdown, which shows just this text: no link, picture or HTML."""
    return SIGNS.sub(lambda sign: f"\\{sign[0]}", plain(" ".join(text.split())))
