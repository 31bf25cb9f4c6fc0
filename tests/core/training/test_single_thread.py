from __future__ import annotations

import pytest
import torch

from ncnc_core.training.single_thread import single_thread


def test_one_thread_computes_inside_the_block_and_as_many_as_before_after_it() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with single_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
        with pytest.raises(ValueError, match="inside"), single_thread():
            raise ValueError("inside")
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
