"""What must be right on a GPU. Each function is one part of the walk."""
import array
import csv
import glob
import json
import math
import os
import signal

from walk import Failed, Skipped

SPACES = ["nasbench201-n1", "resnet20-pool", "mobilenet-32", "nasbench201"]

TINY_SPACE = """family: nasbench201
width: {width}
cells: 1
resolution: 8
input_channels: 1
form: supernet
"""


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
    return path


def doctor(walk):
    def look():
        document = walk.nas(["doctor", "--torch"], cwd=walk.folder)
        facts = {line["name"]: line["value"] for part in document.values() if isinstance(part, list)
                 for line in part}
        gpu = document.get("gpu", [])
        values = {"card": "; ".join(line["value"] for line in gpu if line["name"] == "device"),
                  "driver": facts.get("driver"), "libtorch": facts.get("libtorch"),
                  "cpu": facts.get("cpu"), "processors": facts.get("processors"),
                  "system": facts.get("system"), "torch of Python": walk.tools.torch_version}
        if not walk.dry and not values["card"]:
            raise Failed("nas doctor names no card: " + json.dumps(gpu))
        return values

    walk.check("names the card", look)

    def versions():
        if not walk.tools.torch_version:
            raise Skipped("this Python has no torch")
        facts = walk.nas(["doctor", "--torch"], cwd=walk.folder)["libtorch"]
        built = next(line["value"] for line in facts if line["name"] == "libtorch")
        if walk.tools.torch_version.split("+")[0] != built:
            raise Failed(f"nas was built with LibTorch {built}, Python has "
                         f"{walk.tools.torch_version}")
        return {"torch": walk.tools.torch_version}

    walk.check("torch of Python is the one nas was built with", versions)


def agree(walk):
    walk.lines_of([walk.tools.agree, "--device", walk.device, "--quick", "1" if walk.dry else "0"],
                  "gpu_agree")


def need_python_torch(walk):
    if not walk.tools.torch_version:
        raise Skipped("this Python has no torch")


def bundle(walk):
    """Networks, weights and answers for Python; made once."""
    folder = os.path.join(walk.folder, "bundle")
    if not os.path.isdir(folder):
        spaces = SPACES[:3] if walk.dry else SPACES
        words = [word for space in spaces for word in ("--case", "space=" + space)]
        done = walk.run([walk.tools.bench, "--bundle", folder, *words])
        if done.code != 0:
            raise Failed("bench_train --bundle: " + done.last_words())
    return folder


def python_network(walk):
    need_python_torch(walk)
    folder = bundle(walk)
    words = [word for space in (SPACES[:3] if walk.dry else SPACES)
             for word in ("--case", "space=" + space)]
    walk.lines_of([walk.tools.python, walk.tools.bench_python, "--bundle", folder, "--compare", "1",
                   "--device", walk.device, *words], "Python network")


# ---- A run that is killed.


def small_config(walk):
    """A run of many short steps, with everything random that a resume must find again."""
    epochs, width, limit = (8, 4, 240) if walk.dry else (30, 8, 1000)
    space = "{" + ", ".join(TINY_SPACE.format(width=width).split("\n")[:-1]) + "}"
    return write(os.path.join(walk.folder, "small.yaml"), f"""space: {space}
data: {{kind: digits, limit: {limit}, crop_padding: 1, cutout: 2}}
strategy: panda
train:
  epochs: {epochs}
  batch: 48
  optimizer: {{lr: 0.05, clip_norm: 5, untouched: decay}}
  validation: {{every: 0}}
  checkpoint: {{steps: 5, epochs: 1}}
device: {walk.device}
threads: 1
""")


def store(walk, name):
    folder = os.path.join(walk.folder, name)
    os.makedirs(folder, exist_ok=True)
    return os.path.join(folder, "nas.db")


def whole_run(walk):
    """The run that is not killed: its document. Made once."""
    if not hasattr(walk, "whole"):
        walk.whole = walk.nas(["train", "-q", "--config", small_config(walk), "--name", "whole"],
                              db=store(walk, "whole"))
    return walk.whole


def metrics_of(walk, db, run):
    document = walk.nas(["runs", "show", run], db=db)
    return {name: entry for name, entry in document["metrics"].items()
            if not name.startswith("time.")}


def kill_train(walk, words, db):
    """Kills a training as soon as it has written two more checkpoints."""
    pattern = os.path.join(os.path.dirname(db), "nas-runs", "*", "checkpoint-*.safetensors")
    seen = set(glob.glob(pattern))
    before = len(seen)

    def watch(child):
        seen.update(glob.glob(pattern))
        if len(seen) >= before + 2:
            os.kill(child.pid, signal.SIGKILL)

    done = walk.run([walk.tools.nas, "train", "-q", *words, "--db", db], watch=watch)
    if done.code != -signal.SIGKILL:
        raise Failed(f"the training ended with {done.code} before it could be killed: "
                     f"{done.last_words()}")


def resume(walk):
    def look():
        whole = whole_run(walk)
        db = store(walk, "killed")
        kill_train(walk, ["--config", small_config(walk), "--name", "killed"], db)
        kill_train(walk, ["--resume", "killed"], db)
        rest = walk.nas(["train", "-q", "--resume", "killed"], db=db)
        if rest["weights_sha256"] != whole["weights_sha256"]:
            raise Failed(f"weights {rest['weights_sha256'][:16]} after two kills, "
                         f"{whole['weights_sha256'][:16]} without")
        if metrics_of(walk, db, "killed") != metrics_of(walk, store(walk, "whole"), "whole"):
            raise Failed("equal weights, but other metrics")
        return {"weights_sha256": rest["weights_sha256"][:16], "kills": 2}

    walk.check("a run killed twice ends with the same bits", look)


# ---- Judging.


def some_architectures(walk):
    space = write(os.path.join(walk.folder, "space.yaml"),
                  TINY_SPACE.format(width=4 if walk.dry else 8))
    document = walk.nas(["space", "sample", space, "-n", "12", "--seed", "1"])
    return [entry["architecture"] for entry in document["architectures"]]


def far(a, b, most):
    return abs(a - b) > most or not math.isfinite(a)


def judging(walk):
    run, db = whole_run(walk)["run"], store(walk, "whole")
    names = some_architectures(walk)

    def evaluate():
        listed = write(os.path.join(walk.folder, "list.txt"), "\n".join(names) + "\n")
        on = {device: walk.nas(["evaluate", "-q", "--run", run, "--file", listed, "--set",
                                f"device={device}"], db=db) for device in ("cpu", walk.device)}
        images = on["cpu"]["fidelity"]["images"]
        worst = 0.0
        for a, b in zip(on[walk.device]["evaluations"], on["cpu"]["evaluations"]):
            # A tie of two classes may fall the other way.
            if far(a["accuracy"], b["accuracy"], 2.5 / images) or \
                    far(a["loss"], b["loss"], 1e-3 * abs(b["loss"])):
                raise Failed(f"{a['architecture']}: {a['accuracy']}, on the CPU {b['accuracy']}")
            worst = max(worst, abs(a["loss"] - b["loss"]) / abs(b["loss"]))
        return {"networks": len(names), "loss": worst, "loss_tolerance": 1e-3}

    def rank():
        rows = "".join(f'"{name}",{(37 * i + 11) % 100 / 100}\n' for i, name in enumerate(names))
        truth = write(os.path.join(walk.folder, "truth.csv"), "architecture,accuracy\n" + rows)
        found = {}
        for device in ("cpu", walk.device):
            path = os.path.join(walk.folder, f"rank-{device.replace(':', '')}.csv")
            walk.nas(["rank", "-q", "--run", run, "--truth", truth, "--table", path, "--bootstrap",
                      "10", "--set", f"device={device}"], db=db)
            with open(path, newline="") as file:
                found[device] = {row["architecture"]: float(row["whole"])
                                 for row in csv.DictReader(file)}
        if found["cpu"].keys() != found[walk.device].keys() or not found["cpu"]:
            raise Failed("other networks are ranked than on the CPU")
        worst = max(abs(found[walk.device][name] - value) for name, value in found["cpu"].items())
        if worst > 0.01:
            raise Failed(f"an accuracy differs by {worst} from the CPU's")
        return {"networks": len(found["cpu"]), "largest difference of an accuracy": worst}

    def export():
        folder = os.path.join(walk.folder, "export")
        document = walk.nas(["export", "-q", "--run", run, "--arch", names[0], "--out", folder,
                             "--force"], db=db)
        if not document["check"]["passed"]:
            raise Failed("the exported file answers otherwise: " + json.dumps(document["check"]))
        return {"in a fresh process": "equal bits"}

    def load():
        need_python_torch(walk)
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "load_export.py")
        path = os.path.join(walk.folder, "export", "model.ts")
        done = walk.run([walk.tools.python, script, path, walk.device, "1", "8", "8"])
        if done.code != 0:
            raise Failed(done.last_words())
        return json.loads(done.out)

    walk.check("evaluate agrees with the CPU", evaluate)
    walk.check("rank agrees with the CPU", rank)
    walk.check("export proves its file", export)
    walk.check("the file answers alike in Python on both devices", load)


def measure(walk):
    def look():
        check, repeats, warmup = ("3", "3", "1") if walk.dry else ("12", "30", "5")
        found = walk.nas(["measure", "-q", "--space", "digits", "--device", walk.device, "--check",
                          check, "--repeats", repeats, "--warmup", warmup, "--threads", "1"],
                         db=store(walk, "measure"))
        values = {"ops": found["ops"], "smallest_ms": found["smallest_ms"],
                  "largest_ms": found["largest_ms"], **found["check"],
                  "relative_spread": found["relative_spread"]}
        ratio = values["measured_over_predicted"]
        # Three repeats on a processor that others use as well tell little.
        most = 20 if walk.dry else 5
        if not (values["smallest_ms"] > 0 and 1 / most < ratio < most):
            raise Failed(f"whole networks take {ratio} times the sum of their ops")
        return values

    walk.check(f"sums of ops against whole networks (within {20 if walk.dry else 5} times)", look)


# ---- What goes wrong.


def one_sentence(done, wanted):
    """Exit code 1, one error, no stack, and what it names."""
    errors = [line for line in done.err.splitlines() if line.startswith("error:")]
    if done.code != 1 or len(errors) != 1 or "frame #" in done.err or "terminate" in done.err:
        raise Failed(f"ended with {done.code} and {len(errors)} errors: {done.err[-300:]!r}")
    if wanted not in errors[0]:
        raise Failed(f"does not name {wanted}: {errors[0]}")
    return errors[0]


def not_finite(path):
    """Name of the first fp32 tensor of a file that holds an infinity or NaN."""
    with open(path, "rb") as file:
        data = file.read()
    size = int.from_bytes(data[:8], "little")
    for name, entry in json.loads(data[8:8 + size]).items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        begin, end = entry["data_offsets"]
        values = array.array("f", data[8 + size + begin:8 + size + end])
        if not all(math.isfinite(value) for value in values):
            return name
    return ""


def trouble(walk):
    def diverges():
        db = store(walk, "nan")
        sets = ["train.optimizer.lr=1000", "train.optimizer.weight_decay=1",
                "train.optimizer.clip_norm=0", "train.checkpoint.steps=2", "strategy=uniform"]
        words = [word for value in sets for word in ("--set", value)]
        done = walk.run([walk.tools.nas, "train", "-q", "--config", small_config(walk), "--name",
                         "nan", *words, "--db", db])
        sentence = one_sentence(done, "train.optimizer.lr")
        files = glob.glob(os.path.join(os.path.dirname(db), "nas-runs", "*", "*.safetensors"))
        if not files:
            raise Failed("no checkpoint was left")
        for path in files:
            if not_finite(path):
                raise Failed(f"{os.path.basename(path)} holds a broken {not_finite(path)}")
        return {"says": sentence, "healthy checkpoints": len(files)}

    def memory():
        config = write(os.path.join(walk.folder, "large.yaml"), f"""
space: {{family: nasbench201, width: 256, cells: 1, resolution: 32, form: supernet}}
data: {{kind: synthetic, synthetic_size: 7000}}
train: {{epochs: 1, batch: 4096}}
device: {walk.device}
threads: 1
""")
        command = [walk.tools.nas, "train", "-q", "--config", config, "--db", store(walk, "memory")]
        environment = {}
        if walk.dry:
            command = ["bash", "-c", 'ulimit -v 5000000 && exec "$@"', "bash", *command]
        else:  # A hundredth of the card, so that it is full at once.
            for name in ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF"):
                environment[name] = "per_process_memory_fraction:0.01"
        done = walk.run(command, environment=environment)
        return {"says": one_sentence(done, "train.batch")}

    walk.check("a training that diverges", diverges)
    walk.check("out of memory", memory)
