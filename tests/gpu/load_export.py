"""Loads an exported network in Python and compares its answers on a device with those of the CPU.
load_export.py FILE DEVICE CHANNELS HEIGHT WIDTH"""
import json
import sys

import torch

MOST = 1e-4  # Of the largest logit.

path, device = sys.argv[1:3]
torch.manual_seed(0)
torch.backends.cudnn.allow_tf32 = False
images = torch.randn(16, *map(int, sys.argv[3:6]))
with torch.no_grad():
    wanted = torch.jit.load(path, map_location="cpu").eval()(images)
    found = torch.jit.load(path, map_location=device).eval()(images.to(device)).cpu()
apart = ((found - wanted).abs().max() / wanted.abs().max()).item()
if not apart <= MOST:
    sys.exit(f"the answers differ by {apart} of the largest logit")
print(json.dumps({"logits": apart, "logits_tolerance": MOST}))
