"""The networks of a `nas` space in Python PyTorch, read from what bench_train --bundle writes:
weights by name in their largest shape, sliced for each architecture, ops by torch.nn.functional."""
import json
import math
import os

import torch
import torch.nn.functional as F

_TYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64}


def read_safetensors(path):
    """Tensors of a file by name."""
    with open(path, "rb") as file:
        data = file.read()
    size = int.from_bytes(data[:8], "little")
    tensors = {}
    for name, entry in json.loads(data[8:8 + size]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        raw = bytearray(data[8 + size + begin:8 + size + end])
        tensors[name] = torch.frombuffer(raw, dtype=_TYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors


class Supernet(torch.nn.Module):
    """One shared set of weights; plans are compiled into lists of closures."""

    def __init__(self, folder, space, device="cpu", channels_last=False):
        super().__init__()
        with open(os.path.join(folder, space + ".json")) as file:
            self.bundle = json.load(file)
        self.start = read_safetensors(os.path.join(folder, space + ".safetensors"))
        self.dropout = True
        self.calibrated = None  # While judging: batches seen by the batch norms, or "done".
        self.weights = {}
        self.running = {}
        self.crops = {}  # Name of a weight: whether its smaller kernels are learned.

        def place(tensor):
            tensor = tensor.to(device)
            if channels_last and tensor.dim() == 4:
                tensor = tensor.contiguous(memory_format=torch.channels_last)
            return tensor

        for spec in self.bundle["tensors"]:
            name = spec["name"]
            if spec["buffer"]:
                self.running[name] = place(self.start[name].clone())
                continue
            self._add(name, place(self.start[name].clone()))
            self.crops[name] = spec["learned_crop"]
            if spec["learned_crop"]:
                for k in range(spec["shape"][2], 3, -2):
                    part = f"{name}.transform_{k}to{k - 2}"
                    self._add(part, place(self.start[part].clone()))
        self.plans = [self._compile(plan) for plan in self.bundle["plans"]]

    def _add(self, name, tensor):
        self.weights[name] = torch.nn.Parameter(tensor)
        self.register_parameter(name.replace(".", "/"), self.weights[name])

    def forward(self, x, plan=0):
        values = []
        for call, inputs in self.plans[plan]:
            values.append(call(*[x if i < 0 else values[i] for i in inputs]))
        return values[-1]

    # ---- Weights of one architecture.

    def _weight(self, spec):
        """A function that answers the tensor in the shape of the architecture."""
        name, shape = spec["name"], spec["shape"]
        whole = self.weights[name]
        if list(whole.shape) == shape:
            return lambda: whole
        steps = []
        for dim in range(min(len(shape), 2)):
            if whole.shape[dim] != shape[dim]:
                steps.append(lambda t, d=dim, n=shape[dim]: t.narrow(d, 0, n))
        if len(shape) == 4 and whole.shape[2] != shape[2]:
            steps.append(self._crop(name, whole.shape[2], shape[2]))

        def answer():
            t = whole
            for step in steps:
                t = step(t)
            return t

        return answer

    def _crop(self, name, size, to):
        if not self.crops[name]:
            border = (size - to) // 2
            return lambda t: t.narrow(2, border, to).narrow(3, border, to)
        matrices = [self.weights[f"{name}.transform_{k}to{k - 2}"] for k in range(size, to, -2)]

        def learned(t):
            for matrix in matrices:
                n = math.isqrt(matrix.shape[0])
                out, into = t.shape[0], t.shape[1]
                crop = t.narrow(2, 1, n).narrow(3, 1, n).reshape(out * into, n * n)
                t = F.linear(crop, matrix).view(out, into, n, n)
            return t

        return learned

    # ---- Ops.

    def _compile(self, plan):
        return [(self._op(node), tuple(node["inputs"])) for node in plan["nodes"]]

    def _op(self, node):
        make = getattr(self, "_op_" + node["op"], None)
        if make is None:
            raise ValueError("this file knows no op " + node["op"])
        return make(node)

    def _tensors(self, node):
        found = {"weight": lambda: None, "bias": lambda: None}
        for spec in node.get("tensors", []):
            role = spec["name"].rsplit(".", 1)[1]
            if role in found:
                found[role] = self._weight(spec)
        return found["weight"], found["bias"]

    def _op_conv2d(self, node):
        weight, bias = self._tensors(node)
        stride, padding = node["stride"], node["padding"]
        dilation, groups = node["dilation"], node["groups"]
        return lambda x: F.conv2d(x, weight(), bias(), stride, padding, dilation, groups)

    def _op_linear(self, node):
        weight, bias = self._tensors(node)
        return lambda x: F.linear(x, weight(), bias())

    def _op_batch_norm(self, node):
        weight, bias = self._tensors(node)
        momentum, eps = node["momentum"], node["eps"]
        n = node["channels"]
        mean = var = None
        if node["running"]:
            mean = self.running[node["name"] + ".running_mean"].narrow(0, 0, n)
            var = self.running[node["name"] + ".running_var"].narrow(0, 0, n)
        own = [None]  # Statistics of this node while its network is judged.

        def normalise(x):
            if self.calibrated is None:
                return F.batch_norm(x, mean, var, weight(), bias(), True, momentum, eps)
            return self._judged(own, x, n, weight(), bias(), eps)

        return normalise

    def _judged(self, own, x, n, weight, bias, eps):
        """Mean statistics over the batches so far, or these statistics once all are seen."""
        if self.calibrated == 0:
            own[0] = (torch.zeros(n), torch.ones(n))
        mean, var = own[0]
        if self.calibrated == "done":
            return F.batch_norm(x, mean, var, weight, bias, False, 0.0, eps)
        share = 1 / (self.calibrated + 1)
        return F.batch_norm(x, mean, var, weight, bias, True, share, eps)

    def judge(self, plan, calibration, batches, labels):
        """Correct answers of one network: statistics measured anew on `calibration`, then all of
        `batches`, as people write it."""
        correct = 0
        with torch.no_grad():
            for k, images in enumerate(calibration):
                self.calibrated = k
                self(images, plan)
            self.calibrated = "done"
            for images, right in zip(batches, labels):
                correct += (self(images, plan).argmax(1) == right).sum().item()
        self.calibrated = None
        return correct

    def _op_max_pool(self, node):
        return lambda x: F.max_pool2d(x, node["kernel"], node["stride"], node["padding"])

    def _op_avg_pool(self, node):
        return lambda x: F.avg_pool2d(x, node["kernel"], node["stride"], node["padding"],
                                      count_include_pad=False)

    def _op_global_avg_pool(self, node):
        keep = node["keep_dims"]
        return lambda x: x.mean((2, 3), keepdim=keep)

    def _op_add(self, node):
        def add(*terms):
            total = terms[0]
            for term in terms[1:]:
                total = total + term
            return total

        return add

    def _op_mul(self, node):
        return lambda x, y: x * y

    def _op_concat(self, node):
        return lambda *parts: torch.cat(parts, 1)

    def _op_identity(self, node):
        return lambda x: x

    def _op_zero(self, node):
        stride = node["stride"]
        if stride == 1:
            return lambda x: x * 0.0
        return lambda x: x[:, :, ::stride, ::stride] * 0.0

    def _op_subsample(self, node):
        stride, offset = node["stride"], node["offset"]
        return lambda x: x[:, :, offset::stride, offset::stride]

    def _op_dropout(self, node):
        return lambda x: F.dropout(x, node["p"], self.dropout)

    def _op_relu(self, node):
        return F.relu

    def _op_relu6(self, node):
        return F.relu6

    def _op_h_swish(self, node):
        return F.hardswish

    def _op_h_sigmoid(self, node):
        return F.hardsigmoid

    def _op_swish(self, node):
        return F.silu

    def _op_sigmoid(self, node):
        return torch.sigmoid


def compare(net, device):
    """Largest relative distances of losses and gradients (each plan's as one vector) from those
    that nas computed on the CPU."""
    net.dropout = False
    images, labels = net.start["images"].to(device), net.start["labels"].to(device)
    loss_off = gradient_off = 0.0
    plans = 0
    while f"loss/{plans}" in net.start:
        wanted = net.start[f"loss/{plans}"].item()
        net.zero_grad(set_to_none=True)
        loss = F.cross_entropy(net(images, plans), labels)
        loss.backward()
        loss_off = max(loss_off, abs(loss.item() - wanted) / abs(wanted))
        prefix = f"gradient/{plans}/"
        names = {n[len(prefix):] for n in net.start if n.startswith(prefix)}
        moved = {n for n, p in net.weights.items() if p.grad is not None}
        if names != moved:
            raise ValueError(f"plan {plans}: other weights got gradients: {sorted(names ^ moved)}")
        apart = size = 0.0
        for name in names:
            theirs = net.start[prefix + name].double()
            mine = net.weights[name].grad.detach().cpu().double()
            apart += (mine - theirs).square().sum().item()
            size += theirs.square().sum().item()
        gradient_off = max(gradient_off, math.sqrt(apart / size))
        plans += 1
    net.zero_grad(set_to_none=True)
    net.dropout = True
    return {"plans": plans, "loss": loss_off, "gradient": gradient_off}
