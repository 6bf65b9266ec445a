#!/usr/bin/env bash
# What a machine with a GPU shows of it, in under 8 minutes: the conformance suites on its kernels, a sweep over sizes, and
# the benchmark of the GPU. Installs and builds nothing: `npm ci && npm run build` come before it. Leaves JSON files, the logs
# and a page in a folder and prints where; exit code 1 if a part failed.
#   bench/gpu-machine.sh [folder]
# On the software device (HEADPOOL_GPU=software) sizes are tiny: that tries the script and measures nothing.
set -uo pipefail
cd "$(dirname "$0")/.."

command=dist/command/headpool.js
if [ ! -f "$command" ]; then
  echo 'Expected a build: npm ci && npm run build' >&2
  exit 2
fi
folder=${1:-$(mktemp -d "${TMPDIR:-/tmp}/headpool-gpu-XXXXXX")}
mkdir -p "$folder"

suites=(test/conformance/*/)
sizes=(--heads 12 --head-dim 64 --tokens 128,512,2048 --causal false,true --seconds 1 --rounds 3)
cases=product,attention,512/8/16,768/12/128,768/12/512,768/12/2048,768/12/8192
seconds=2
if [ "${HEADPOOL_GPU:-}" = software ]; then
  suites=(test/conformance/torch-multihead/)
  sizes=(--heads 2 --head-dim 8 --tokens 4 --seconds 0.1 --rounds 1)
  cases=512/8/16
  seconds=0.1
fi

status=0
# part NAME SECONDS COMMAND …: its stdout is NAME.json, its stderr NAME.log
part() {
  local name=$1 limit=$2
  shift 2
  echo "… $name (at most $limit s)" >&2
  local code=0
  timeout -k 5 "$limit" "$@" >"$folder/$name.json" 2>"$folder/$name.log" || code=$?
  if [ "$code" -ne 0 ]; then
    echo "  $name ended with exit code $code: $folder/$name.log" >&2
    status=1
  fi
}

part info 20 node "$command" info --device gpu --json
part verify 110 node "$command" verify "${suites[@]}" --device gpu --json
part sweep 150 node "$command" bench --device gpu --kernel wgsl,gpujs --mode layer,attention "${sizes[@]}" \
  --title 'kernels of the GPU' --max-minutes 2.5 --csv "$folder/sweep.csv" --html "$folder/sweep.html" --json
part bench 170 node dist/bench/gpu.js --cases "$cases" --seconds "$seconds" --json

echo "$folder"
exit "$status"
