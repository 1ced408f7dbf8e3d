#!/usr/bin/env bash
# The CPU-sized mixture experiment (balanced_mixture.md 8.4) on resnet20-pool and CIFAR-10:
#   r1  one model, 10 epochs     r4  four models, 40 epochs, associations learned
#   c1  one model, 40 epochs     c2  four models, 40 epochs, architectures divided by chance
# Each is ranked on the same 10,000 validation images against the published 36 accuracies.
#
#   tests/bench/mixture_experiment.sh DATA TRUTH OUT [train|rank|table|all|smoke]
#
# DATA: CIFAR-10; TRUTH: the published CSV (`architecture` numbered from 1, `baseline_avg`); OUT:
# folder for the store and logs. About nine hours on two cores: run it in the background
# (nohup ... >/dev/null &). Safe to stop and start again: finished cells are kept, interrupted ones
# go on from their checkpoints; `table` prints what is there. `smoke`: 2 epochs on 2,000 images,
# which shows that all parts work, and nothing else.
# Environment: NAS_BIN, SEEDS ("0 1"), CELLS ("r4 c1 c2 r1"), JOBS (2), THREADS (1),
# IMAGES (training images; 0: all 25,000), EPOCHS (10; the others four times as many),
# JUDGED (10000).
set -euo pipefail
nas=${NAS_BIN:-build/release/nas}
[ $# -ge 3 ] || { sed -n '2,20p' "$0" >&2; exit 2; }
command -v "$nas" >/dev/null || { echo "there is no $nas: build it, or name it in NAS_BIN" >&2; exit 2; }
data=$1 truth=$2 out=$3 what=${4:-all}
if [ "$what" = smoke ]; then
  export SEEDS=${SEEDS:-0} IMAGES=2000 EPOCHS=2 LONG=2 JUDGED=1000
  what=all
fi
export NAS_BIN=$nas
seeds=${SEEDS:-0 1} cells=${CELLS:-r4 c1 c2 r1} jobs=${JOBS:-2}
epochs=${EPOCHS:-10}
long=${LONG:-$((4 * epochs))}
mkdir -p "$out"
db=$out/mixture.db

status_of() { "$nas" runs show "$1" --db "$db" --json 2>/dev/null |
  python3 -c 'import json,sys; print(json.load(sys.stdin)["status"])' 2>/dev/null || echo none; }

# job CELL SEED
job() {
  local name="$1-s$2" models=4 length=$long association=learned
  case $1 in
    r1) models=1 length=$epochs ;;
    c1) models=1 ;;
    c2) association=random ;;
    r4) ;;
    *) echo "unknown cell '$1'" >&2; exit 2 ;;
  esac
  case $(status_of "$name") in
    finished) return ;;
    none)
      "$nas" train --config mixture/resnet20-pool --db "$db" --name "$name" --seed "$2" -q \
        --set data.path="$data" --set data.limit="${IMAGES:-0}" --set train.epochs="$length" \
        --set weights.models="$models" --set weights.beta=0.7 \
        --set weights.association="$association" --set train.validation.every=0 \
        --set threads="${THREADS:-1}" >"$out/$name.log" 2>&1 ;;
    *) "$nas" train --resume "$name" --db "$db" -q >>"$out/$name.log" 2>&1 ;;
  esac
  echo "$(date +%H:%M) $name trained" >&2
}

train() {
  for seed in $seeds; do for cell in $cells; do echo "$cell $seed"; done; done |
    xargs -P "$jobs" -L 1 bash "$0" "$data" "$truth" "$out" job
}

rank() {
  local seed cell name
  for seed in $seeds; do for cell in $cells; do
    name="$cell-s$seed"
    [ "$(status_of "$name")" = finished ] || continue
    [ -s "$out/$name.rank.json" ] && continue
    # Batches of the training's size: batch statistics depend on it.
    "$nas" rank --run "$name" --db "$db" --truth "$truth" --column baseline_avg --index-from 1 \
      --higher-is-better --top 1,5 --set evaluate.images="${JUDGED:-10000}" --set threads="$jobs" --json -q \
      >"$out/$name.rank.tmp" && mv "$out/$name.rank.tmp" "$out/$name.rank.json"
    "$nas" results "$name" --db "$db" --history --json >"$out/$name.history.tmp" &&
      mv "$out/$name.history.tmp" "$out/$name.history.json"
    echo "$(date +%H:%M) $name ranked" >&2
  done; done
}

table() { python3 "$(dirname "$0")/mixture_table.py" "$out"; }

case $what in
  # One line of CELL SEED, from xargs.
  job) job "$5" "$6" ;;
  train) train ;;
  rank) rank ;;
  table) table ;;
  all) train; rank; table ;;
  *) echo "unknown step '$what'" >&2; exit 2 ;;
esac
