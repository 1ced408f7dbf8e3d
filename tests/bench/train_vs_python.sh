#!/usr/bin/env bash
# Throughput of nas against Python PyTorch: the same network, loop, threads, alternating.
# usage: train_vs_python.sh BENCH_TRAIN PYTHON [ROUNDS] [THREADS]
set -euo pipefail
bench=$1 python=$2 rounds=${3:-5} threads=${4:-2}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/log
"$bench" --bundle "$work"
"$python" "$here/bench_train.py" --bundle "$work" --compare 1 >&2
for ((i = 0; i < rounds; i++)); do
  for variant in "fp32 contiguous" "fp32 channels_last" "bf16 contiguous" "bf16 channels_last"; do
    read -r precision layout <<<"$variant"
    options=(--precision "$precision" --layout "$layout" --threads "$threads" --steps 15)
    "$bench" "${options[@]}" --peak 1 | tee -a "$log" >&2
    "$python" "$here/bench_train.py" --bundle "$work" "${options[@]}" | tee -a "$log" >&2
  done
done
"$python" - "$log" <<'P'
import collections, json, statistics, sys
rates, peak = collections.defaultdict(list), []
for line in open(sys.argv[1]):
    r = json.loads(line)
    rates[r["program"], r["precision"], r["layout"]].append(r["images_per_second"])
    if r["program"] == "nas" and (r["precision"], r["layout"]) == ("fp32", "contiguous"):
        peak.append(r["share_of_matmul_peak"])
plain = statistics.median(rates["nas", "fp32", "contiguous"])
print("precision layout         nas img/s  python img/s  ratio (median of rounds; each)  to plain nas")
for (program, precision, layout), nas in rates.items():
    if program != "nas":
        continue
    py = rates["python", precision, layout]
    each = [a / b for a, b in zip(nas, py)]
    print(f"{precision:9} {layout:14} {statistics.median(nas):10.1f} {statistics.median(py):13.1f}  "
          f"{statistics.median(each):.3f} ({', '.join(f'{e:.2f}' for e in each)})  "
          f"{statistics.median(nas) / plain:.2f}x")
print(f"share of the matrix-product peak (fp32 contiguous): {statistics.median(peak):.3f}")
P
