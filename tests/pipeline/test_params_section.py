from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipeline.params_section import Section


class Small(Section):
    share: float = 0.5


def test_a_section_is_frozen_closed_and_finite() -> None:
    section = Small()
    with pytest.raises(ValidationError, match="frozen"):
        section.share = 0.1
    with pytest.raises(ValidationError, match="Extra inputs"):
        Small.model_validate({"shared": 0.1})
    with pytest.raises(ValidationError, match="finite"):
        Small(share=float("inf"))
