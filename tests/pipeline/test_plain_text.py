from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.plain_text import markdown, plain, plain_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("gone\rback", r"gone\rback"),
        ("\x9b2J", r"\x9b2J"),  # the same as ESC [ in eight bits
        ("user\u202egnp.exe", r"user\u202egnp.exe"),
        ("a\u2028b", r"a\u2028b"),
        ("file\udcff", r"file\udcff"),  # of a name that is no UTF-8; printing it as it is would raise
        ("[/b] [red] :smile: Zoë 東京 שלום", "[/b] [red] :smile: Zoë 東京 שלום"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_as_python_writes_it(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text(st.characters(), max_size=40))
def test_plain_text_has_nothing_to_obey_and_can_be_written(text: str) -> None:
    shown = plain(text)
    shown.encode()
    assert not [one for one in shown if unicodedata.category(one) in ("Cc", "Cs") and one not in "\n\t"]
    assert not [one for one in shown if unicodedata.bidirectional(one) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI")]
    assert plain(shown) == shown


def test_a_later_line_cannot_be_taken_for_another_entry() -> None:
    assert plain_lines("first\n2026-01-02 INFO forged") == "first\n    2026-01-02 INFO forged"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("[click](http://evil.example)", r"\[click\](http://evil.example)"),
        ("![pixel](http://evil.example/x.png)", r"!\[pixel\](http://evil.example/x.png)"),
        ("<img src=x onerror=alert(1)>", r"\<img src=x onerror=alert(1)>"),
        ("**bold** `code` a|b ~~c~~", r"\*\*bold\*\* \`code\` a\|b \~\~c\~\~"),
        ("line one\n# heading", "line one # heading"),
        ("mean_degree <= 0.5 _", r"mean_degree <= 0.5 \_"),
        ("&lt;b&gt; & c", r"\&lt;b\&gt; & c"),
        ("\x1b[31m", r"\\x1b\[31m"),
    ],
)
def test_text_within_markdown_shows_itself(text: str, shown: str) -> None:
    assert markdown(text) == shown
