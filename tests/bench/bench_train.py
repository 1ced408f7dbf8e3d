"""The loop of bench_train.cpp in Python PyTorch, on the same networks (plan_network.py).

bench_train.py --bundle FOLDER [--KEY VALUE ...] [--case "KEY=VALUE ..." ...]
--compile MODE (default, reduce-overhead ...) compiles the network; `eager` only traces it.
--compare 1 tells how far losses and gradients are from those of nas instead of timing.
--judge CALIBRATION,BATCH,IMAGES,BATCH times judging each network of the bundle with that many
resident images: batch norms measured anew, then the accuracy.
Prints one line of JSON for each case."""
import json
import os
import sys
import time

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

import torch  # noqa: E402  (cuBLAS reads the variable when it starts)
import torch.nn.functional as F  # noqa: E402

from plan_network import Supernet, compare  # noqa: E402

DEFAULTS = {"space": "resnet20-pool", "arch": "", "paths": "fixed", "batch": "128", "steps": "0",
            "seconds": "2", "precision": "fp32", "layout": "contiguous", "deterministic": "1",
            "device": "cpu", "threads": "0", "peak": "0", "compile": "", "compare": "0",
            "judge": ""}
# Tolerances of --compare. On a CPU the same kernels run; on a GPU a ReLU whose input is 0 but for
# rounding moves the gradient of a small batch by hundredths (tests/gpu/gpu_agree.cpp).
MOST_LOSS = 1e-4


def wait_for(device):
    if device != "cpu":
        torch.cuda.synchronize()


def set_arithmetic(o):
    tf32 = o["precision"] == "tf32"
    torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32
    deterministic = o["deterministic"] == "1"
    torch.backends.cudnn.deterministic = deterministic
    torch.backends.cudnn.benchmark = not deterministic
    torch.use_deterministic_algorithms(deterministic and o["device"] != "cpu", warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False


class Loop:
    def __init__(self, o, folder):
        self.device = o["device"]
        set_arithmetic(o)
        last = o["layout"] == "channels_last"
        self.net = Supernet(folder, o["space"], self.device, last)
        self.steps = self.net.bundle["steps"][o["paths"]]
        self.sandwich = o["paths"] == "sandwich"
        self.batch = int(o["batch"])
        self.images = torch.rand(self.batch, *self.net.bundle["input"], device=self.device)
        if last:
            self.images = self.images.contiguous(memory_format=torch.channels_last)
        self.labels = torch.randint(self.net.bundle["classes"], (self.batch,), device=self.device)
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.01, momentum=0.9,
                                         weight_decay=5e-4)
        self.autocast = torch.autocast(self.device.split(":")[0], torch.bfloat16,
                                       enabled=o["precision"] == "bf16")
        self.model = self.net
        if o["compile"]:
            how = {"backend": "eager"} if o["compile"] == "eager" else {"mode": o["compile"]}
            self.model = torch.compile(self.net, **how)
        self.done = 0

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        taught = None
        for path in self.steps[self.done % len(self.steps)]:
            with self.autocast:
                logits = self.model(self.images, path)
                if taught is None:
                    loss = F.cross_entropy(logits, self.labels)
                else:
                    loss = -(taught * F.log_softmax(logits, 1)).sum(1).mean()
            loss.backward()
            if self.sandwich and taught is None:
                taught = F.softmax(logits.detach().float(), 1)
        self.optimizer.step()
        self.done += 1

    def timed(self, n):
        wait_for(self.device)
        start = time.perf_counter()
        for _ in range(n):
            self.step()
        wait_for(self.device)
        return time.perf_counter() - start

    def host_share(self, n):
        host = whole = 0.0
        for _ in range(n):
            wait_for(self.device)
            start = time.perf_counter()
            self.step()
            host += time.perf_counter() - start
            wait_for(self.device)
            whole += time.perf_counter() - start
        return host / whole

    def measure(self, o):
        began = time.perf_counter()
        self.timed(max(len(self.steps), 3))
        first = time.perf_counter() - began
        steps = int(o["steps"])
        if steps == 0:
            rounds = float(o["seconds"]) / self.timed(len(self.steps))
            steps = len(self.steps) * max(1, int(rounds))
        seconds = self.timed(steps)
        line = {"program": "python compiled" if o["compile"] else "python"}
        for key in ("space", "paths", "precision", "layout", "device"):
            line[key] = o[key]
        line.update(batch=self.batch, deterministic=o["deterministic"] == "1",
                    threads=torch.get_num_threads(), torch=torch.__version__, steps=steps,
                    step_ms=1e3 * seconds / steps, images_per_second=steps * self.batch / seconds)
        if o["compile"]:
            line.update(compile=o["compile"], first_steps_seconds=first)
        if self.device != "cpu":
            line["host_share"] = self.host_share(2 * len(self.steps))
        return line


def judged(o, folder):
    last = o["layout"] == "channels_last"
    net = Supernet(folder, o["space"], o["device"], last)

    def batches(images, batch):
        count = -(-images // batch)
        cut = [images * k // count for k in range(count + 1)]
        made = [torch.rand(b - a, *net.bundle["input"]) for a, b in zip(cut, cut[1:])]
        return [t.contiguous(memory_format=torch.channels_last) if last else t for t in made]

    numbers = [int(n) for n in o["judge"].split(",")]
    calibration, images = batches(*numbers[:2]), batches(*numbers[2:])
    labels = [torch.randint(net.bundle["classes"], (len(t),)) for t in images]
    net.judge(0, calibration[:1], images[:1], labels[:1])
    start = time.perf_counter()
    for plan in range(len(net.plans)):
        net.judge(plan, calibration, images, labels)
    seconds = time.perf_counter() - start
    return {"program": "python", "space": o["space"], "judge": o["judge"],
            "threads": torch.get_num_threads(), "networks": len(net.plans), "seconds": seconds}


def compared(o, folder):
    set_arithmetic(o)
    found = compare(Supernet(folder, o["space"], o["device"]), o["device"])
    most = 2e-3 if o["device"] == "cpu" else 0.3
    ok = found["plans"] > 0 and found["loss"] <= MOST_LOSS and found["gradient"] <= most
    values = dict(found, loss_tolerance=MOST_LOSS, gradient_tolerance=most)
    return {"name": f"{o['space']} in Python on {o['device']}", "status": "ok" if ok else "failed",
            "values": values}


def main(words):
    keys, cases, folder = dict(DEFAULTS), [], ""
    if len(words) % 2:
        sys.exit("options come in pairs")
    for key, value in zip(words[::2], words[1::2]):
        if key == "--case":
            cases.append(value)
        elif key == "--bundle":
            folder = value
        elif key[2:] in keys:
            keys[key[2:]] = value
        else:
            sys.exit(f"unknown option {key}")
    if int(keys["threads"]):
        torch.set_num_threads(int(keys["threads"]))
    failed = False
    for case in cases or [""]:
        o = dict(keys)
        for word in case.split():
            key, value = word.split("=", 1)
            o[key] = value
        if o["compare"] == "1":
            line = compared(o, folder)
        else:
            line = judged(o, folder) if o["judge"] else Loop(o, folder).measure(o)
        failed = failed or line.get("status") == "failed"
        print(json.dumps(line), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
