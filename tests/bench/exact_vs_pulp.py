#!/usr/bin/env python3
"""The optimum of an additive surrogate under one limit, beside PuLP with Cbc, turn by turn.

    exact_vs_pulp.py BENCH_EXACT [SPACE [METRIC [LIMIT [ROUNDS]]]]

Both solve one problem (BENCH_EXACT writes its tables): a row of each choice, a row's children as it says, the
largest score with the cost below the limit, to proved optimality; the scores must be equal. Times: of ours
processor seconds of the step, of PuLP's building of the model and Cbc's own, wall clock, one thread.
"""
import json
import statistics
import subprocess
import sys
import tempfile
import time

import pulp


def solve(problem):
    begin = time.perf_counter()
    model = pulp.LpProblem("exact", pulp.LpMaximize)
    terms = problem["terms"]
    taken = [[pulp.LpVariable(f"x{t}_{r}", cat="Binary") for r in range(len(term["rows"]))]
             for t, term in enumerate(terms)]
    score, cost = [], []
    for t, term in enumerate(terms):
        for r, row in enumerate(term["rows"]):
            score.append((taken[t][r], row[1]))
            cost.append((taken[t][r], row[2]))
    model += pulp.LpAffineExpression(score) * (1e4 / max(abs(weight) for _, weight in score))
    room = problem["limit"] - problem["cost_constant"]
    model += pulp.LpAffineExpression(cost) * (1e3 / abs(room)) <= 1e3 * room / abs(room)
    for t, term in enumerate(terms):
        if term["root"]:
            model += pulp.lpSum(taken[t]) == 1
        for i, child in enumerate(term["children"]):
            for key in sorted({row[0] for row in terms[child]["rows"]}):
                below = [taken[child][r] for r, row in enumerate(terms[child]["rows"]) if row[0] == key]
                above = [taken[t][r] for r, row in enumerate(term["rows"]) if row[3 + i] == key]
                model += pulp.lpSum(below) == pulp.lpSum(above)
    status = model.solve(pulp.PULP_CBC_CMD(msg=False, threads=1, gapRel=0, gapAbs=0))
    took = time.perf_counter() - begin
    assert pulp.LpStatus[status] == "Optimal", pulp.LpStatus[status]
    best = problem["score_constant"] + sum(
        term["rows"][r][1] for t, term in enumerate(terms) for r in range(len(term["rows"]))
        if taken[t][r].value() > .5)
    return best, took


def main():
    program = sys.argv[1]
    space, metric, limit = (sys.argv[2:5] + ["mobilenet", "macs", "300e6"][len(sys.argv[2:5]):])
    rounds = int(sys.argv[5]) if len(sys.argv) > 5 else 5
    ours, theirs = [], []
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        for _ in range(rounds):
            out = subprocess.run([program, space, metric, limit, "1", file.name], check=True,
                                 capture_output=True, text=True).stdout
            ours.append(json.loads(out)["seconds"]["optimum, one limit"])
            with open(file.name, encoding="utf-8") as text:
                problem = json.load(text)
            best, took = solve(problem)
            theirs.append(took)
            # Cbc is exact to its tolerance of 1e-6 or so of the objective.
            print(f"ours {ours[-1]:.4f} s, Cbc {took:.2f} s, scores {problem['best']} and {best}", flush=True)
            assert abs(best - problem["best"]) <= 1e-6 * abs(problem["best"])
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"{space}, {metric} <= {limit}: medians {a:.4f} s and {b:.2f} s, {b / a:.0f} times")


if __name__ == "__main__":
    main()
