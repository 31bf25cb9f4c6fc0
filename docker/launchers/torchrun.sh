#!/bin/sh
# Trains one night on several hosts: run this on each of them, at about the same time, with the environment of a worker
# (NCNC_*, MLFLOW_TRACKING_URI). The snapshot and split of the night are made before, by `ncnc snapshot` and `ncnc split`.
#
#   RENDEZVOUS=host-a:29400 HOST=yes RUN_DIR=runs/social-20260101T030000Z ./torchrun.sh     # on host-a
#   RENDEZVOUS=host-a:29400 HOST=no  RUN_DIR=runs/social-20260101T030000Z ./torchrun.sh     # on each other one
#
# Each host has a run folder of its own, of the same name. One process leaves the record and the model; all exit with 0.
set -eu
export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 # else processes that are started again read the addresses of the dead ones
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
exec torchrun --nnodes="${NODES:-2}" --nproc-per-node="${PROCESSES:-1}" --max-restarts=3 \
    --rdzv-backend=c10d --rdzv-endpoint="${RENDEZVOUS:?host:port of one of the hosts}" \
    --rdzv-conf=is_host="${HOST:?yes on the host of the rendezvous, no on the others}" \
    --rdzv-id="$(basename "${RUN_DIR:?the run folder of the night}")" ${ADDRESS:+--local-addr="$ADDRESS"} \
    --no-python ncnc train --run-dir "$RUN_DIR"
