#!/usr/bin/env python3
"""Writes ofa_tiny.pth and ofa_tiny.json: a small once-for-all MobileNetV3 under the published
parameter names, with logits computed here, in Python, from the definitions of the paper; and
torch_small.pth and torch_small_legacy.pth: the same few tensors in both forms of torch.save. Needs torch. usage: write_ofa.py FOLDER

Space: variant mobilenetv3-32, width_mult 0.1, kernels 3 5 7, expansions 1 2, depths 1 2,
resolution 16, 3 channels, 4 classes.
"""
import collections
import json
import math
import sys

import torch
import torch.nn.functional as F

KERNELS, EXPANSIONS, DEPTH, CLASSES = [3, 5, 7], [1, 2], 2, 4


def md8(v):
    n = max(8, int(v + 4) // 8 * 8)
    return n + 8 if n < 0.9 * v else n


def width(v):
    return md8(v * 0.1)


STAGES = [(width(c), s, se, act) for c, s, se, act in
          [(24, 1, False, F.relu), (40, 2, True, F.relu), (80, 2, False, F.hardswish),
           (112, 1, True, F.hardswish), (160, 2, True, F.hardswish)]]
STEM, FINAL, MIX = width(16), width(960), width(1280)
state, counter = collections.OrderedDict(), [0]


def add(name, *shape):
    counter[0] += 1
    n = math.prod(shape)
    noise = torch.sin(12.9898 * torch.arange(n, dtype=torch.float64) + counter[0]) * 43758.5453
    wave = 2 * (noise - noise.floor()) - 1
    if name.endswith("_matrix"):
        value = torch.eye(shape[0], dtype=torch.float64) + 0.1 * wave.view(shape)
    elif name.endswith("running_var"):
        value = 1 + 0.5 * wave.view(shape)
    elif len(shape) == 1:
        value = (1 if name.endswith("bn.weight") else 0) + 0.1 * wave.view(shape)
    else:
        value = wave.view(shape) * (6 / math.prod(shape[1:])) ** 0.5
    # Half the file, and another type to read.
    state[name] = value.half() if len(shape) > 1 else value.float()


def add_bn(name, channels):
    for part in ("weight", "bias", "running_mean", "running_var"):
        add(f"{name}.{part}", channels)
    state[f"{name}.num_batches_tracked"] = torch.tensor(7)


def build():
    add("first_conv.conv.weight", STEM, 3, 3, 3)
    add_bn("first_conv.bn", STEM)
    add("blocks.0.mobile_inverted_conv.depth_conv.conv.weight", STEM, 1, 3, 3)
    add_bn("blocks.0.mobile_inverted_conv.depth_conv.bn", STEM)
    add("blocks.0.mobile_inverted_conv.point_linear.conv.weight", STEM, STEM, 1, 1)
    add_bn("blocks.0.mobile_inverted_conv.point_linear.bn", STEM)
    cin, index = STEM, 1
    for cout, _, se, _ in STAGES:
        for _ in range(DEPTH):
            p, mid = f"blocks.{index}.mobile_inverted_conv.", md8(round(cin * EXPANSIONS[-1]))
            add(p + "inverted_bottleneck.conv.conv.weight", mid, cin, 1, 1)
            add_bn(p + "inverted_bottleneck.bn.bn", mid)
            add(p + "depth_conv.conv.conv.weight", mid, 1, KERNELS[-1], KERNELS[-1])
            add(p + "depth_conv.conv.5to3_matrix", 9, 9)
            add(p + "depth_conv.conv.7to5_matrix", 25, 25)
            add_bn(p + "depth_conv.bn.bn", mid)
            if se:
                q = md8(mid // 4)
                add(p + "depth_conv.se.fc.reduce.weight", q, mid, 1, 1)
                add(p + "depth_conv.se.fc.reduce.bias", q)
                add(p + "depth_conv.se.fc.expand.weight", mid, q, 1, 1)
                add(p + "depth_conv.se.fc.expand.bias", mid)
            add(p + "point_linear.conv.conv.weight", cout, mid, 1, 1)
            add_bn(p + "point_linear.bn.bn", cout)
            cin, index = cout, index + 1
    add("final_expand_layer.conv.weight", FINAL, cin, 1, 1)
    add_bn("final_expand_layer.bn", FINAL)
    add("feature_mix_layer.conv.weight", MIX, FINAL, 1, 1)
    add("classifier.linear.weight", CLASSES, MIX)
    add("classifier.linear.bias", CLASSES)


def bn(name, x):
    c = x.shape[1]
    m, v, w, b = (state[f"{name}.{p}"][:c].double()
                  for p in ("running_mean", "running_var", "weight", "bias"))
    return F.batch_norm(x, m, v, w, b, False, 0, 1e-5)


def kernel(name, mid, k):
    w, size = state[name + "conv.weight"][:mid].double(), KERNELS[-1]
    while size > k:
        crop = w[:, :, 1:-1, 1:-1].reshape(mid, -1)
        w = F.linear(crop, state[f"{name}{size}to{size - 2}_matrix"].double())
        size -= 2
        w = w.view(mid, 1, size, size)
    return w


def block(index, x, cout, stride, se, act, k, e):
    p, cin = f"blocks.{index}.mobile_inverted_conv.", x.shape[1]
    mid = md8(round(cin * e))
    y = F.conv2d(x, state[p + "inverted_bottleneck.conv.conv.weight"][:mid].double())
    y = act(bn(p + "inverted_bottleneck.bn.bn", y))
    y = F.conv2d(y, kernel(p + "depth_conv.conv.", mid, k), None, stride, k // 2, 1, mid)
    y = act(bn(p + "depth_conv.bn.bn", y))
    if se:
        q, s = md8(mid // 4), p + "depth_conv.se.fc."
        g = y.mean((2, 3), keepdim=True)
        g = F.conv2d(g, state[s + "reduce.weight"][:q, :mid].double(), state[s + "reduce.bias"][:q].double())
        g = F.conv2d(F.relu(g), state[s + "expand.weight"][:mid, :q].double(),
                     state[s + "expand.bias"][:mid].double())
        y = y * F.hardsigmoid(g)
    y = bn(p + "point_linear.bn.bn",
           F.conv2d(y, state[p + "point_linear.conv.conv.weight"][:, :mid].double()))
    return y + x if stride == 1 and cin == cout else y


def network(x, ks, es, ds):
    x = F.hardswish(bn("first_conv.bn",
                       F.conv2d(x, state["first_conv.conv.weight"].double(), None, 1, 1)))
    p = "blocks.0.mobile_inverted_conv."
    y = F.conv2d(x, state[p + "depth_conv.conv.weight"].double(), None, 1, 1, 1, STEM)
    y = F.relu(bn(p + "depth_conv.bn", y))
    x = x + bn(p + "point_linear.bn", F.conv2d(y, state[p + "point_linear.conv.weight"].double()))
    for s, (cout, stride, se, act) in enumerate(STAGES):
        for j in range(ds[s]):
            i = DEPTH * s + j
            x = block(i + 1, x, cout, stride if j == 0 else 1, se, act, ks[i], es[i])
    x = F.hardswish(bn("final_expand_layer.bn",
                       F.conv2d(x, state["final_expand_layer.conv.weight"].double())))
    x = x.mean((2, 3))
    x = F.hardswish(F.linear(x, state["feature_mix_layer.conv.weight"].flatten(1).double()))
    return F.linear(x, state["classifier.linear.weight"].double(),
                    state["classifier.linear.bias"].double())


def main(folder):
    build()
    torch.save({"state_dict": state, "epoch": 3}, f"{folder}/ofa_tiny.pth")
    few = collections.OrderedDict((k, v) for k, v in state.items() if k.startswith("blocks.0."))
    few["view"] = torch.arange(12.0).view(3, 4).t()[1:, ::2]  # A view with strides and an offset.
    few["bf16"] = torch.tensor([1.5, -2.0]).bfloat16()
    few["wrapped"] = torch.nn.Parameter(torch.tensor([3.0, 4.0]))
    for name, zipped in (("torch_small.pth", True), ("torch_small_legacy.pth", False)):
        torch.save(few, f"{folder}/{name}", _use_new_zipfile_serialization=zipped)
    t = torch.arange(4 * 3 * 16 * 16, dtype=torch.float64)
    x = (torch.cos(0.1 * t) + 0.5 * torch.sin(0.013 * t ** 1.5)).view(4, 3, 16, 16)
    cases = []
    for ks, es, ds in [([7] * 10, [2] * 10, [2] * 5), ([3] * 10, [1] * 10, [1] * 5),
                       ([3, 5, 7, 3, 5, 7, 3, 5, 7, 3], [1, 2, 2, 1, 2, 1, 1, 2, 2, 1], [2, 1, 2, 2, 1])]:
        cases.append({"arch": str({"ks": ks, "e": es, "d": ds, "r": [16]}),
                      "logits": network(x, ks, es, ds).tolist()})
    with open(f"{folder}/ofa_tiny.json", "w") as f:
        json.dump(cases, f, indent=1)


main(sys.argv[1])
