#!/usr/bin/env bash
# The thread sanitizer over what has threads: loading of images, the store under several writers,
# child processes, external evaluators, and, with `all`, the pool that judges networks side by side
# and the parts of a batch (which builds LibTorch's users too, a quarter of an hour more).
#   tests/tsan.sh [all]
# LibTorch itself is not instrumented: what happens inside it is left out (tests/tsan.supp).
set -euo pipefail
cd "$(dirname "$0")/.."
build=build/tsan
targets=(test_data test_search test_spaces test_timing)
[ "${1:-}" = all ] && targets+=(test_supernet)
cmake --preset tsan >/dev/null
cmake --build --preset tsan --target "${targets[@]}" >&2
export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp history_size=4 ${TSAN_OPTIONS:-}" OMP_NUM_THREADS=1
run() { # FOLDER PROGRAM FILTER
  "$build/tests/$1/$2" --gtest_brief=1 --gtest_filter="$3"
}
run data test_data '*'
run search test_search 'Store*:RunId*:External*'
run spaces test_spaces 'Subprocess*:WholeFile*:ScratchFiles*'
run hardware test_timing '*'
if [ "${1:-}" = all ]; then
  run supernet test_supernet 'Exchange*:JointNorm*:Judging*:MergedPlan*:WorkerPool*:OneThreadPerOp*'
  run supernet test_supernet '*BatchParts*:*ShardedStrategy*'
fi
