#!/usr/bin/env python3
"""Compares MACs and parameters that `nas space cost` counts with those of a published table.

    check_costs.py NAS SPACE CSV ARCHITECTURE_COLUMN MACS_COLUMN PARAMS_COLUMN

Prints how many rows agree and every row that does not; exits 1 when any differs.
"""
import csv
import json
import subprocess
import sys


def main() -> int:
    if len(sys.argv) != 7:
        print(__doc__, file=sys.stderr)
        return 2
    nas, space, path, key, macs, params = sys.argv[1:]
    with open(path, newline="") as f:
        rows = list(csv.DictReader(f))
    counted = []
    for first in range(0, len(rows), 100):
        command = [nas, "space", "cost", space, "--json"]
        for row in rows[first : first + 100]:
            command += ["--arch", row[key]]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        counted += json.loads(done.stdout)["architectures"]
    different = 0
    for row, mine in zip(rows, counted, strict=True):
        if (mine["macs"], mine["params"]) != (int(row[macs]), int(row[params])):
            different += 1
            print(f"{row[key]}: {mine['macs']} MACs, {mine['params']} parameters here; "
                  f"{row[macs]}, {row[params]} there")
    print(f"{path}: {len(rows) - different} of {len(rows)} rows agree")
    return 1 if different else 0


sys.exit(main())
