"""Writes OUT/table.md from OUT/results.jsonl: rows for tests/bench/RESULTS.md."""
import datetime
import json
import os
import statistics
import sys


def read(folder):
    lines = []
    with open(os.path.join(folder, "results.jsonl")) as file:
        for line in file:
            try:
                lines.append(json.loads(line))
            except ValueError:
                pass  # The last line of a walk that was cut off.
    return lines


def rows(header, lines):
    yield "| " + " | ".join(header) + " |"
    yield "|" + "---|" * len(header)
    for line in lines:
        yield "| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |"


def number(value):
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return str(value)


def head(results):
    facts = next((r["values"] for r in results if r["part"] == "doctor" and "system" in r["values"]),
                 {})
    card = facts.get("card") or f"no GPU: the CPU ({facts.get('cpu', 'unknown')})"
    yield f"## On {card}, {datetime.date.today().isoformat()}"
    yield ""
    yield (f"Driver {facts.get('driver') or 'none'}, LibTorch {facts.get('libtorch', 'unknown')}, torch "
           f"of Python {facts.get('torch of Python') or 'none'}, {facts.get('processors', '?')} "
           f"processors ({facts.get('cpu', 'unknown')}), {facts.get('system', 'unknown system')}.")
    yield ""


MEASURED = ("training speed", "compiled", "data", "whole runs")


def checked(results):
    """All that passed or failed and is no mere measurement."""
    def what(result):
        values = ", ".join(f"{key} {number(value)}" for key, value in result["values"].items())
        return result["note"] or values

    # Measured lines have tables of their own; comparisons that passed are one row for each
    # arithmetic.
    compared = {}
    lines = []
    for r in results:
        if r["status"] == "ok" and r["part"] == "agree" and "gradient" in r["values"]:
            compared.setdefault(r["name"].split()[-1], []).append(r["values"])
        elif r["status"] != "ok" or r["part"] not in MEASURED:
            lines.append([r["part"], r["name"], r["status"], what(r)])
    for arithmetic, values in compared.items():
        most = ", ".join(f"{key} {number(max(v[key] for v in values))} (at most "
                         f"{number(values[0][key + '_tolerance'])})"
                         for key in ("loss", "gradient", "worst_tensor")
                         if key + "_tolerance" in values[0])
        lines.append(["agree", f"{arithmetic}, {len(values)} cases", "ok", "largest distances: " + most])
    yield from rows(["part", "check", "result", "numbers"], lines)
    yield ""


KEYS = ("space", "paths", "batch", "precision", "deterministic", "layout")


def by_case(results, part):
    cases = {}
    for result in results:
        values = result["values"]
        if result["part"] == part and "program" in values:
            key = tuple(values[k] for k in KEYS)
            program = values["program"] + (f" ({values['compile']})" if "compile" in values else "")
            cases.setdefault(key, {}).setdefault(program, []).append(values)
    return cases


def name_of(key):
    space, paths, batch, precision, deterministic, layout = key
    more = ", deterministic" if deterministic else ""
    return [f"{space}, {paths} path{'s' if paths == 'uniform' else ''}", batch,
            precision + more + (f", {layout}" if layout != "contiguous" else "")]


def rate(values):
    return statistics.median(v["images_per_second"] for v in values)


def share(values):
    found = [v["host_share"] for v in values if "host_share" in v]
    return f"{100 * statistics.median(found):.0f} %" if found else "-"


def training(results):
    cases = by_case(results, "training speed")
    if not cases:
        return
    yield "Training, images a second (medians of rounds; programs alternate):"
    yield ""
    lines = []
    for key, programs in cases.items():
        ours, theirs = programs.get("nas", []), programs.get("python", [])
        each = [a["images_per_second"] / b["images_per_second"] for a, b in zip(ours, theirs)]
        ratio = (f"{statistics.median(each):.2f} ({', '.join(f'{e:.2f}' for e in each)})"
                 if each else "-")
        lines.append(name_of(key) + [number(rate(ours)) if ours else "-",
                                     number(rate(theirs)) if theirs else "-", ratio,
                                     share(ours), share(theirs)])
    yield from rows(["network", "batch", "arithmetic", "nas", "Python", "ratio (each round)",
                     "host's share nas", "Python"], lines)
    yield ""


def compiled(results):
    cases = by_case(results, "compiled")
    if not cases:
        return
    yield "One fixed path, images a second (Python compiled: torch.compile in that mode):"
    yield ""
    lines = []
    for key, programs in cases.items():
        for program, values in programs.items():
            first = values[0].get("first_steps_seconds")
            lines.append(name_of(key) + [program, number(rate(values)), share(values),
                                         f"{first:.1f} s" if first else "-"])
    yield from rows(["network", "batch", "arithmetic", "program", "images/s", "host's share",
                     "to compile and start"], lines)
    yield ""


def commands(results):
    lines = [[r["part"], r["name"],
              ", ".join(f"{key} {number(value)}" for key, value in r["values"].items())]
             for r in results if r["status"] == "ok" and r["part"] in MEASURED[2:]]
    if lines:
        yield "Loader and whole commands:"
        yield ""
        yield from rows(["part", "what", "numbers"], lines)
        yield ""


def write(folder):
    results = read(folder)
    lines = [line for part in (head, checked, training, compiled, commands) for line in part(results)]
    path = os.path.join(folder, "table.md")
    with open(path + ".new", "w") as file:
        file.write("\n".join(lines).rstrip() + "\n")
    os.replace(path + ".new", path)


if __name__ == "__main__":
    write(sys.argv[1])
