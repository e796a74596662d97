#!/usr/bin/env bash
# `make demo`: a server, a 4-process training run in which one rank fails, and what Rankscope says about it. Then, from
# logs alone, two stories: a run that ends without a word on the launcher's console, and one that slowed for hours.
set -euo pipefail
cd "$(dirname "$0")/.."
rankscope=build/release/bin/rankscope
scratch=$(mktemp -d)
"$rankscope" serve --data-dir "$scratch/data" --http 127.0.0.1:0 --grpc 127.0.0.1:0 >"$scratch/ready" &
server_pid=$!
trap 'kill $server_pid 2>/dev/null || true; wait $server_pid 2>/dev/null || true; rm -rf "$scratch"' EXIT

until grep -qs '^rankscope: serving' "$scratch/ready"; do
  kill -0 $server_pid || { echo "the server did not start" >&2; exit 1; }
  sleep 0.1
done
export RANKSCOPE_SERVER
RANKSCOPE_SERVER=$(sed -n 's/.* http=\([^ ]*\).*/\1/p' "$scratch/ready")
export XDG_STATE_HOME=$scratch/state

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\033[1m' plain=$'\033[0m'; fi
show() { printf '\n%s$ %s%s\n' "$bold" "$*" "$plain"; }
# torch 1.13 on Python 3.11 fails with torch.distributed.run's own defaults; a mapping for a rank that is not there helps.
python=$(tools/torch_python.sh)
old=()
case $("$python" -c 'import torch; print(torch.__version__)') in 1.*) old=(--redirects 9:0 --tee 9:0) ;; esac
launch=("$python" -m torch.distributed.run "${old[@]}" --nproc_per_node 4
  --master_port "$((20000 + RANDOM % 12000))" tools/demo_train.py)
show rankscope run --job_id demo -- torchrun --nproc_per_node 4 train.py
"$rankscope" run --job_id demo -- "${launch[@]}" 2>&1 | tail -n 5 || true
show rankscope jobs
"$rankscope" jobs
show rankscope jobs show demo
"$rankscope" jobs show demo
show rankscope logs --job_id demo --rank 2 --limit 8
"$rankscope" logs --job_id demo --rank 2 --limit 8

tell() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
# diagnose exits with 3 where it finds a failure.
diagnose() {
  show rankscope diagnose "$@"
  (cd "$scratch" && "$OLDPWD/$rankscope" diagnose "$@") || [ $? = 3 ]
}
tell "Story 1: 4 ranks end at step 1198, and the launcher's console says nothing"
show torchrun --nproc_per_node 4 --redirects 3 --log_dir logs train.py
tools/demo_oom.sh "$scratch/logs"
diagnose logs
tell "Story 2: 256 ranks (simulated) fall from 80k to 30k tokens/s in some hours"
tools/demo_slow_job.py "$scratch/slow"
diagnose slow/ranks.jsonl slow/switches.jsonl --topology slow/topology.yaml
cat <<'END'

Next, with your own script and no server at all:
  build/release/bin/rankscope run -- torchrun --nproc_per_node 2 your_script.py
  build/release/bin/rankscope jobs
END
