"""The operator that makes one shard of a plan."""

from __future__ import annotations

from collections.abc import Sequence

from airflow.sdk import Context

from ncnc_airflow.step_task import StepTask


class ShardTask(StepTask):
    """Run `ncnc <step> --run-dir R ... --shard N`; meant to be mapped over the numbers that the plan returned."""

    template_fields: Sequence[str] = (*StepTask.template_fields, "shard")

    def __init__(self, *, shard: int, **kwargs: object) -> None:
        super().__init__(**kwargs)  # type: ignore[arg-type]
        self.shard = shard

    def execute(self, context: Context) -> object:
        """Run the shard and return the run's name."""
        self.arguments = [*self.arguments, "--shard", str(self.shard)]
        return super().execute(context)
