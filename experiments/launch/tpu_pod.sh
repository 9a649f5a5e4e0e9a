#!/bin/bash
# Trains on all hosts of a Cloud TPU pod slice: the same command on each, which find one another.
#
#     TPU=my-slice ZONE=us-east5-a experiments/launch/tpu_pod.sh \
#         --config llama2-7b --data gs-mount/tokens --out gs-mount/runs/7b --mesh fsdp=64
#
# The repository must be installed on every host (pip install -e ".[tpu]" with --worker=all), and
# --data and --out be folders that all hosts see (Cloud Storage FUSE, Filestore). A preempted slice
# gets SIGTERM; run the same line on the next slice, of any size that --mesh fits.
set -euo pipefail
: "${TPU:?name of the TPU slice}" "${ZONE:?its zone}"
printf -v arguments ' %q' "$@"
exec gcloud compute tpus tpu-vm ssh "$TPU" --zone="$ZONE" --worker=all \
    --command="cd llama_jax && .venv/bin/llama-jax train --distributed$arguments"
