#include "cli/sweep/topic.hpp"

namespace nas::cli {

std::string sweep_topic() {
  return R"(Sweeps (nas sweep FILE)

One file says what each cell does and what varies between cells:

  seeds: [0, 1, 2]                   every combination runs once with each
  stages:                            in this order; leave out what is not wanted
    train: {config: quickstart/train, set: {train.epochs: 10}}
    rank: {truth: truth.csv, archs: 200}
    search: {config: quickstart/search}
    export: {pick: best}
  grid:                              every combination; [VALUES] or LABEL: VALUE
    train:
      strategy: [uniform, sandwich]
      train.optimizer: {plain: {kind: sgd, lr: 0.1}, adam: {kind: adam}}
    search:
      search.algorithm: [random, nsga2]

Instead of grid, or multiplied with it:

  list:                              these combinations only
    - {label: small, train: {train.epochs: 5, train.batch: 32}}
    - {label: large, train: {train.epochs: 50, train.batch: 128}}
  random:
    draws: 20
    seed: 0
    train:
      train.optimizer.lr: {from: 0.01, to: 0.3, scale: log}
      train.batch: [32, 64]

A key is that of the stage's configuration, as --set takes it (for rank and
export: of the stage's section). All mistakes are told before anything runs.

A stage is identified by the hash of its resolved configuration, of the files
it names and of the stage it needs. Cells that agree so far share it, and it
runs once. Whether it is done is asked of the store: the same command goes on
where a killed one ended, tries failed cells again, adds what a changed file
adds, and prints the table when nothing is left. Two sweeps in one folder
share the work.

A cell that fails is listed with its error and ends no other; the exit code
is 1 then. Logs and exports lie in nas-sweeps/STORE/NAME beside the store (of
nas.db in nas-sweeps/nas/NAME). --jobs N runs N stages at once and divides the
processors among them, unless `threads:` or OMP_NUM_THREADS says otherwise;
other numbers of threads round differently.

--dry-run tells what would run and how long. Trainings that none with other
seeds has been done of are timed for a few steps, one for each different step
(space, data, batch, strategy, weights, precision, layout, device, threads);
beyond 20 of them the others are not estimated.

The table has mean and standard deviation over the seeds; --format csv a row
for each cell, --json also its stages. Hypervolumes are in it where search.reference gives the point
that they are measured from: others cannot be compared.

Several machines: --shard I/N takes its part of the cells into a store of its
own (nas.shard-I-of-N.db); --sbatch prints a script for Slurm, whose array
tasks know their part. nas db merge brings the stores together.)";
}

}  // namespace nas::cli
