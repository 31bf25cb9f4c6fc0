"""What a served model does: a table in, and a table of scores, recommendations or explanations out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ncnc_core.errors import InvalidGraph
from ncnc_core.inputs.asked_table import ENDS, Asked, asked_table, id_column, no_id

if TYPE_CHECKING:
    import pandas as pd

    from ncnc_core.inputs.node_ids import NodeId
    from ncnc_core.link_model import LinkModel

DEFAULTS: dict[str, Any] = {
    "task": "score",  # score | recommend | explain
    "k": 10,  # recommend: links a node
    "candidates_per_node": 0,  # recommend: the size of a node's shortlist; 0: as LinkModel.recommend chooses
    "probability": False,  # score, recommend: add calibrated probabilities
    "prior": 0.5,  # of these: the share of edges among the pairs asked about
    "unscored": "refuse",  # score: refuse | null, for rows that have no score
}


def answered(model: LinkModel, table: Asked, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """Return the answer to a table: `scored_table`, `recommended_table` or `explained_table`, as `params["task"]` says.

    `DEFAULTS` lists the parameters; one that is not given has its default. The table is read by `asked_table`.

    Raises:
        InvalidGraph: there is no such task, or the task refuses the table.
    """
    given = DEFAULTS | dict(params or {})
    prior = float(given["prior"]) if given["probability"] else None
    match given["task"]:
        case "score":
            return scored_table(model, table, prior=prior, unscored=given["unscored"])
        case "recommend":
            candidates = int(given["candidates_per_node"]) or None
            return recommended_table(model, table, k=int(given["k"]), candidates=candidates, prior=prior)
        case "explain":
            return explained_table(model, table)
    raise InvalidGraph(f"task is 'score', 'recommend' or 'explain', but it is {given['task']!r}. Give one of them.")


def scored_table(
    model: LinkModel, pairs: Asked, *, prior: float | None = None, unscored: str = "refuse"
) -> pd.DataFrame:
    """Return the columns source, target and score (a logit, float32), in the order of the rows.

    With a `prior` between 0 and 1 there is a column probability too. A row has no score if a node is unknown or if it
    joins a node with itself. `unscored="refuse"` then refuses the table and names the first such row; "null" leaves its
    score missing, and a column `reason` says why. A row may bring an unknown node's features: see `with_new_nodes`.

    Raises:
        InvalidGraph: a column is missing, a row cannot be scored, or the model has no calibration.
    """
    import pandas as pd

    pairs = _asked(model, pairs, ENDS)
    if unscored not in ("refuse", "null"):
        raise InvalidGraph(f"unscored is 'refuse' or 'null', but it is {unscored!r}. Give one of them.")
    model = with_new_nodes(model, pairs)
    sources, targets = (pairs[end].tolist() for end in ENDS)
    reasons = [_reason(model, source, target) for source, target in zip(sources, targets, strict=True)]
    found = pd.DataFrame({"source": id_column(sources), "target": id_column(targets)})
    wrong = [row for row, reason in enumerate(reasons) if reason]
    if wrong and unscored == "refuse":
        raise InvalidGraph(
            f"{len(wrong)} of {len(found)} rows have no score (row {wrong[0]}, counted from 0: {reasons[wrong[0]]}). "
            f"Leave them out, or pass unscored='null' to have the others scored and each of these say why."
        )
    right = found.drop(index=wrong)
    scores = np.full(len(found), np.nan, dtype=np.float32)
    logits = model.score_ids(right["source"].tolist(), right["target"].tolist())
    scores[right.index] = logits.numpy(force=True)
    found = found.assign(score=scores)
    if prior is not None:
        chances = np.full(len(found), np.nan, dtype=np.float32)
        chances[right.index] = _calibrated(model, logits, prior)
        found = found.assign(probability=chances)
    return found.assign(reason=reasons) if unscored == "null" else found


def recommended_table(
    model: LinkModel,
    nodes: Asked,
    *,
    k: int = 10,
    candidates: int | None = None,
    prior: float | None = None,
) -> pd.DataFrame:
    """Return the columns source, target, rank and score: the k best links that each source lacks, best first.

    rank counts from 1; score is a logit, float32. With a `prior` there is a column probability too.

    Raises:
        InvalidGraph: there is no column source, a node is unknown, or the model has no calibration.
    """
    nodes = _asked(model, nodes, ENDS[:1])
    model = with_new_nodes(model, nodes)
    sources = nodes["source"].tolist()
    wrong = [(row, reason) for row, node in enumerate(sources) if (reason := _reason_of_end(model, "source", node))]
    if wrong:
        raise InvalidGraph(
            f"{len(wrong)} of {len(sources)} rows name no node (row {wrong[0][0]}, counted from 0: {wrong[0][1]}). "
            f"Leave them out."
        )
    found = model.recommend(sources, k, candidates=candidates, progress=False).to_frame()
    found = found.drop(columns="known").astype({"score": np.float32})
    if prior is not None:
        found["probability"] = _calibrated(model, np.array(found["score"]), prior)
    return found


def explained_table(model: LinkModel, pairs: Asked) -> pd.DataFrame:
    """Return the parts of each pair's score, one a row: see `LinkExplanation.to_frame`.

    Columns: source, target, score, role, node, weight and contribution, the last in logits.

    Raises:
        InvalidGraph: a column is missing, or a row cannot be scored.
    """
    import pandas as pd

    pairs = _asked(model, pairs, ENDS)
    scored = scored_table(model, pairs)
    model = with_new_nodes(model, pairs)
    frames = []
    for source, target in zip(scored["source"].tolist(), scored["target"].tolist(), strict=True):
        why = model.explain(source, target)
        parts = why.to_frame()[["role", "node", "weight", "contribution"]].astype({"node": object})
        frames.append(parts.assign(source=source, target=target, score=why.score))
    columns = ["source", "target", "score", "role", "node", "weight", "contribution"]
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)


def with_new_nodes(model: LinkModel, table: pd.DataFrame) -> LinkModel:
    """Return the model with the unknown nodes added whose features the table brings; without any, the model itself.

    The columns source_features and target_features hold a list of numbers, or nothing. A new node has no edges, so
    it is scored by its features alone. A node that the model knows keeps the features it has.

    Raises:
        InvalidGraph: a node comes with two different lists of features.
    """
    new: dict[NodeId, list[float]] = {}
    for end in ENDS:
        name = f"{end}_features"
        if end not in table or name not in table:
            continue
        for node, given in zip(table[end].tolist(), table[name].tolist(), strict=True):
            if given is None or no_id(node) or node in model.position_of:
                continue
            values = list(given)
            if new.setdefault(node, values) != values:
                raise InvalidGraph(
                    f"The new node {node!r} comes with two lists of features: {new[node]} and {values}. Give it one."
                )
    if not new:
        return model
    return model.updated(new_nodes=list(new), features=np.array(list(new.values()), dtype=np.float32))


def _reason(model: LinkModel, source: Any, target: Any) -> str:
    """Return why a pair has no score, "" where it has one."""
    reason = _reason_of_end(model, "source", source) or _reason_of_end(model, "target", target)
    return reason or (f"source and target are the same node {source!r}" if source == target else "")


def _reason_of_end(model: LinkModel, end: str, node: Any) -> str:
    if wrong := no_id(node):
        return f"the {end} {wrong}"
    if node in model.position_of:
        return ""
    known = f"the {end} {node!r} is unknown to the model, which has {model.num_nodes} nodes"
    return known + _by_features(model, end)


def _by_features(model: LinkModel, end: str) -> str:
    width = model.network.num_features
    return f"; a column {end}_features with its {width} numbers would let it be scored by these" if width else ""


def _calibrated(model: LinkModel, logits: Any, prior: float) -> Any:
    import torch

    from ncnc_core.evaluation.score_calibration import fitted

    return fitted(model.calibration).probability(torch.as_tensor(logits), prior).numpy(force=True)


def _asked(model: LinkModel, asked: Asked, names: Sequence[str]) -> pd.DataFrame:
    """Return a table with the named columns, read as the model has its ids."""
    table = asked_table(asked, ids_are_text=bool(model.node_ids) and isinstance(model.node_ids[0], str))
    missing = [name for name in names if name not in table]
    if missing:
        raise InvalidGraph(
            f"The input has no column {missing[0]!r}, only {list(table.columns)}. Pass a DataFrame with the columns "
            f"{' and '.join(names)}."
        )
    return table
