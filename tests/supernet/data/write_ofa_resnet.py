#!/usr/bin/env python3
"""Writes ofa_resnet_tiny.pth and ofa_resnet_tiny.json: a small once-for-all ResNet50 under the
published parameter names, with logits computed here, in Python, from search.md 2.2. Needs torch.
usage: write_ofa_resnet.py FOLDER

Space: expansions 0.1 0.2, widths 0.05 0.06, resolution 32, 3 channels, 4 classes.
"""
import collections
import json
import math
import sys

import torch
import torch.nn.functional as F

EXPANSIONS, WIDTHS, CLASSES = [0.1, 0.2], [0.05, 0.06], 4
BASE_WIDTHS, BASE_DEPTHS = [256, 512, 1024, 2048], [2, 2, 4, 2]
state = collections.OrderedDict()


def md8(v):
    n = max(8, int(v + 4) // 8 * 8)
    return n + 8 if n < 0.9 * v else n


def stem_out(w):
    return md8(64 * WIDTHS[w])


def stem_middle(w):
    return md8(stem_out(w) // 2)


def width(stage, w):
    return md8(BASE_WIDTHS[stage] * WIDTHS[w])


def middle(channels, e):
    return md8(round(channels * e))


def add(name, *shape):
    wave = torch.sin(0.7 * torch.arange(math.prod(shape), dtype=torch.float64) + len(state))
    if name.endswith("running_var"):
        value = 1 + 0.5 * wave
    elif len(shape) == 1:
        value = (1 if name.endswith("bn.weight") else 0) + 0.1 * wave
    else:
        value = wave * (3 / math.prod(shape[1:])) ** 0.5
    value = value.view(shape)
    state[name] = value.half() if len(shape) > 1 else value.float()


def add_bn(name, channels):
    for part in ("weight", "bias", "running_mean", "running_var"):
        add(f"{name}.{part}", channels)
    state[f"{name}.num_batches_tracked"] = torch.tensor(7)


def build():
    m, o = stem_middle(-1), stem_out(-1)
    for name, cin, cout in (("input_stem.0", 3, m), ("input_stem.1.conv", m, m), ("input_stem.2", m, o)):
        add(name + ".conv.conv.weight", cout, cin, 3, 3)
        add_bn(name + ".bn.bn", cout)
    cin, index = o, 0
    for stage in range(4):
        cout = width(stage, -1)
        mid = middle(cout, EXPANSIONS[-1])
        for j in range(BASE_DEPTHS[stage] + 2):
            p = f"blocks.{index}."
            for conv, shape in (("conv1", (mid, cin, 1, 1)), ("conv2", (mid, mid, 3, 3)),
                                ("conv3", (cout, mid, 1, 1))):
                add(f"{p}{conv}.conv.conv.weight", *shape)
                add_bn(f"{p}{conv}.bn.bn", shape[0])
            if j == 0:
                add(p + "downsample.conv.conv.weight", cout, cin, 1, 1)
                add_bn(p + "downsample.bn.bn", cout)
            cin, index = cout, index + 1
    add("classifier.linear.linear.weight", CLASSES, cin)
    add("classifier.linear.linear.bias", CLASSES)


def conv_bn(name, x, out, stride=1):
    w = state[name + ".conv.conv.weight"][:out, :x.shape[1]].double()
    x = F.conv2d(x, w, None, stride, w.shape[2] // 2)
    m, v, g, b = (state[f"{name}.bn.bn.{p}"][:out].double()
                  for p in ("running_mean", "running_var", "weight", "bias"))
    return F.batch_norm(x, m, v, g, b, False, 0, 1e-5)


def network(x, d, e, w):
    x = F.relu(conv_bn("input_stem.0", x, stem_middle(w[0]), 2))
    if d[0] == 2:
        x = x + F.relu(conv_bn("input_stem.1.conv", x, x.shape[1]))
    x = F.relu(conv_bn("input_stem.2", x, stem_out(w[1])))
    x = F.max_pool2d(x, 3, 2, 1)
    first = 0
    for stage in range(4):
        cout = width(stage, w[2 + stage])
        for j in range(BASE_DEPTHS[stage] + d[1 + stage]):
            i = first + j
            p, mid = f"blocks.{i}.", middle(cout, e[i])
            stride = 2 if j == 0 and stage > 0 else 1
            y = F.relu(conv_bn(p + "conv1", x, mid))
            y = F.relu(conv_bn(p + "conv2", y, mid, stride))
            y = conv_bn(p + "conv3", y, cout)
            if j == 0:
                x = conv_bn(p + "downsample", F.avg_pool2d(x, 2, 2) if stride == 2 else x, cout)
            x = F.relu(x + y)
        first += BASE_DEPTHS[stage] + 2
    x = x.mean((2, 3))
    return F.linear(x, state["classifier.linear.linear.weight"][:, :x.shape[1]].double(),
                    state["classifier.linear.linear.bias"].double())


def main(folder):
    build()
    torch.save({"state_dict": state}, f"{folder}/ofa_resnet_tiny.pth")
    t = torch.arange(4 * 3 * 32 * 32, dtype=torch.float64)
    x = (torch.cos(0.1 * t) + 0.5 * torch.sin(0.013 * t ** 1.5)).view(4, 3, 32, 32)
    mixed = [EXPANSIONS[i % 2] for i in range(18)]
    cases = []
    for d, e, w in [([2] * 5, [0.2] * 18, [1] * 6), ([0] * 5, [0.1] * 18, [0] * 6),
                    ([2, 0, 1, 2, 1], mixed, [0, 1, 1, 0, 1, 0])]:
        cases.append({"arch": str({"d": d, "e": e, "w": w}), "logits": network(x, d, e, w).tolist()})
    with open(f"{folder}/ofa_resnet_tiny.json", "w") as f:
        json.dump(cases, f, indent=1)


main(sys.argv[1])
