#!/usr/bin/env bash
# The CPU-sized PA&DA experiment: SPOS, PA&DA (paper, unbiased) at equal epochs and again cut at equal
# MACs, FairNAS at equal MACs; tau-b on the same 200 architectures and 2,000 held-out images.
#
#   tests/bench/panda_experiment.sh DATA TRUTH OUT [train|rank|table|all]
#
# DATA: CIFAR-10; TRUTH: CSV with NAS-Bench-201 strings in `arch` and test accuracies in
# `cifar10_test_acc`; OUT: folder for the store and logs. Safe to stop and start again: finished runs
# are kept, interrupted ones go on from their checkpoints. `table` prints what is there.
# Environment: NAS_BIN, SEEDS ("0 1 2"), EPOCHS (60), IMAGES (10000), JOBS (2), THREADS (1), SPACE.
set -euo pipefail
nas=${NAS_BIN:-build/release/nas}
[ $# -ge 3 ] || { sed -n '2,12p' "$0" >&2; exit 2; }
data=$1 truth=$2 out=$3 what=${4:-all}
seeds=${SEEDS:-0 1 2} epochs=${EPOCHS:-60} images=${IMAGES:-10000} jobs=${JOBS:-2}
space=${SPACE:-nasbench201-n1}
mkdir -p "$out"
db=$out/panda.db

status_of() { "$nas" runs show "$1" --db "$db" --json 2>/dev/null |
  python3 -c 'import json,sys; print(json.load(sys.stdin)["status"])' 2>/dev/null || echo none; }
macs_of() { "$nas" runs show "$1" --db "$db" --json |
  python3 -c 'import json,sys; print(json.load(sys.stdin)["metrics"]["train.macs"]["value"])'; }

# run NAME CONFIG SEED EPOCHS
run() {
  local name=$1
  case $(status_of "$name") in
    finished) return ;;
    none)
      "$nas" train --config "configs/panda/$2.yaml" --db "$db" --name "$name" --seed "$3" -q \
        --set data.path="$data" --set data.limit="$images" --set space="$space" \
        --set train.epochs="$4" --set threads="${THREADS:-1}" --set train.validation.every=0 \
        --set train.gradient_variance.every=10 >"$out/$name.log" 2>&1 ;;
    *) "$nas" train --resume "$name" --db "$db" -q >>"$out/$name.log" 2>&1 ;;
  esac
}

job() {
  local method=$1 seed=$2
  case $method in
    spos) run "spos-s$seed" spos "$seed" "$epochs" ;;
    # Five paths a batch: a fifth of the epochs costs what SPOS costs.
    fairnas) run "fairnas-s$seed" fairnas "$seed" $(((epochs + 4) / 5)) ;;
    *)
      run "$method-s$seed" "$method" "$seed" "$epochs"
      until [ "$(status_of "spos-s$seed")" = finished ]; do sleep 20; done
      local cut
      cut=$(python3 -c "print(max(2, round($epochs * $(macs_of "spos-s$seed") / $(macs_of "$method-s$seed"))))")
      run "$method-cut-s$seed" "$method" "$seed" "$cut" ;;
  esac
  echo "$(date +%H:%M) $method seed $seed done" >&2
}

train() {
  for seed in $seeds; do for method in spos panda unbiased fairnas; do echo "$method $seed"; done; done |
    NAS_BIN=$nas xargs -P "$jobs" -L 1 bash "$0" "$data" "$truth" "$out" job
}

names() { for seed in $seeds; do for m in spos panda unbiased panda-cut unbiased-cut fairnas; do echo "$m-s$seed"; done; done; }

rank() {
  # One list for all: 200 different connected cells, drawn by seed 0.
  if [ ! -s "$out/archs.txt" ]; then
    printf 'family: nasbench201\nconnected: true\n' >"$out/connected.yaml"
    "$nas" space sample "$out/connected.yaml" --count 220 --seed 0 --json |
      python3 -c 'import json,sys; print(*list(dict.fromkeys(a["architecture"] for a in json.load(sys.stdin)["architectures"]))[:200], sep="\n")' \
        >"$out/archs.txt"
  fi
  local name
  for name in $(names); do
    [ "$(status_of "$name")" = finished ] || continue
    [ -s "$out/$name.rank.json" ] && continue
    "$nas" rank --run "$name" --db "$db" --truth "$truth" --column cifar10_test_acc --key arch \
      --archs "$out/archs.txt" --json -q >"$out/$name.rank.tmp" && mv "$out/$name.rank.tmp" "$out/$name.rank.json"
    echo "$(date +%H:%M) ranked $name" >&2
  done
}

table() { NAS_BIN=$nas python3 "$(dirname "$0")/panda_table.py" "$out" "$db" "$nas"; }

case $what in
  job) job "$5" "$6" ;;
  train) train ;;
  rank) rank ;;
  table) table ;;
  all) train; rank; table ;;
  *) echo "unknown step '$what'" >&2; exit 2 ;;
esac
