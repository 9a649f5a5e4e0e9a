#!/bin/bash
# Trains on the GPUs of several SLURM nodes, one process per GPU; goes on by itself when requeued.
#
#     sbatch --nodes=4 experiments/launch/slurm.sh --config llama2-7b --data /data/tokens \
#         --out /runs/7b --mesh data=4,fsdp=8
#
# --out must be a folder that all nodes see. SLURM sends SIGTERM two minutes before the time limit:
# the run saves and ends with status 0, and the next job goes on, on as many nodes as it is given.
#SBATCH --job-name=llama_jax
#SBATCH --ntasks-per-node=8
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=8
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail
# jax.distributed reads addresses and process numbers from SLURM's own variables.
srun --kill-on-bad-exit=1 bash -c \
    'CUDA_VISIBLE_DEVICES=$SLURM_LOCALID exec llama-jax train --distributed "$@"' train "$@"
