#!/usr/bin/env python3
"""How nas gains by cores: batches in parts (its default) against threads inside ops against the same
loops in Python PyTorch (eager), for training steps and for judging.

scaling.py BUILD PYTHON OUT [--workers 1,2] [--rounds 3] [--seconds 4] [--only WORDS]

BUILD: a build folder with `nas` and bench_train; PYTHON: one that has torch; OUT: a folder for what
is measured, one line of JSON for each process (kept: a second start goes on). All variants of a
row run in turn, `rounds` times; equal precision (fp32) and layout (channels last). A process is
timed by itself after a warm-up, its peak memory told by the system. Judging by nas is the whole
command, start included; that of Python the loop alone."""
import argparse
import collections
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))

# Name, space, paths of a step, batch, steps that are timed (0: as many as --seconds hold).
STEPS = [("digits sandwich", "digits", "sandwich", 64, 0),
         ("resnet20-pool SPOS", "resnet20-pool", "uniform", 128, 16),
         ("NB201 C=16 N=1 SPOS", "nasbench201-n1", "uniform", 128, 16),
         ("NB201 C=16 N=1 fair", "nasbench201-n1", "fair", 128, 3),
         ("mobilenet-32 sandwich", "mobilenet-32", "sandwich", 64, 4)]
# Space, data, images of the calibration, its batch, images judged on, their batch.
JUDGED = [("digits", ["data.kind=digits"], (1000, 200, 288, 250)),
          ("resnet20-pool", [], (400, 200, 500, 250)),
          ("nasbench201-n1", [], (400, 200, 500, 250)),
          ("mobilenet-32", [], (400, 200, 500, 250))]


class Measured:
    """What was measured, kept in a file."""

    def __init__(self, path):
        self.path = path
        self.lines = collections.defaultdict(list)
        if os.path.exists(path):
            for line in open(path):
                kept = json.loads(line)
                self.lines[kept["key"]].append(kept)

    def add(self, key, words, round_number, value_of):
        if len(self.lines[key]) > round_number:
            return
        start = time.perf_counter()
        child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        text = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        if child.returncode:
            sys.exit(f"failed ({child.returncode}): " + " ".join(words))
        line = {"key": key, "ms": value_of(text, seconds), "megabytes": usage.ru_maxrss / 1024}
        self.lines[key].append(line)
        with open(self.path, "a") as file:
            file.write(json.dumps(line) + "\n")
        print(f"{line['ms']:9.1f} ms {line['megabytes']:6.0f} MB  {key}", file=sys.stderr, flush=True)

    def ms(self, key):
        return [line["ms"] for line in self.lines[key]]

    def megabytes(self, key):
        return max((line["megabytes"] for line in self.lines[key]), default=0)


def last_line(text):
    return json.loads(text.strip().splitlines()[-1])


class Bench:
    def __init__(self, o):
        self.o = o
        os.makedirs(o.out, exist_ok=True)
        self.measured = Measured(os.path.join(o.out, "measured.jsonl"))
        self.nas = os.path.join(o.build, "nas")
        self.bench = os.path.join(o.build, "tests/bench/bench_train")
        self.folder = os.path.join(o.out, "bundle")
        self.rows = []  # Name, prefix of the keys.

    def bundle(self, space):
        path = os.path.join(self.folder, space + ".json")
        if not os.path.exists(path):
            subprocess.run([self.bench, "--bundle", self.folder, "--space", space], check=True)
        return json.load(open(path))

    def steps(self):
        for name, space, paths, batch, steps in STEPS:
            if self.o.only and self.o.only not in name:
                continue
            self.bundle(space)
            self.rows.append((name, name))
            words = ["--space", space, "--paths", paths, "--batch", str(batch), "--layout",
                     "channels_last", "--seconds", str(self.o.seconds), "--steps", str(steps)]
            for r in range(self.o.rounds):
                for w in self.o.workers:
                    for variant, shards in (("parts", "auto"), ("inside", "0")):
                        self.measured.add(f"{name} {variant} {w}",
                                          [self.bench, *words, "--threads", str(w), "--shards", shards],
                                          r, lambda text, _: last_line(text)["step_ms"])
                    self.measured.add(f"{name} python {w}",
                                      [self.o.python, os.path.join(HERE, "bench_train.py"), "--bundle",
                                       self.folder, *words, "--threads", str(w)],
                                      r, lambda text, _: last_line(text)["step_ms"])

    def run_of(self, space, data, numbers):
        """A run whose weights are judged: how good they are does not matter."""
        db = os.path.join(self.o.out, space + ".db")
        settings = data or ["data.kind=synthetic", "data.synthetic_size=4000",
                            "data.synthetic_resolution=32", "data.synthetic_classes=10"]
        settings = settings + ["train.epochs=1", "train.validation.every=0", "train.batch=64",
                               "train.budget.macs=1G", f"evaluate.images={numbers[2]}",
                               f"evaluate.batch={numbers[3]}",
                               f"evaluate.recalibrate.images={numbers[0]}",
                               f"evaluate.recalibrate.batch={numbers[1]}"]
        if not os.path.exists(db):
            sets = [word for s in settings for word in ("--set", s)]
            subprocess.run([self.nas, "train", "--db", db, "--name", "judged", "-q", "--set",
                            "space=" + space, *sets], check=True, stdout=subprocess.DEVNULL)
            for rest in ("-wal", "-shm"):
                if os.path.exists(db + rest):
                    sys.exit(f"{db} is in use")
        return db

    def judging(self):
        for space, data, numbers in JUDGED:
            if self.o.only and self.o.only not in space:
                continue
            networks = list(dict.fromkeys(self.bundle(space)["architectures"]))
            fresh = self.run_of(space, data, numbers)
            db = fresh + ".copy"
            archs = os.path.join(self.o.out, space + ".txt")
            truth = os.path.join(self.o.out, space + ".csv")
            with open(archs, "w") as file:
                file.write("\n".join(networks) + "\n")
            with open(truth, "w") as file:
                file.write("arch,acc\n" + "".join(f'"{a}",{k}\n' for k, a in enumerate(networks)))
            common = ["--run", "judged", "--db", db, "--json", "-q"]
            commands = {"evaluate": ["evaluate", *common, "--file", archs],
                        "rank": ["rank", *common, "--truth", truth, "--key", "arch", "--column", "acc",
                                 "--no-baseline"]}
            share = len(networks) / len(self.bundle(space)["plans"])
            for command in commands:
                self.rows.append((f"{space}, `nas {command}`", f"{space} {command}"))
            for r in range(self.o.rounds):
                for w in self.o.workers:
                    for command, words in commands.items():
                        # What was judged before would be taken from the store.
                        shutil.copy(fresh, db)
                        self.measured.add(f"{space} {command} parts {w}",
                                          [self.nas, *words, "--set", f"threads={w}"], r,
                                          lambda _, seconds: 1e3 * seconds)
                    self.measured.add(f"{space} judge python {w}",
                                      [self.o.python, os.path.join(HERE, "bench_train.py"), "--bundle",
                                       self.folder, "--space", space, "--layout", "channels_last",
                                       "--judge", ",".join(map(str, numbers)), "--threads", str(w)],
                                      r, lambda text, _: 1e3 * share * last_line(text)["seconds"])
            for w in self.o.workers:
                for command in commands:
                    self.measured.lines[f"{space} {command} python {w}"] = self.measured.lines[
                        f"{space} judge python {w}"]

    def table(self):
        workers = self.o.workers
        most = workers[-1]
        print("| what | " + " | ".join(f"nas, {w}" for w in workers) + f" | gain {most} / {workers[0]} | " +
              " | ".join(f"threads inside ops, {w}" for w in workers) + " | " +
              " | ".join(f"Python, {w}" for w in workers) + f" | Python / nas at {most} (each round) | "
              f"peak MB at {most}: nas, inside, Python |")
        print("|" + "---|" * (5 + 3 * len(workers) - 1))
        for name, prefix in self.rows:
            def cell(variant, w):
                values = self.measured.ms(f"{prefix} {variant} {w}")
                return f"{statistics.median(values):.1f}" if values else "-"

            def ratios(a, b):
                pairs = list(zip(self.measured.ms(f"{prefix} {a}"), self.measured.ms(f"{prefix} {b}")))
                return [x / y for x, y in pairs]

            gain = ratios(f"parts {workers[0]}", f"parts {most}")
            python = ratios(f"python {most}", f"parts {most}")
            memory = ", ".join(f"{self.measured.megabytes(f'{prefix} {v} {most}'):.0f}"
                               for v in ("parts", "inside", "python"))
            print(f"| {name} | " + " | ".join(cell("parts", w) for w in workers) +
                  f" | {statistics.median(gain):.2f} | " +
                  " | ".join(cell("inside", w) for w in workers) + " | " +
                  " | ".join(cell("python", w) for w in workers) +
                  f" | {statistics.median(python):.2f} ({', '.join(f'{p:.2f}' for p in python)}) | "
                  f"{memory} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("python")
    parser.add_argument("out")
    parser.add_argument("--workers", default="1,2",
                        type=lambda text: [int(word) for word in text.split(",")])
    parser.add_argument("--rounds", default=3, type=int)
    parser.add_argument("--seconds", default=4, type=float)
    parser.add_argument("--only", default="", help="rows whose name holds this")
    bench = Bench(parser.parse_args())
    bench.steps()
    bench.judging()
    bench.table()


if __name__ == "__main__":
    main()
