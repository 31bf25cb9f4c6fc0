"""The plan of a batch of recommendations: the model version, the nodes, and the shards."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence

from pydantic import Field

from pipeline.errors import InvalidInput
from pipeline.records.part import Sha256
from pipeline.records.record import Record

NODES_PER_SHARD = 5_000  # as_caida: six shards of ten seconds each
PLAN_KEY = "ncnc.plan_sha256"  # in the shard's metadata: a shard that names another plan is not used
MOST_SHARDS = 1_000  # Airflow maps a task over at most 1,024 items


class RecommendationPlan(Record):
    """The request, and the one model version that every shard uses, even if an alias moves meanwhile.

    `model` is NAME@version, or the folder of a saved model; `model_sha256` is the digest over its files, and with the
    code's it decides the bytes of every shard. `nodes_sha256` is None where every node of the graph is asked for.
    """

    file_name = "recommendation_plan.json"

    model: str
    model_sha256: Sha256
    code_version: Sha256
    k: int = Field(ge=1)
    candidates_per_node: int | None = Field(ge=1)  # None: every other node
    prior: float | None = Field(gt=0, lt=1)  # None: no column with probabilities
    num_nodes: int = Field(ge=1)
    nodes_sha256: Sha256 | None
    shard_nodes: int = Field(ge=1)

    @property
    def shards(self) -> range:
        """The numbers of the shards."""
        return range(math.ceil(self.num_nodes / self.shard_nodes))

    def nodes_of(self, shard: int) -> slice:
        """Return which of the nodes asked for are a shard's.

        Raises:
            InvalidInput: there is no such shard.
        """
        if shard not in self.shards:
            raise InvalidInput(
                f"There is no shard {shard}: the plan has {len(self.shards)}, of {self.shard_nodes} nodes each. "
                f"Give a number from 0 to {len(self.shards) - 1}."
            )
        return slice(shard * self.shard_nodes, min((shard + 1) * self.shard_nodes, self.num_nodes))

    def require_same_request(self, wanted: RecommendationPlan, folder: str, *, any_model: bool) -> None:
        """Refuse to go on with this plan for another request.

        Raises:
            InvalidInput: a field differs; with `any_model` the model may, which was chosen when this plan was made.
        """
        free = {"model", "model_sha256"} if any_model else set()
        mine, theirs = self.model_dump(exclude=free), wanted.model_dump(exclude=free)
        different = [name for name in mine if mine[name] != theirs[name]]
        if different:
            name = different[0]
            raise InvalidInput(
                f"{folder} was planned with {name} = {mine[name]}, and now it is {theirs[name]}. One folder "
                f"holds one plan: ask for {name} = {mine[name]} to continue it, or choose another folder."
            )


def shard_size(num_nodes: int, wanted: int = NODES_PER_SHARD) -> int:
    """Return how many nodes a shard has: as wanted, or more where there would be more than MOST_SHARDS."""
    return max(wanted, math.ceil(num_nodes / MOST_SHARDS))


def nodes_text(node_ids: Sequence[int | str]) -> str:
    """Return the nodes asked for as the file that is kept of them."""
    return json.dumps(list(node_ids)) + "\n"


def nodes_digest(node_ids: Sequence[int | str]) -> str:
    """Return the sha256 of that file."""
    return hashlib.sha256(nodes_text(node_ids).encode()).hexdigest()
