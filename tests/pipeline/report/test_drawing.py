import re

from pipeline.report.drawing import LOOKS, OTHER, as_svg, look, new_figure, quiet, styled


def drawn(name: str = "some", label: str = "challenger") -> str:
    with styled():
        figure = new_figure(380, 260)
        axes = figure.subplots()
        quiet(axes)
        axes.plot([1, 2], [3, 4], color=look("challenger").colour, label=label)
        axes.legend()
        return str(as_svg(figure, name))


def test_a_drawing_is_a_bare_element_in_the_colours_and_letters_of_the_page() -> None:
    text = drawn()
    assert text.startswith('<svg viewBox="0 0 380 260" aria-hidden="true">')
    assert text.endswith("</svg>")
    assert "stroke: var(--challenger)" in text
    assert not re.search(r"#0a0b0|xmlns|metadata|font-family|DejaVu|http", text)
    assert re.search(r'<text style="font-size: 1[12](\.\d+)?px;[^>]*>challenger</text>', text)


def test_ids_of_two_drawings_never_meet() -> None:
    first, second = (set(re.findall(r'\bid="([^"]+)"', drawn(name))) for name in ("one", "two"))
    assert first
    assert not first & second
    references = set(re.findall(r'(?:href="|url\()#([^")]+)', drawn("one")))
    assert references
    assert references <= first


def test_the_same_figure_gives_the_same_bytes() -> None:
    assert drawn() == drawn()


def test_no_id_depends_on_the_last_digit_of_a_layout() -> None:
    assert not re.search(r"\b[hmp][0-9a-f]{10}\b", drawn())  # matplotlib's digests of unrounded numbers


def test_a_label_with_markup_is_escaped() -> None:
    assert "<b>" not in drawn(label="<b>bold</b> & more")
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; more" in drawn(label="<b>bold</b> & more")


def test_scorers_differ_in_marker_and_line_and_not_in_colour_alone() -> None:
    looks = [*LOOKS.values(), OTHER]
    assert len({item.marker for item in looks}) == len({item.line for item in looks}) == len(looks)
    assert look("adamic_adar") == OTHER
