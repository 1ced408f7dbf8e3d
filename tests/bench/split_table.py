#!/usr/bin/env python3
"""Tables of tests/bench/split_experiment.sh from what is there.

split_table.py OUT DB NAS                      the tables
split_table.py --epochs DB NAS RUN EPOCHS      epochs of one supernet that cost what RUN cost, its
                                               scoring counted; RUN trained EPOCHS in all
"""
import csv
import glob
import json
import math
import os
import random
import re
import statistics
import subprocess
import sys

LABELS = {
    "os2": "one supernet, equal to gm2",
    "os4": "one supernet, equal to gm4",
    "rnd2": "random split, 2 leaves",
    "rnd4": "random splits, 4 leaves",
    "exh5": "exhaustive split of edge 1, 5 leaves",
    "gm2": "gradient matching, 2 leaves",
    "gm4": "gradient matching, 4 leaves",
    "pa1": "PA&DA `paper`, one supernet",
    "pa4": "PA&DA `paper` in gradient-matching splits, 4 leaves",
    "fixp": "one supernet, operations as `paper` at its end, no data importance",
}
BASELINE = {"gm2": "os2", "rnd2": "os2"}


def shown(nas, db, run):
    done = subprocess.run([nas, "runs", "show", run, "--db", db, "--json"],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def spread(values):
    mean = statistics.mean(values)
    return f"{mean:.3f} ({statistics.stdev(values):.3f})" if len(values) > 1 else f"{mean:.3f} (-)"


def interval(cell):
    return f"{cell[0]:.2f}..{cell[1]:.2f}" if cell else "-"


def load(out, db, nas):
    rows = {}
    for path in sorted(glob.glob(os.path.join(out, "*.rank.json"))):
        cell, seed = re.fullmatch(r"(.+)-s(\d+)", os.path.basename(path)[: -len(".rank.json")]).groups()
        with open(path, encoding="utf-8") as f:
            rows[cell, int(seed)] = {"ranking": json.load(f), "run": shown(nas, db, f"{cell}-s{seed}")}
    return rows


def tau_b(x, y):
    """Kendall's tau-b of short lists."""
    c = d = tx = ty = 0
    for i in range(len(x)):
        for j in range(i):
            a, b = (x[i] > x[j]) - (x[i] < x[j]), (y[i] > y[j]) - (y[i] < y[j])
            c += a * b > 0
            d += a * b < 0
            tx += a == 0 and b != 0
            ty += b == 0 and a != 0
    low = math.sqrt((c + d + tx) * (c + d + ty))
    return (c - d) / low if low else math.nan


def among_best(path, share=0.1, draws=1000):
    """Tau-b among the true best tenth with its bootstrap interval, from the predictions' CSV."""
    with open(path, encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    column = [k for k in rows[0] if k not in ("architecture", "genes", "truth")][0]
    rows.sort(key=lambda r: -float(r["truth"]))
    best = [(float(r[column]), float(r["truth"])) for r in rows[: max(2, round(share * len(rows)))]]
    rng, taus = random.Random(0), []
    for _ in range(draws):
        taus.append(tau_b(*zip(*rng.choices(best, k=len(best)))))
    taus = sorted(t for t in taus if not math.isnan(t))
    return tau_b(*zip(*best)), taus[len(taus) * 25 // 1000], taus[len(taus) * 975 // 1000]


def tables(out, db, nas):
    rows = load(out, db, nas)
    if not rows:
        print("nothing is ranked yet")
        return
    print("| weights | seeds | passes | scoring / training | MACs / os4 | tau-b of each seed (95 % interval) |"
          " mean (sd) | minus one supernet at equal compute | true top 10 %: tau-b of each seed |")
    print("|---|---|---|---|---|---|---|---|---|")
    for cell, label in LABELS.items():
        seeds = sorted(s for c, s in rows if c == cell)
        if not seeds:
            continue
        taus, texts, tops, shares, gaps, passes, macs = [], [], [], [], [], [], []
        base = BASELINE.get(cell, "os4")
        for s in seeds:
            row = rows[cell, s]
            ranker, compute = row["ranking"]["rankers"][0], row["run"]["compute"]
            taus.append(ranker["tau_b"])
            texts.append(f"{ranker['tau_b']:.3f} ({interval(ranker['tau_b_interval'])})")
            tau, low, high = among_best(os.path.join(out, f"{cell}-s{s}.csv"))
            tops.append(f"{tau:.2f} ({low:.2f}..{high:.2f})")
            passes.append(compute["passes"] + compute["scoring_passes"])
            shares.append(compute["scoring_passes"] / compute["passes"])
            if ("os4", s) in rows:
                other = rows["os4", s]["run"]["compute"]
                macs.append((compute["macs"] + compute["scoring_macs"]) / other["macs"])
            if cell not in ("os2", "os4") and (base, s) in rows:
                gaps.append(ranker["tau_b"] - rows[base, s]["ranking"]["rankers"][0]["tau_b"])
        share = f"{statistics.mean(macs):.2f}" if macs else "-"
        print(f"| {label} | {', '.join(map(str, seeds))} | {statistics.mean(passes):.0f} |"
              f" {100 * statistics.mean(shares):.0f} % | {share} | {', '.join(texts)} | {spread(taus)} | {spread(gaps) if gaps else '-'} | {', '.join(tops)} |")
    first = next(iter(rows.values()))["ranking"]
    print(f"\nOn the same {first['n']} architectures without training: "
          + ", ".join(f"{r['ranker']} {r['tau_b']:.3f}" for r in first["rankers"][1:] if r["tau_b"] is not None) + ".")


def epochs(db, nas, run, trained):
    compute = shown(nas, db, run)["compute"]
    print(max(1, round(int(trained) * (1 + compute["scoring_macs"] / compute["macs"]))))


if len(sys.argv) == 6 and sys.argv[1] == "--epochs":
    epochs(*sys.argv[2:])
elif len(sys.argv) == 4:
    tables(*sys.argv[1:])
else:
    sys.exit(__doc__)
