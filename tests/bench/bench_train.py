"""The same network and loop as bench_train.cpp in Python PyTorch: ResNet20 [4,3,3] of the
downsampling space (max-pool before the units, batch statistics without affine parameters)."""
import argparse
import json
import time

import torch
import torch.nn.functional as F
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--batch", type=int, default=128)
parser.add_argument("--steps", type=int, default=20)
parser.add_argument("--threads", type=int, default=0)
parser.add_argument("--precision", default="fp32")
parser.add_argument("--layout", default="contiguous")
o = parser.parse_args()
if o.threads:
    torch.set_num_threads(o.threads)


def norm(width):
    return nn.BatchNorm2d(width, affine=False, track_running_stats=False)


class Block(nn.Module):
    def __init__(self, width_in, width, pool):
        super().__init__()
        self.pool = pool
        self.conv1 = nn.Conv2d(width_in, width, 3, padding=1, bias=False)
        self.bn1 = norm(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = norm(width)
        self.short = None
        if width_in != width:
            self.short = nn.Sequential(nn.Conv2d(width_in, width, 1, bias=False), norm(width))

    def forward(self, x):
        if self.pool:
            x = F.max_pool2d(x, 2)
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (self.short(x) if self.short is not None else x))


class Net(nn.Module):
    def __init__(self, pools=(4, 7)):
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn = norm(16)
        widths = [16, 16, 16, 32, 32, 32, 64, 64, 64]
        ins = [16] + widths[:-1]
        self.blocks = nn.Sequential(
            *[Block(i, w, k + 1 in pools) for k, (i, w) in enumerate(zip(ins, widths))])
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = self.blocks(F.relu(self.bn(self.stem(x))))
        return self.fc(x.mean((2, 3)))


net = Net()
images, labels = torch.rand(o.batch, 3, 32, 32), torch.randint(10, (o.batch,))
if o.layout == "channels_last":
    net = net.to(memory_format=torch.channels_last)
    images = images.contiguous(memory_format=torch.channels_last)
optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)


def step():
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=o.precision == "bf16"):
        loss = F.cross_entropy(net(images), labels)
    loss.backward()
    optimizer.step()


for _ in range(3):
    step()
start = time.perf_counter()
for _ in range(o.steps):
    step()
rate = o.steps * o.batch / (time.perf_counter() - start)
print(json.dumps({"program": "python", "threads": torch.get_num_threads(),
                  "precision": o.precision, "layout": o.layout, "torch": torch.__version__,
                  "parameters": sum(p.numel() for p in net.parameters()),
                  "images_per_second": round(rate, 1)}))
