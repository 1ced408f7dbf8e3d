"""Proves and measures on one GPU all that needs one.

Results stand in OUT/results.jsonl as soon as they are known, OUT/table.md is written anew after each
part, OUT/log.txt tells the commands and what they said. --dry-run walks the same way on the CPU with
tiny sizes, so that nothing is tried for the first time where minutes count. Exit code 0 when every
check passed, 1 otherwise, 2 when it could not begin."""
import argparse
import atexit
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile

import checks
import speed
import table
from walk import Walk

HERE = os.path.dirname(os.path.abspath(__file__))
PACKED = os.path.join(HERE, "programs.tar.gz")

# In order of value: (name, most seconds, function). A dry run is limited as a whole: how busy a
# machine is says nothing there.
PARTS = [
    ("doctor", 60, checks.doctor),
    ("agree", 120, checks.agree),
    ("python network", 60, checks.python_network),
    ("resume", 60, checks.resume),
    ("training speed", 150, speed.training),
    ("judging", 60, checks.judging),
    ("trouble", 45, checks.trouble),
    ("data", 20, speed.loading),
    ("whole runs", 70, speed.whole_runs),
    ("measure", 30, checks.measure),
    ("compiled", 100, speed.compiled),
]


def cannot_begin(why):
    print(why, file=sys.stderr)
    sys.exit(2)


class Tools:
    """Where the programs lie, and the environment they need."""

    def __init__(self, build, python):
        self.python = python
        self.environment = dict(os.environ)
        self.nas = self.find(build, "nas")
        self.find(build, "nas-torch")
        self.agree = self.find(build, "gpu_agree", "tests/gpu")
        self.bench = self.find(build, "bench_train", "tests/bench")
        self.load = self.find(build, "bench_load", "tests/bench")
        scripts = [os.path.join(HERE, "bench_train.py"), os.path.join(HERE, "../bench/bench_train.py")]
        self.bench_python = next(s for s in scripts if os.path.exists(s))
        self.torch_folder, self.torch_version = self.python_torch()
        self.prepare(build)

    @staticmethod
    def find(build, name, room=""):
        for path in (os.path.join(build, name), os.path.join(build, room, name)):
            if os.access(path, os.X_OK) and os.path.isfile(path):
                return path
        cannot_begin(f"error: there is no {name} in {build}; name a build folder with --build, or make "
                 "one to carry with ./dev gpu-pack")

    def python_torch(self):
        """Folder and version of the Python package, or nothing."""
        asked = ("import torch, os; print(os.path.dirname(torch.__file__)); "
                 "print(torch.__version__)")
        try:
            done = subprocess.run([self.python, "-c", asked], capture_output=True, text=True,
                                  timeout=120, check=True)
        except (OSError, subprocess.SubprocessError):
            return "", ""
        return tuple(done.stdout.split("\n")[:2])

    def starts(self):
        done = subprocess.run([self.agree, "--help"], capture_output=True, text=True,
                              env=self.environment, check=False)
        return done.returncode == 2 and "usage" in done.stderr, done.stderr.strip()

    def prepare(self, build):
        """Libraries beside the programs, configurations, and LibTorch where it is not found."""
        folders = [os.path.join(build, "lib")] if os.path.isdir(os.path.join(build, "lib")) else []
        configs = os.path.join(build, "configs")
        if os.path.isdir(configs):
            self.environment["NAS_CONFIGS"] = configs
        named = self.environment.get("NAS_LIBTORCH", "")
        self.set_path(folders + ([os.path.join(named, "lib")] if named else []))
        if not named and self.torch_folder and not self.starts()[0]:
            self.environment["NAS_LIBTORCH"] = self.torch_folder
            self.set_path(folders + [os.path.join(self.torch_folder, "lib")])
        works, why = self.starts()
        if not works:
            cannot_begin(f"error: {self.agree} does not start: {why}\n  Set NAS_LIBTORCH to the folder of "
                     "the torch (with lib/) that nas was built with.")

    def set_path(self, folders):
        before = os.environ.get("LD_LIBRARY_PATH", "")
        self.environment["LD_LIBRARY_PATH"] = ":".join(folders + ([before] if before else []))
        if not self.environment["LD_LIBRARY_PATH"]:
            del self.environment["LD_LIBRARY_PATH"]


def options_of(words):
    parser = argparse.ArgumentParser(prog="check.sh", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry-run", action="store_true", help="on the CPU, with tiny sizes")
    parser.add_argument("--build", help="folder of the programs (default: those that ./dev gpu-pack "
                        "put beside this file)")
    parser.add_argument("--out", default="gpu-check", help="folder of the results (%(default)s)")
    parser.add_argument("--device", default="cuda", help="cuda or cuda:N (%(default)s)")
    parser.add_argument("--seconds", type=float, help="for all parts (480; 570 in a dry run)")
    parser.add_argument("--only", help="names of parts, separated by commas")
    options = parser.parse_args(words)
    if not options.build and not os.path.exists(PACKED):
        parser.error("name the folder of the programs with --build")
    options.out = os.path.abspath(options.out)
    if options.seconds is None:
        options.seconds = 570 if options.dry_run else 480
    return options


def main(words):
    options = options_of(words)
    folder = tempfile.mkdtemp(prefix="nas-gpu-check-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    build = os.path.abspath(options.build) if options.build else os.path.join(folder, "programs")
    if not options.build:
        with tarfile.open(PACKED) as packed:
            packed.extractall(build)
    tools = Tools(build, sys.executable)
    walk = Walk(options, tools)
    walk.folder = folder

    def cut_off(number, _):
        walk.stop_child()
        walk.record("the walk", "failed", note=f"cut off by signal {number}")
        table.write(walk.out)
        shutil.rmtree(walk.folder, ignore_errors=True)
        os._exit(1)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, cut_off)
    chosen = options.only.split(",") if options.only else [part[0] for part in PARTS]
    unknown = [name for name in chosen if name not in [part[0] for part in PARTS]]
    if unknown:
        cannot_begin(f"error: there is no part {unknown[0]!r}; there are: "
                 + ", ".join(part[0] for part in PARTS))
    for name, limit, call in PARTS:
        if name in chosen:
            walk.run_part(name, options.seconds if walk.dry else limit, call)
            table.write(walk.out)
    print(f"{'every check passed' if walk.all_passed else 'NOT every check passed'}; results in "
          f"{walk.out}/table.md")
    return 0 if walk.all_passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
