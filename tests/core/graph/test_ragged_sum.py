from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ncnc_core.graph.adjacency import Adjacency
from ncnc_core.graph.ragged_sum import ragged_sum


def dense(pointer: torch.Tensor, column: torch.Tensor, weight: torch.Tensor | None, num_columns: int) -> torch.Tensor:
    matrix = torch.zeros(pointer.numel() - 1, num_columns, dtype=torch.float64)
    for row in range(pointer.numel() - 1):
        for entry in range(int(pointer[row]), int(pointer[row + 1])):
            matrix[row, column[entry]] += 1.0 if weight is None else float(weight[entry])
    return matrix


@given(st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=6), st.booleans(), st.integers(0, 99))
def test_value_and_gradient_equal_the_dense_product(rows: list[list[int]], weighted: bool, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    pointer = torch.tensor([0, *[len(row) for row in rows]]).cumsum(0)
    column = torch.tensor([node for row in rows for node in row], dtype=torch.int64)
    weight = torch.rand(column.numel(), generator=generator, dtype=torch.float64) if weighted else None
    values = torch.rand(6, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    upstream = torch.rand(len(rows), 3, generator=generator, dtype=torch.float64)
    matrix = dense(pointer, column, weight, 6)
    result = ragged_sum(values, pointer, column, weight)
    torch.testing.assert_close(result, matrix @ values)
    (gradient,) = torch.autograd.grad(result, values, upstream)
    torch.testing.assert_close(gradient, matrix.T @ upstream)


def test_symmetric_graph_needs_no_transpose_for_its_gradient() -> None:
    adjacency = Adjacency.from_edges(torch.tensor([[0, 0, 1, 2], [1, 2, 3, 3]]), 5)
    values = torch.rand(5, 2, dtype=torch.float64, requires_grad=True)
    arguments = (values, adjacency.row_pointer, adjacency.column)
    plain, fast = ragged_sum(*arguments), ragged_sum(*arguments, symmetric=True)
    upstream = torch.rand(5, 2, dtype=torch.float64)
    assert torch.equal(plain, fast)
    torch.testing.assert_close(
        torch.autograd.grad(plain, values, upstream), torch.autograd.grad(fast, values, upstream)
    )


@pytest.mark.parametrize("rows", [0, 3])
def test_no_entries_sum_to_zero_and_pass_a_zero_gradient(rows: int) -> None:
    values = torch.rand(4, 2, requires_grad=True)
    none = torch.zeros(0, dtype=torch.int64)
    result = ragged_sum(values, torch.zeros(rows + 1, dtype=torch.int64), none)
    assert result.tolist() == [[0.0, 0.0]] * rows
    result.sum().backward()
    assert values.grad is not None
    assert values.grad.tolist() == [[0.0, 0.0]] * 4
