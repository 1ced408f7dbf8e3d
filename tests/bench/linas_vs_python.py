#!/usr/bin/env python3
"""A whole LINAS loop beside the same loop in Python with pymoo and scikit-learn, turn by turn.

    linas_vs_python.py NAS TABLE [ROUNDS [EVALUATIONS]]

NAS: the binary; TABLE: nasbench201_cifar10.csv. The loop as released (search.md 3.1): batches of 50 networks
whose accuracy the table knows; after each, predictors of accuracy and multiply-adds by ridge (penalties .1, .2,
.., 10, five contiguous folds) on the one-hot form, then NSGA-II on them: population 50, 400 generations. Its
last population is the next batch. Python predicts a generation at once, as it is not slowed by what the released
program does row by row. Times, wall clock on one thread: ours of the whole process with its start and its store;
Python's of the loop alone, without its imports, and with the table read already. Seeds differ by round.
"""
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.problem import Problem
from pymoo.indicators.hv import HV
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.repair.rounding import RoundingRepair
from pymoo.operators.sampling.rnd import IntegerRandomSampling
from pymoo.optimize import minimize
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold

OPS = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]
EDGES, POPULATION, GENERATIONS = 6, 50, 400


def genes_of(text):
    return tuple(OPS.index(part.split("~")[0]) for part in text.replace("+", "").split("|") if part)


def one_hot(x):
    return (np.asarray(x)[:, :, None] == np.arange(len(OPS))).reshape(len(x), -1).astype(float)


class Surrogate(Problem):
    def __init__(self, models):
        super().__init__(n_var=EDGES, n_obj=2, xl=0, xu=len(OPS) - 1, vtype=int)
        self.models = models

    def _evaluate(self, x, out, *args, **kwargs):
        features = one_hot(x)
        out["F"] = np.column_stack([model.predict(features) for model in self.models])


def python_loop(truth, costs, evaluations, seed):
    rng = np.random.default_rng(seed)
    known = {}
    batch = [tuple(int(g) for g in rng.integers(0, len(OPS), EDGES)) for _ in range(POPULATION)]
    grid = {"alpha": [.1 * (i + 1) for i in range(100)]}
    begin = time.perf_counter()
    for _ in range(round(evaluations / POPULATION)):
        for genes in batch:
            known[genes] = (-truth[genes], costs[genes])
        x, y = one_hot(list(known)), np.array(list(known.values()))
        models = [GridSearchCV(Ridge(), grid, cv=KFold(5), scoring="neg_mean_absolute_percentage_error")
                  .fit(x, y[:, k]) for k in range(2)]
        found = minimize(Surrogate(models),
                         NSGA2(POPULATION, sampling=IntegerRandomSampling(),
                               crossover=SBX(prob=.9, eta=15, vtype=float, repair=RoundingRepair()),
                               mutation=PM(prob=1, prob_var=1 / EDGES, eta=20, vtype=float, repair=RoundingRepair()),
                               eliminate_duplicates=True),
                         ("n_gen", GENERATIONS), seed=seed)
        batch = [tuple(int(g) for g in row) for row in found.pop.get("X")]
    took = time.perf_counter() - begin
    return took, hypervolume(known.values()), len(known)


def hypervolume(points):
    inside = [p for p in points if p[0] < -85 and p[1] < 200e6]
    return HV(ref_point=np.array([-85, 200.]))(np.array([(a, m / 1e6) for a, m in inside])) if inside else 0


def our_loop(program, table, evaluations, seed, folder):
    config = f"""space: nasbench201
evaluator: {{kind: table, table: {{file: {os.path.abspath(table)}, key: arch, metrics: ["accuracy = cifar10_test_acc"]}}}}
search:
  algorithm: linas-released
  objectives: ["maximize: accuracy", "minimize: macs"]
  evaluations: {evaluations}
  population: {POPULATION}
  baseline: false
  surrogate: {{predictor: ridge, generations: {GENERATIONS}}}
"""
    path = os.path.join(folder, f"{seed}.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(config)
    db = os.path.join(folder, "nas.db")
    begin = time.perf_counter()
    subprocess.run([program, "search", "--config", path, "--db", db, "--seed", str(seed), "--name", f"s{seed}", "-q"],
                   check=True, capture_output=True, text=True)
    took = time.perf_counter() - begin
    out = subprocess.run([program, "results", "--run", f"s{seed}", "--db", db, "--format", "json"], check=True,
                         capture_output=True, text=True).stdout
    rows = json.loads(out)["architectures"]
    return took, hypervolume([(-row["accuracy"], row["macs"]) for row in rows]), len(rows)


def main():
    program, table = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    evaluations = int(sys.argv[4]) if len(sys.argv) > 4 else 250
    with open(table, encoding="utf-8") as file:
        truth = {genes_of(row["arch"]): float(row["cifar10_test_acc"]) for row in csv.DictReader(file)}
    listed = subprocess.run([program, "space", "enumerate", "nasbench201", "--format", "csv"], check=True,
                            capture_output=True, text=True).stdout
    costs = {genes_of(row["architecture"]): float(row["macs"]) for row in csv.DictReader(listed.splitlines())}
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(rounds):
            a = our_loop(program, table, evaluations, seed, folder)
            b = python_loop(truth, costs, evaluations, seed)
            ours.append(a[0])
            theirs.append(b[0])
            print(f"seed {seed}: ours {a[0]:.3f} s, hypervolume {a[1]:.0f} of {a[2]} networks; "
                  f"Python {b[0]:.2f} s, {b[1]:.0f} of {b[2]}", flush=True)
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"medians {a:.3f} s and {b:.2f} s: {b / a:.1f} times")


if __name__ == "__main__":
    main()
