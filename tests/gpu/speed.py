"""What is measured on a GPU, each part beside the same in Python where Python has it."""
import os
import time

from checks import bundle, need_python_torch, store, write
from walk import Failed, Skipped


def case(space, batch, precision="fp32", paths="uniform", **more):
    words = [f"space={space}", f"batch={batch}", f"paths={paths}", f"precision={precision}",
             f"deterministic={1 if precision == 'fp32' else 0}"]
    return " ".join(words + [f"{key}={value}" for key, value in more.items()])


TRAINING = [case("nasbench201-n1", 64), case("nasbench201-n1", 256),
            case("nasbench201", 64), case("nasbench201", 256),
            case("resnet20-pool", 128), case("mobilenet-32", 128),
            case("nasbench201", 256, "tf32"), case("nasbench201", 256, "bf16")]
# bf16 is emulated on most CPUs, slowly.
TRAINING_DRY = [case("nasbench201-n1", 4), case("mobilenet-32", 2, paths="fixed"),
                case("resnet20-pool", 1, "bf16", "fixed")]


def words_of(cases, device, seconds, threads):
    words = ["--device", device, "--seconds", str(seconds), "--threads", str(threads)]
    for text in cases:
        words += ["--case", text]
    return words


def training(walk):
    """Rounds of both programs, the first of a round changing, until the time is over."""
    cases, seconds, most = (TRAINING_DRY, 0.05, 1) if walk.dry else (TRAINING, 0.7, 4)
    words = words_of(cases, walk.device, seconds, 1 if walk.dry else 4)
    ours = ("nas", [walk.tools.bench, *words])
    try:
        need_python_torch(walk)
        theirs = ("python", [walk.tools.python, walk.tools.bench_python, "--bundle", bundle(walk),
                             *words])
        programs = [ours, theirs]
    except Skipped as why:
        walk.record("python", "skipped", note=str(why), needed=not walk.dry)
        programs = [ours]
    longest = 0.0
    for number in range(most):
        if number > 0 and time.monotonic() + 1.2 * longest > walk.part_end:
            break
        start = time.monotonic()
        for name, command in programs if number % 2 == 0 else reversed(programs):
            walk.lines_of(command, name)
        longest = max(longest, time.monotonic() - start)


def compiled(walk):
    """One fixed path: nas, Python, and Python compiled for it."""
    need_python_torch(walk)
    folder = bundle(walk)
    if walk.dry:
        cases, seconds, modes = [case("resnet20-pool", 2, paths="fixed")], 0.05, ["eager"]
    else:
        cases = [case(space, 64, "tf32", "fixed") for space in ("nasbench201", "resnet20-pool")]
        seconds, modes = 0.7, ["default", "reduce-overhead"]
    words = words_of(cases, walk.device, seconds, 1 if walk.dry else 4)
    walk.lines_of([walk.tools.bench, *words], "nas")
    python = [walk.tools.python, walk.tools.bench_python, "--bundle", folder]
    walk.lines_of([*python, *words], "python")
    for mode in modes:
        walk.lines_of([*python, "--compile", mode, *words], "python compiled")


def loading(walk):
    """The loader alone; whole_runs tells how much of it training waits for."""
    more = ["--images", "500", "--seconds", "0.05", "--workers", "1,2"] if walk.dry else []
    walk.lines_of([walk.tools.load, *more], "images of 32x32 in memory")


# ---- The real program.


def whole_runs(walk):
    if walk.dry:
        space = "{family: nasbench201, width: 4, cells: 1, resolution: 8, form: supernet}"
        size, resolution, batch, few, many = 120, 8, 20, 2, 4
    else:
        space, size, resolution, batch, few, many = "nasbench201", 20000, 32, 256, 4, 104
    config = write(os.path.join(walk.folder, "whole.yaml"), f"""space: {space}
data: {{kind: synthetic, synthetic_size: {size}, synthetic_resolution: {resolution},
  crop_padding: {resolution // 8}, flip: true, workers: {1 if walk.dry else 8}}}
train:
  epochs: 2
  batch: {batch}
  optimizer: {{lr: 0.05, clip_norm: 5}}
  validation: {{every: 0}}
evaluate: {{images: {100 if walk.dry else 2000}}}
device: {walk.device}
threads: {1 if walk.dry else 8}
""")
    db = store(walk, "speed")

    def train(precision):
        walk.nas(["train", "-q", "--config", config, "--name", precision, "--set",
                  f"train.precision={precision}"], db=db)
        shown = walk.nas(["runs", "show", precision], db=db)["metrics"]
        loss = shown["train.loss"]["value"]
        if not loss < 5:
            raise Failed(f"the loss is {loss}")
        # Of the second epoch: the first one loads kernels.
        return {"precision": precision, "batch": batch, "loss": loss,
                "images_per_second": shown["time.images_per_second"]["value"],
                "data_wait_share": shown["time.data_wait_share"]["value"]}

    def evaluate():
        seconds = {}
        for count in (few, many):
            done = walk.run([walk.tools.nas, "evaluate", "-q", "--run", "fp32", "--sample",
                             str(count), "--json", "--db", db])
            if done.code != 0:
                raise Failed(done.last_words())
            seconds[count] = done.seconds
        # What both have, start and data, falls out.
        each = max(seconds[many] - seconds[few], 1e-3) / (many - few)
        return {"subnets": many - few, "images": 100 if walk.dry else 2000,
                "subnets_per_second": 1 / each, "whole_command_seconds": seconds[many]}

    walk.check("nas train fp32", lambda: train("fp32"))
    walk.check("nas evaluate", evaluate)
    walk.check("nas train bf16", lambda: train("bf16"))
    if not walk.dry:
        walk.check("nas train tf32", lambda: train("tf32"))
