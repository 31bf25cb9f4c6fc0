from __future__ import annotations

from pathlib import Path

from embedded.layout import REPOSITORY, Layout


def test_everything_of_a_stack_lies_below_its_root_but_the_lock(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "demo")
    places = {name: getattr(layout, name) for name, item in vars(Layout).items() if isinstance(item, property)}
    assert len(set(places.values())) == len(places)
    outside = [name for name, place in places.items() if not place.is_relative_to(layout.root)]
    assert outside == ["lock"]  # the demo wipes the root while it holds the lock


def test_a_named_stack_lies_in_this_checkout() -> None:
    assert Layout.named("demo").root == REPOSITORY / ".ncnc" / "demo"
    assert (REPOSITORY / "pyproject.toml").is_file()
