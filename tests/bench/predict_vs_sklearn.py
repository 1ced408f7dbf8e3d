#!/usr/bin/env python3
"""Fitting and predicting beside scikit-learn, turn by turn on one machine.

    predict_vs_sklearn.py BENCH_PREDICT DATA [ROUNDS [plain|same [MODEL ...]]]

BENCH_PREDICT: the built program; DATA: folder with ofa_mbv3/. Both sides learn the same 400 networks
(one-hot form of 135 columns, split 0 of search.md 10.1) and predict the same 20,000 rows, on one thread. The
medians over the rounds are printed.

plain (default): scikit-learn's model as a script would take it, with the search for hyper-parameters that
search.md 3.5 gives. same: scikit-learn does what ours does: ridge chooses among the linear and the quadratic
form by cross-validation, the Gaussian process has a length for each column and a linear part and starts five
times, trees choose their number by five folds. Few rounds will do there: it takes minutes.
"""
import ast
import csv
import os
import statistics
import subprocess
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, DotProduct, RBF, WhiteKernel
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures
from sklearn.svm import SVR

MASK = (1 << 64) - 1


def splitmix64(x):
    z = (x + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def rows_of(data):
    x, y, seen = [], [], set()
    for name in ("evo", "linas"):
        with open(f"{data}/ofa_mbv3/mbnv3w10_{name}nsga2_acc_macs.csv", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                # A Python literal of lists and numbers.
                genes = ast.literal_eval(row["Sub-network"])
                active = [j < genes["d"][s] for s in range(5) for j in range(4)]
                features = np.zeros(135)
                for i in range(20):
                    if active[i]:
                        features[3 * i + (3, 5, 7).index(genes["ks"][i])] = 1
                        features[60 + 3 * i + (3, 4, 6).index(genes["e"][i])] = 1
                for s in range(5):
                    features[120 + 3 * s + genes["d"][s] - 2] = 1
                if features.tobytes() not in seen:
                    seen.add(features.tobytes())
                    x.append(features)
                    y.append(float(row["Top-1 Acc (%)"]))
    return np.array(x), np.array(y)


def models():
    search = {"cv": KFold(5), "scoring": "neg_mean_absolute_percentage_error"}
    grid = [.1 * (i + 1) for i in range(100)]
    return {
        "ridge": lambda: GridSearchCV(Ridge(), {"alpha": grid}, **search),
        "gp": lambda: GaussianProcessRegressor(
            ConstantKernel(1, (1e-3, 1e4)) * RBF(10, (1e-1, 1e3)) + WhiteKernel(1e-3, (1e-8, 1)), normalize_y=True),
        "svr": lambda: GridSearchCV(
            SVR(gamma=1 / 135, epsilon=0, max_iter=1000000), {"C": list(range(1, 101))}, **search),
        "boosted-trees": lambda: GradientBoostingRegressor(
            n_estimators=400, max_depth=3, learning_rate=.05, subsample=.8, random_state=0),
    }


class Forms:
    """Columns, or with them all products of two, which weigh `share`."""

    def __init__(self, share):
        self.share = share

    def __call__(self, x):
        if self.share == 0:
            return x
        wide = PolynomialFeatures(2, interaction_only=True, include_bias=False).fit_transform(x)
        wide[:, x.shape[1]:] *= self.share ** .5
        return wide


class ChosenTrees:
    """As many trees of 400 as five folds like best, looked at after every eighth of them."""

    def make(self, count):
        return GradientBoostingRegressor(
            n_estimators=count, max_depth=3, learning_rate=.05, subsample=.8, random_state=0)

    def fit(self, x, y):
        errors = np.zeros(8)
        for train, test in KFold(5).split(x):
            for i, guess in enumerate(self.make(400).fit(x[train], y[train]).staged_predict(x[test])):
                if i % 50 == 49:
                    errors[i // 50] += np.abs(guess / y[test] - 1).sum()
        self.model = self.make(50 * (int(errors.argmin()) + 1)).fit(x, y)

    def predict(self, x):
        return self.model.predict(x)


def same_models():
    search = {"cv": KFold(5), "scoring": "neg_mean_absolute_percentage_error"}
    form = Pipeline([("form", FunctionTransformer(Forms(0))), ("ridge", Ridge())])
    grid = [{"form__func": [Forms(0)], "ridge__alpha": [.1 * (i + 1) for i in range(100)]},
            {"form__func": [Forms(s) for s in (.01, .03, .1)],
             "ridge__alpha": [.03, .06, .1, .2, .5, 1, 2, 5, 10]}]
    kernel = (ConstantKernel(1, (1e-3, 1e4)) * RBF(np.full(135, 10.), (1e-1, 1e4)) +
              ConstantKernel(.01, (1e-6, 1e2)) * DotProduct(0, "fixed") + WhiteKernel(1e-3, (1e-8, 1)))
    return {
        "ridge": lambda: GridSearchCV(form, grid, **search),
        "gp": lambda: GaussianProcessRegressor(kernel, normalize_y=True, n_restarts_optimizer=4, random_state=0),
        "svr": lambda: GridSearchCV(SVR(epsilon=0, max_iter=1000000),
                                    {"C": [1, 2, 5, 10, 20, 50, 100], "gamma": [1 / 135, 1 / 540, 1 / 2160]},
                                    **search),
        "boosted-trees": ChosenTrees,
    }


def main():
    program, data = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    same = len(sys.argv) > 4 and sys.argv[4] == "same"
    wanted = sys.argv[5:]
    x, y = rows_of(data)
    order = sorted(range(len(y)), key=splitmix64)
    train, many = order[:400], [order[i % len(order)] for i in range(20000)]
    for name, make in (same_models() if same else models()).items():
        if wanted and name not in wanted:
            continue
        times = {"ours": ([], []), "sklearn": ([], [])}
        for _ in range(rounds):
            out = subprocess.run([program, data, "speed", name], check=True, capture_output=True, text=True).stdout.split()
            times["ours"][0].append(float(out[2]))
            times["ours"][1].append(float(out[4]))
            model, begin = make(), time.perf_counter()
            model.fit(x[train], y[train])
            middle = time.perf_counter()
            model.predict(x[many])
            times["sklearn"][0].append(middle - begin)
            times["sklearn"][1].append(time.perf_counter() - middle)
        line = f"{name:14}"
        for k, what in enumerate(("fit", "predict 20,000")):
            ours, theirs = (statistics.median(times[side][k]) for side in ("ours", "sklearn"))
            line += f"  {what}: {ours:.4f} s, scikit-learn {theirs:.4f} s, {theirs / ours:.1f} times"
        print(line, flush=True)


if __name__ == "__main__":
    main()
