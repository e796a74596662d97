#!/usr/bin/env bash
# demo_oom.sh FOLDER: trains on 4 ranks until one of them runs out of memory; a file a rank comes to lie in FOLDER.
set -euo pipefail
cd "$(dirname "$0")"
folder=$1
mkdir -p "$folder"
export OMP_NUM_THREADS=1 PYTHONWARNINGS=ignore
"${TORCH_PYTHON:-$(./torch_python.sh)}" -m torch.distributed.run --nproc_per_node 4 \
  --master_port "$((20000 + RANDOM % 12000))" --redirects 0:1,1:1,2:1,3:1 --tee 9:0 --log_dir "$folder" demo_oom_train.py
