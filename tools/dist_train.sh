#!/usr/bin/env bash
# Train on the GPUs of one or several machines with torchrun. Further arguments go to tools/train.py.
set -euo pipefail
if [[ "${1:-}" == -h || "${1:-}" == --help || $# -lt 2 ]]; then
  echo "Train on several GPUs.
usage: bash tools/dist_train.sh CONFIG GPUS [arguments of tools/train.py]
example: bash tools/dist_train.sh configs/slimclr/slimclr_demo.py 4 --seed 1
several machines: set NNODES, NODE_RANK, MASTER_ADDR (and MASTER_PORT) on each"
  [[ "${1:-}" == -h || "${1:-}" == --help ]] && exit 0 || exit 2
fi
root="$(cd "$(dirname "$0")/.." && pwd)"
PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" "${PYTHON:-python}" -m torch.distributed.run \
  --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --nproc_per_node="$2" \
  --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${MASTER_PORT:-29500}" \
  "$root/tools/train.py" "$1" --launcher pytorch "${@:3}"
