#!/usr/bin/env bash
# Test on the GPUs of one or several machines with torchrun. Further arguments go to tools/test.py.
set -euo pipefail
if [[ "${1:-}" == -h || "${1:-}" == --help || $# -lt 3 ]]; then
  echo "Test a checkpoint on several GPUs.
usage: bash tools/dist_test.sh CONFIG CHECKPOINT GPUS [arguments of tools/test.py]
example: bash tools/dist_test.sh configs/slimclr/slimclr_demo.py work_dirs/slimclr_demo/epoch_40.pth 4
several machines: set NNODES, NODE_RANK, MASTER_ADDR (and MASTER_PORT) on each"
  [[ "${1:-}" == -h || "${1:-}" == --help ]] && exit 0 || exit 2
fi
root="$(cd "$(dirname "$0")/.." && pwd)"
PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" "${PYTHON:-python}" -m torch.distributed.run \
  --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --nproc_per_node="$3" \
  --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${MASTER_PORT:-29500}" \
  "$root/tools/test.py" "$1" "$2" --launcher pytorch "${@:4}"
