#!/usr/bin/env python3
"""Tables of tests/bench/mixture_experiment.sh from what is there: mixture_table.py OUT."""
import glob
import json
import os
import re
import statistics
import sys

LABELS = {
    "r1": "R1: one model, base epochs",
    "r4": "R4: four models, learned",
    "c1": "C1: one model, epochs of R4",
    "c2": "C2: four models, divided by chance",
}
# What balanced_mixture.md 8.4 (i) asks of R4.
KL_AFTER, SPREAD, ROWS = 1e-4, 0.15, (7, 11)


def load(out):
    rows = {}
    for path in sorted(glob.glob(os.path.join(out, "*.rank.json"))):
        cell, seed = re.fullmatch(r"(.+)-s(\d+)", os.path.basename(path)[:-10]).groups()
        with open(path) as f:
            ranking = json.load(f)
        with open(path[:-10] + ".history.json") as f:
            history = json.load(f)["steps"]
        rows[cell, int(seed)] = (ranking, history)
    return rows


def number(value, digits=3):
    return "-" if value is None else f"{value:.{digits}f}"


def accuracy(ranking):
    """Mean over the architectures of what the supernet says of them, in percent."""
    name = ranking["rankers"][0]["ranker"]
    return 100 * statistics.mean(a["predicted"][name] for a in ranking["architectures"])


def line(label, seed, epochs, r, mean):
    print(f"| {label} | {seed} | {epochs} | {number(r['tau_b'])} "
          f"({' .. '.join(number(v, 2) for v in r['tau_b_interval'])}) | {number(r['spearman'])} | "
          f"{number(r.get('regret_at_5'), 2)} | {mean} |")


def ranks(rows):
    print("| supernet | seed | epochs | tau-b (95 % interval) | Spearman | top-5 regret |"
          " mean accuracy |")
    print("|---|---|---|---|---|---|---|")
    for (cell, seed), (ranking, history) in sorted(rows.items()):
        line(LABELS.get(cell, cell), seed, len(history), ranking["rankers"][0],
             f"{accuracy(ranking):.2f} %")
    first = next(iter(rows.values()))[0]
    for r in first["rankers"][1:]:
        if r["tau_b"] is not None:
            line(f"{r['ranker']}, no training", "-", "-", r, "-")


def difference(rows, a, b):
    """tau-b of a minus that of b, of the seeds that both have."""
    seeds = sorted(s for c, s in rows if c == a and (b, s) in rows)
    return [rows[a, s][0]["rankers"][0]["tau_b"] - rows[b, s][0]["rankers"][0]["tau_b"]
            for s in seeds]


def effect(rows):
    print()
    for other in ("r1", "c1", "c2"):
        gaps = difference(rows, "r4", other)
        if not gaps:
            continue
        text = ", ".join(f"{g:+.3f}" for g in gaps)
        asked = ""
        if other == "r1":
            good = min(gaps) > 0 and statistics.mean(gaps) >= 0.15
            asked = f": {'holds' if good else 'does not hold'} (asked: each above 0, mean 0.15)"
        print(f"tau-b of R4 minus {other.upper()}: {text}, mean {statistics.mean(gaps):+.3f}{asked}")


def mechanics(rows):
    if all(cell != "r4" for cell, _ in rows):
        return
    print("\n| seed | largest KL after balancing | (most - least) / mean steps | architectures of"
          " each model | KL before: largest (epoch), last | holds |")
    print("|---|---|---|---|---|---|")
    for (cell, seed), (_, history) in sorted(rows.items()):
        if cell != "r4":
            continue
        last = history[-1]
        models = sum(1 for k in last if k.startswith("mixture.steps."))
        steps = [last[f"mixture.steps.{m}"] for m in range(models)]
        owned = [int(last[f"mixture.rows.{m}"]) for m in range(models)]
        after = max(e["mixture.kl_after"] for e in history)
        before = [e["mixture.kl_before"] for e in history]
        spread = (max(steps) - min(steps)) / statistics.mean(steps)
        good = (after <= KL_AFTER and spread <= SPREAD and max(before) > KL_AFTER
                and all(ROWS[0] <= n <= ROWS[1] for n in owned))
        print(f"| {seed} | {after:.2g} | {spread:.3f} | {' '.join(map(str, owned))} |"
              f" {max(before):.2g} ({before.index(max(before)) + 1}), {before[-1]:.2g} |"
              f" {'yes' if good else 'no'} |")
    print(f"\nAsked of R4: KL after at most {KL_AFTER:g}, spread of steps at most {SPREAD:g},"
          f" {ROWS[0]} to {ROWS[1]} architectures for each model, KL before above {KL_AFTER:g}"
          " somewhere. Below about 15 visits of each pair there is no association yet.")


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    rows = load(sys.argv[1])
    if not rows:
        print("nothing is ranked yet")
        return 0
    ranks(rows)
    effect(rows)
    mechanics(rows)
    return 0


sys.exit(main())
