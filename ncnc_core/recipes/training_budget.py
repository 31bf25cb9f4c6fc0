"""How much a graph is trained on, in which batches, and how often it is measured: by its number of edges."""

from __future__ import annotations

import math
from typing import Any

BATCH_SHARE = 0.1  # past a tenth or so a batch leaves another graph to learn on than is asked about
MOST_BATCH = 65_536

# Up to so many edges a thousand steps over batches of a tenth take minutes. In a larger graph they are hours: there the
# budget is of pairs, not of epochs. What more of them gain is in docs/benchmarks.md, "A budget of pairs".
SMALL_EDGES = 20_000
STEPS = 1000
UPDATES = 2_000_000  # edges to learn in all, or each edge twice where the graph has more
ROUND = 250_000  # edges of an epoch at most: how often it is measured, and kept
LARGE_BATCH = 8192
EDGES_A_POSITIVE = 128  # a step also reads the whole graph: with that many edges a positive, for as long as its pairs
SAMPLED_UPDATES, SAMPLED_ROUND = 20_000_000, 1_000_000  # of the sampled mode, whose steps do not read the graph

VALIDATION_SHARE = 0.2  # of the pairs that are trained on since the last validation
FEWEST_VALID_PAIRS = 40_000  # 784 edges with 50 negatives each: a standard error of about 0.015 in MRR


def training_budget(edges: int, reasons: list[str], *, samples: bool = False) -> dict[str, Any]:
    """Return batches, epochs and validations as fields of a TrainingConfig, and add the reasons.

    `samples`: the training goes over samples of the graph, not over the graph.
    """
    if edges <= SMALL_EDGES:
        return _thousand_steps(edges, reasons)
    batch = int(min(BATCH_SHARE * edges, max(LARGE_BATCH, edges // EDGES_A_POSITIVE), MOST_BATCH))
    updates, each = (SAMPLED_UPDATES, SAMPLED_ROUND) if samples else (max(UPDATES, 2 * edges), min(edges, ROUND))
    epochs = -(-updates // each)
    reasons.append(
        f"A budget of {epochs * each:,} edges to learn, {epochs * each / edges:.1f} times all {edges:,}, in batches of "
        f"{batch:,}."
    )
    share = VALIDATION_SHARE * 2 * each  # with one negative an edge
    valid_pairs = max(FEWEST_VALID_PAIRS, int(share))
    every = math.ceil(valid_pairs / share)
    reasons.append(
        f"{valid_pairs:,} validation pairs, drawn by the seed, are scored every {every} epoch(s) of {each:,} edges: "
        f"at most {VALIDATION_SHARE:.0%} of what is trained on. What they choose is measured on all in the end."
    )
    return {
        "batch_size": batch,
        "epochs": epochs,
        "pairs_per_epoch": each if each < edges else None,
        "patience": max(max(epochs // 5, 5) // every, 3),
        "evaluate_every": every,
        "valid_pairs": valid_pairs,
    }


def _thousand_steps(edges: int, reasons: list[str]) -> dict[str, Any]:
    batch = int(max(BATCH_SHARE * edges, 32))
    epochs = int(min(max(STEPS * batch / edges, 20), 200))
    reasons.append(
        f"Batches of {batch} edges, {min(batch / edges, 1):.0%} of all, and at most {epochs} epochs: "
        f"{epochs * -(-edges // batch)} steps."
    )
    return {"batch_size": batch, "epochs": epochs, "patience": max(epochs // 5, 5)}
