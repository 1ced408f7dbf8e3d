#!/usr/bin/env python3
"""Answers lines of `nas latency export-work`: one JSON object in, one out.

    nas latency export-work digits --out work.jsonl
    python3 runner.py < work.jsonl > done.jsonl
    nas latency import-results done.jsonl --work work.jsonl --unit ms \
        --device laptop --batch 1 --dtype float32

It times PyTorch where that can be imported. For another runtime replace
`make` by what runs one op there; all else stays. `--estimate G` times
nothing: it answers MACs / (G * 10^9 a second), to try the way of the data.
"""
import argparse
import json
import sys
import time


def elements(shape):
    count = 1
    for size in shape:
        count *= size
    return count


def macs(work):
    """Multiply-adds of one op; of a network those of its layers."""
    if work["op"] == "network":
        return sum(macs(layer) for layer in work["layers"])
    a = work["attributes"]
    if work["op"] == "conv2d":
        depth = a["in_channels"] // a["groups"]
        return elements(work["output"]) * depth * a["kernel"] ** 2
    if work["op"] == "linear":
        return elements(work["inputs"][0]) * work["output"][-1]
    return elements(work["output"])


def make(work):
    """A function without arguments that runs the op once."""
    import torch
    from torch import nn

    inputs = [torch.rand(shape) for shape in work["inputs"]]
    a, op, x = work["attributes"], work["op"], inputs[0]
    acts = {
        "relu": nn.ReLU(), "relu6": nn.ReLU6(), "swish": nn.SiLU(),
        "h_swish": nn.Hardswish(), "h_sigmoid": nn.Hardsigmoid(),
        "sigmoid": nn.Sigmoid(),
    }
    if op in acts:
        return lambda: acts[op](x)
    if op == "conv2d":
        layer = nn.Conv2d(a["in_channels"], a["out_channels"], a["kernel"],
                          a["stride"], a["padding"], a["dilation"],
                          a["groups"], a["bias"]).eval()
        return lambda: layer(x)
    if op == "linear":
        layer = nn.Linear(x.shape[-1], work["output"][-1], a["bias"]).eval()
        return lambda: layer(x)
    if op == "batch_norm":
        layer = nn.BatchNorm2d(x.shape[1]).eval()
        return lambda: layer(x)
    if op == "global_avg_pool":
        return lambda: x.mean((2, 3), keepdim=a["keep_dims"])
    if op == "max_pool":
        layer = nn.MaxPool2d(a["kernel"], a["stride"], a["padding"])
        return lambda: layer(x)
    if op == "avg_pool":
        layer = nn.AvgPool2d(a["kernel"], a["stride"], a["padding"],
                             count_include_pad=False)
        return lambda: layer(x)
    if op == "add":
        return lambda: sum(inputs[1:], x)
    if op == "mul":
        return lambda: x * inputs[1]
    if op == "concat":
        return lambda: torch.cat(inputs, 1)
    if op == "subsample":
        start, step = a["offset"], a["stride"]
        return lambda: x[:, :, start::step, start::step].contiguous()
    if op == "zero":
        step = a["stride"]
        return lambda: x[:, :, ::step, ::step] * 0.0
    raise ValueError("does not know the op " + op)


def measure(work, warmup=5, repeats=30):
    """Times in ms."""
    import torch

    times = []
    with torch.no_grad():
        run = make(work)
        for i in range(warmup + repeats):
            start = time.perf_counter()
            run()
            if i >= warmup:
                times.append(1e3 * (time.perf_counter() - start))
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--estimate", type=float, metavar="G")
    options = parser.parse_args()
    for line in sys.stdin:
        if not line.strip():
            continue
        work = json.loads(line)
        answer = {"id": work["id"]}  # Copied: it says what this is for.
        try:
            if options.estimate:
                answer["time"] = macs(work) / options.estimate / 1e6
            elif work["op"] == "network":
                raise ValueError("runs single ops only")
            else:
                answer["times"] = measure(work)
        except Exception as error:  # The other lines can still be answered.
            answer["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
