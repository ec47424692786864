#!/usr/bin/env bash
# Train under Slurm. Further arguments go to tools/train.py.
set -euo pipefail
if [[ "${1:-}" == -h || "${1:-}" == --help || $# -lt 3 ]]; then
  echo "Train under Slurm.
usage: [GPUS=8] [GPUS_PER_NODE=8] [CPUS_PER_TASK=5] [SRUN_ARGS=...] \\
       bash tools/slurm_train.sh PARTITION JOB_NAME CONFIG [arguments of tools/train.py]
example: GPUS=16 bash tools/slurm_train.sh gpu slimclr configs/slimclr/slimclr_demo.py"
  [[ "${1:-}" == -h || "${1:-}" == --help ]] && exit 0 || exit 2
fi
root="$(cd "$(dirname "$0")/.." && pwd)"
gpus="${GPUS:-8}"
per_node="${GPUS_PER_NODE:-$(( gpus < 8 ? gpus : 8 ))}"
# shellcheck disable=SC2086  # SRUN_ARGS holds several words
PYTHONPATH="$root${PYTHONPATH:+:$PYTHONPATH}" srun --partition="$1" --job-name="$2" \
  --gres="gpu:$per_node" --ntasks="$gpus" --ntasks-per-node="$per_node" \
  --cpus-per-task="${CPUS_PER_TASK:-5}" --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
  "${PYTHON:-python}" -u "$root/tools/train.py" "$3" --launcher slurm "${@:4}"
