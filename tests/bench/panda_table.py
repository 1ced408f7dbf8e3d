#!/usr/bin/env python3
"""Table of tests/bench/panda_experiment.sh from what is there: panda_table.py OUT DB NAS."""
import glob
import json
import os
import re
import statistics
import subprocess
import sys

METHODS = ["spos", "panda", "unbiased", "panda-cut", "unbiased-cut", "fairnas"]
LABELS = {
    "spos": "SPOS",
    "panda": "PA&DA `paper`, equal epochs",
    "unbiased": "PA&DA `unbiased`, equal epochs",
    "panda-cut": "PA&DA `paper`, equal MACs",
    "unbiased-cut": "PA&DA `unbiased`, equal MACs",
    "fairnas": "FairNAS, equal MACs",
}


def shown(nas, db, run):
    done = subprocess.run([nas, "runs", "show", run, "--db", db, "--json"],
                          capture_output=True, text=True)
    return json.loads(done.stdout) if done.returncode == 0 else None


def spread(values):
    mean = statistics.mean(values)
    return f"{mean:.3f} ({statistics.stdev(values):.3f})" if len(values) > 1 else f"{mean:.3f} (-)"


def load(out, db, nas):
    rows = {}
    for path in sorted(glob.glob(os.path.join(out, "*.rank.json"))):
        name = os.path.basename(path)[: -len(".rank.json")]
        method, seed = re.fullmatch(r"(.+)-s(\d+)", name).groups()
        with open(path) as f:
            ranking = json.load(f)
        run = shown(nas, db, name)
        metrics = run["metrics"]
        rows[method, int(seed)] = {
            "ranking": ranking,
            "metrics": {k: v["value"] for k, v in metrics.items()},
            "epochs": metrics["train.loss"]["step"],
        }
    return rows


def main():
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    out, db, nas = sys.argv[1:]
    rows = load(out, db, nas)
    if not rows:
        print("nothing is ranked yet")
        return 0
    print("| method | seeds | epochs | MACs / SPOS | tau-b of each seed (95 % interval) | mean (sd) |"
          " minus SPOS, same seeds |")
    print("|---|---|---|---|---|---|---|")
    for method in METHODS:
        seeds = sorted(s for m, s in rows if m == method)
        if not seeds:
            continue
        taus, cells, shares, gaps = [], [], [], []
        for s in seeds:
            ranker = rows[method, s]["ranking"]["rankers"][0]
            low, high = ranker["tau_b_interval"]
            taus.append(ranker["tau_b"])
            cells.append(f"{ranker['tau_b']:.3f} ({low:.2f}..{high:.2f})")
            if ("spos", s) in rows:
                base = rows["spos", s]
                shares.append(rows[method, s]["metrics"]["train.macs"] / base["metrics"]["train.macs"])
                gaps.append(ranker["tau_b"] - base["ranking"]["rankers"][0]["tau_b"])
        epochs = ", ".join(str(rows[method, s]["epochs"]) for s in seeds)
        share = f"{statistics.mean(shares):.2f}" if shares else "-"
        gap = spread(gaps) if gaps and method != "spos" else "-"
        print(f"| {LABELS[method]} | {', '.join(map(str, seeds))} | {epochs} | {share} |"
              f" {', '.join(cells)} | {spread(taus)} | {gap} |")
    first = next(iter(rows.values()))["ranking"]
    trivial = ", ".join(f"{r['ranker']} {r['tau_b']:.3f}" for r in first["rankers"][1:]
                        if r["tau_b"] is not None)
    print(f"\nOn the same {first['n']} architectures without training: {trivial}.")
    print("\n| method | seed | tau at the end | p of none, skip, 1x1, 3x3, pool | distinct images |"
          " V(q)/V(uniform) | V*/V(uniform) | 2nd moment unweighted / uniform |")
    print("|---|---|---|---|---|---|---|---|")
    for (method, seed), row in sorted(rows.items()):
        m = row["metrics"]
        if "panda.tau" not in m:
            continue
        options = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]
        p = []
        for option in options:
            values = [v for k, v in m.items() if k.startswith("path.p.") and k.endswith("." + option)]
            p.append(f"{statistics.mean(values):.3f}")
        v = m["gradient.variance.uniform"]
        print(f"| {method} | {seed} | {m['panda.tau']:.3f} | {' '.join(p)} |"
              f" {m['data.distinct_share']:.3f} | {m['gradient.variance.sampling'] / v:.3f} |"
              f" {m['gradient.variance.best'] / v:.3f} |"
              f" {m['gradient.second_moment.unweighted'] / m['gradient.second_moment.uniform']:.3f} |")
    return 0


sys.exit(main())
