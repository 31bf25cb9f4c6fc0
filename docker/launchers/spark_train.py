"""Trains one night on the executors of a Spark cluster: `spark-submit spark_train.py RUN_DIR PROCESSES`.

Not tried on a cluster. Each executor has this project installed, and the environment of a worker (NCNC_*,
MLFLOW_TRACKING_URI). The snapshot and the split of the night are made before.
"""

from __future__ import annotations

import sys

from pyspark.ml.torch.distributor import TorchDistributor


def train(run_dir: str) -> None:
    """Run the step as one of the processes that Spark's distributor has started by torchrun."""
    from pipeline.cli import app

    app(["train", "--run-dir", run_dir], standalone_mode=False)  # an exit would take the distributor's answer away


if __name__ == "__main__":
    run_dir, processes = sys.argv[1:]
    TorchDistributor(num_processes=int(processes), local_mode=False, use_gpu=False).run(train, run_dir)
