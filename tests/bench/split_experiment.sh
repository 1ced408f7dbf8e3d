#!/usr/bin/env bash
# Few-shot supernets against one supernet at equal compute: NAS-Bench-201, C=16, N=1, 10,000 CIFAR-10
# images; tau-b on the same 200 architectures and 2,000 held-out images as panda_experiment.sh.
#
#   gm2 gm4     gradient-matching splits, 2 and 4 leaves     rnd2 rnd4   random splits
#   exh5        one leaf for each of the five operations of the first edge (exhaustive few-shot)
#   os2 os4     one supernet, as many MACs as gm2 or gm4 of the same seed, scoring counted
#   pa1         PA&DA `paper`, one supernet                  pa4         the same inside gm4's splits
#   fixp        one supernet, operations drawn as `paper` draws them at its end, images uniform
#
#   tests/bench/split_experiment.sh DATA TRUTH OUT [train|rank|table|all|smoke]
#
# All cells but os2 and os4 train EPOCHS epochs, leaves together; the scoring of a split is counted
# and told as a share. DATA, TRUTH, OUT as in panda_experiment.sh. Safe to stop and start again:
# finished cells are kept, interrupted ones go on from their checkpoints; `table` prints what is
# there. `smoke`: 30 epochs on 1,000 images, which shows that all parts work, and nothing else.
# Environment: NAS_BIN, SEEDS ("0 1 2"), CELLS, EPOCHS (60, a multiple of 30), IMAGES (10000),
# SCORE (10 batches), JOBS (2), THREADS (1), PRECISION (fp32; of training and judging).
set -euo pipefail
nas=${NAS_BIN:-build/release/nas}
[ $# -ge 3 ] || { sed -n '2,21p' "$0" >&2; exit 2; }
command -v "$nas" >/dev/null || { echo "there is no $nas: build it, or name it in NAS_BIN" >&2; exit 2; }
data=$1 truth=$2 out=$3 what=${4:-all}
if [ "$what" = smoke ]; then
  export SEEDS=${SEEDS:-0} IMAGES=1000 EPOCHS=30 SCORE=2 FEW=20
  what=all
fi
export NAS_BIN=$nas
seeds=${SEEDS:-0 1 2} cells=${CELLS:-gm4 os4 rnd4 gm2 os2 rnd2 exh5 pa1 pa4 fixp}
epochs=${EPOCHS:-60} images=${IMAGES:-10000} score=${SCORE:-10} jobs=${JOBS:-2}
[ $((epochs % 30)) = 0 ] || { echo "EPOCHS: a multiple of 30, so that all cells train as many" >&2; exit 2; }
mkdir -p "$out"
db=$out/split.db

status_of() { "$nas" runs show "$1" --db "$db" --json 2>/dev/null |
  python3 -c 'import json,sys; print(json.load(sys.stdin)["status"])' 2>/dev/null || echo none; }
macs_of() { "$nas" runs show "$1" --db "$db" --json |
  python3 -c 'import json,sys; print(json.load(sys.stdin)["metrics"]["train.macs"]["value"])'; }

# run NAME SEED CONFIG SETTINGS...
run() {
  local name=$1 seed=$2 config=$3
  shift 3
  case $(status_of "$name") in
    finished) return ;;
    none)
      "$nas" train --config "panda/$config" --db "$db" --name "$name" --seed "$seed" -q \
        --set data.path="$data" --set data.limit="$images" --set threads="${THREADS:-1}" \
        --set train.validation.every=0 --set train.precision="${PRECISION:-fp32}" "$@" >"$out/$name.log" 2>&1 ;;
    *) "$nas" train --resume "$name" --db "$db" -q >>"$out/$name.log" 2>&1 ;;
  esac
}

# Along a branch of the tree: E/3 + E/3 in two leaves, E/5 + E/5 + E/10 in four: E in all. One split
# at the start into five leaves: E/5 in each.
tree() {
  local name=$1 seed=$2 config=$3 criterion=$4 leaves=$5
  local e=$epochs
  local at="[$((e / 5)),$((2 * e / 5))]" branch=$((e / 2))
  [ "$leaves" = 2 ] && at="[$((e / 3))]" branch=$((2 * e / 3))
  [ "$leaves" = 5 ] && at="[0]" branch=$((e / 5))
  local set=(--set "weights={kind: few-shot, restart: none, split: {epochs: $at, criterion: $criterion,
    score: {batches: $score}}}" --set train.epochs="$branch")
  [ "$leaves" = 5 ] && set=(--set "weights={kind: few-shot, restart: none, split: {epochs: $at,
    criterion: exhaustive, edge: fixed, choices: ['1<-0']}}" --set train.epochs="$branch")
  run "$name" "$seed" "$config" "${set[@]}"
}

# job CELL SEED
job() {
  local cell=$1 seed=$2
  local name=$cell-s$seed
  case $cell in
    gm2 | gm4) tree "$name" "$seed" spos gradient "${cell#gm}" ;;
    rnd2 | rnd4) tree "$name" "$seed" spos random "${cell#rnd}" ;;
    exh5) tree "$name" "$seed" spos exhaustive 5 ;;
    pa4) tree "$name" "$seed" panda gradient 4 ;;
    pa1) run "$name" "$seed" panda --set train.epochs="$epochs" ;;
    fixp)
      run "$name" "$seed" spos --set train.epochs="$epochs" --set "strategy={path_sampler: {name: weighted,
        p: [none=0.007, skip_connect=0.007, nor_conv_1x1=0.409, nor_conv_3x3=0.57, avg_pool_3x3=0.007]}}" ;;
    os2 | os4)
      until [ "$(status_of "gm${cell#os}-s$seed")" = finished ]; do sleep 20; done
      local length
      # Of an epoch of one-shot training the expected MACs are those of the tree's: the paths are the same.
      length=$(NAS_BIN=$nas python3 "$(dirname "$0")/split_table.py" --epochs "$db" "$nas" "gm${cell#os}-s$seed" "$epochs")
      run "$name" "$seed" spos --set train.epochs="$length" ;;
    *) echo "unknown cell '$cell'" >&2; exit 2 ;;
  esac
  echo "$(date +%H:%M) $name trained" >&2
}

train() {
  for seed in $seeds; do for cell in $cells; do echo "$cell $seed"; done; done |
    EPOCHS=$epochs IMAGES=$images SCORE=$score xargs -P "$jobs" -L 1 bash "$0" "$data" "$truth" "$out" job
}

rank() {
  if [ ! -s "$out/archs.txt" ]; then
    printf 'family: nasbench201\nconnected: true\n' >"$out/connected.yaml"
    "$nas" space sample "$out/connected.yaml" --count 220 --seed 0 --json |
      python3 -c 'import json,sys; print(*list(dict.fromkeys(a["architecture"] for a in json.load(sys.stdin)["architectures"]))[:int(sys.argv[1])], sep="\n")' \
        "${FEW:-200}" >"$out/archs.txt"
  fi
  local seed cell name
  for seed in $seeds; do for cell in $cells; do
    name=$cell-s$seed
    [ "$(status_of "$name")" = finished ] || continue
    [ -s "$out/$name.rank.json" ] && continue
    "$nas" rank --run "$name" --db "$db" --truth "$truth" --column cifar10_test_acc --key arch \
      --archs "$out/archs.txt" --table "$out/$name.csv" --no-baseline --set threads="$jobs" --json -q >"$out/$name.rank.tmp" &&
      mv "$out/$name.rank.tmp" "$out/$name.rank.json"
    echo "$(date +%H:%M) ranked $name" >&2
  done; done
}

table() { python3 "$(dirname "$0")/split_table.py" "$out" "$db" "$nas"; }

case $what in
  job) job "$5" "$6" ;;
  train) train ;;
  rank) rank ;;
  table) table ;;
  all) train; rank; table ;;
  *) echo "unknown step '$what'" >&2; exit 2 ;;
esac
