# SPDX-License-Identifier: LGPL-2.1-or-later
"""How figures are told: a table, JSON, the budgets, SVG plots, and the part of a document between two marks."""
import json
import math
import os

# DESIGN: what, the figure's key, column, whose figure it is held against, its key and column, factor. CPU time is told beside.
BUDGETS = [
    ("run of true", "run bare", "hvrun", "run bare", "crun", 0.5),
    ("run of true", "run bare", "hvrun", "run bare", "floor", 1.5),
    ("create + start + delete", "cycle bare", "hvrun", "cycle bare", "crun", 0.35),
    ("exec of true", "exec bare", "hvrun", "exec bare", "crun", 0.5),
    ("run, 400-name profile, cached", "run kubernetes", "hvrun", "run kubernetes", "crun", 0.5),
    ("run, 400-name profile, cold", "run kubernetes cold", "hvrun", "run kubernetes cold", "crun", 0.5),
    ("exec, 400-name profile, cached", "exec kubernetes", "hvrun", "exec kubernetes", "crun", 0.5),
    ("exec, 400-name profile, cold", "exec kubernetes cold", "hvrun", "exec kubernetes cold", "crun", 0.5),
    ("list -q of 1,000", "list 1000", "hvrun", "list 1000", "crun", 0.3),
    ("list of 1,000", "list full 1000", "hvrun", "list full 1000", "crun", 0.3),
    ("HyperV run from a template", "HyperV run", "hvrun HyperV", "HyperV run", "runc", 5),
    ("HyperV run from a template", "HyperV run", "hvrun HyperV", "HyperV run", "floor", 1.5),
    ("HyperV cold start", "HyperV cold", "hvrun HyperV", "HyperV cold", "floor", 1.3),
    ("HyperV exec of true", "HyperV exec", "hvrun HyperV", "HyperV exec", "runc", 2),
]


def line(key, row):
    """One case: median (10th to 90th percentile) CPU of each column, then hvrun's ratios."""
    base = next(iter(row.values()))
    cells = []
    for name, f in row.items():
        cells.append(f"{name} {f['median_us'] / 1000:.2f} ({f['min_us'] / 1000:.2f}, {f['p10_us'] / 1000:.2f}-{f['p90_us'] / 1000:.2f}) "
                     f"cpu {f['cpu_median_us'] / 1000:.2f}" + (f" ×{base['median_us'] / f['median_us']:.2f}" if f is not base else ""))
    return f"{key:24} " + " | ".join(cells)


def budgets(results):
    """[(what, limit, ratio of medians, of minima, of CPU times or None, met)] of those that were measured"""
    rows = []
    for what, key, column, other_key, other, factor in BUDGETS:
        a, b = results.get(key, {}).get(column), results.get(other_key, {}).get(other)
        if a and b:
            wall = a["median_us"] / b["median_us"]
            rows.append((what, f"≤ {factor} × {other}", f"{wall:.2f}", f"{a['min_us'] / b['min_us']:.2f}",
                         f"{a['cpu_median_us'] / b['cpu_median_us']:.2f}" if b["cpu_median_us"] else "", wall <= factor))
    a, b = results.get("run bare", {}).get("hvrun"), results.get("run bare", {}).get("crun")
    if a and b:
        ratio = a["rss_kib"] / b["rss_kib"]
        rows.append(("peak memory of run", "≤ 0.7 × crun", f"{ratio:.2f}", "", "", ratio <= 0.7))
    for what, key, column, limit, good in (
            ("works under a memory limit of", "smallest memory limit", "hvrun", "≤ 512 KiB", lambda n: n <= 512),
            ("HyperV private memory per clone", "HyperV memory per clone", "hvrun HyperV", "≤ 25 MiB", lambda n: n <= 25),
            ("HyperV clones per second, in parallel", "HyperV clones per second", "hvrun HyperV", "≥ 30", lambda n: n >= 30)):
        value = results.get(key, {}).get("values", {}).get(column)
        if value is not None:
            rows.append((what, limit, f"{value:.0f}", "", "", good(value)))
    return rows


def print_budgets(results):
    print("\nbudget: ratio of medians, of minima, of CPU times")
    for what, limit, wall, least, cpu, met in budgets(results):
        print(f"  {what:40} {limit:16} {wall:>6} {least:>6} {cpu:>6}  {'met' if met else 'MISSED'}")


def markdown(results, about):
    """The tables as a document has them."""
    out = [about, "", "| budget | | medians | minima | CPU | |", "|---|---|---:|---:|---:|---|"]
    out += [f"| {what} | {limit} | {wall} | {least} | {cpu} | {'met' if met else '**missed**'} |"
            for what, limit, wall, least, cpu, met in budgets(results)]
    names = []
    for row in results.values():
        names += [n for n in row if n not in names and n not in ("values", "unit")]
    out += ["", "Milliseconds: median (minimum; 10th to 90th percentile), CPU time.", "",
            "| case | " + " | ".join(names) + " |", "|---|" + "---:|" * len(names)]
    for key, row in results.items():
        if "values" not in row:
            cells = [f"{f['median_us'] / 1000:.2f} ({f['min_us'] / 1000:.2f}; {f['p10_us'] / 1000:.2f}–{f['p90_us'] / 1000:.2f}), "
                     f"{f['cpu_median_us'] / 1000:.2f}" if (f := row.get(n)) else "" for n in names]
            out.append(f"| {key} | " + " | ".join(cells) + " |")
    out += ["", "| | unit | " + " | ".join(names) + " |", "|---|---|" + "---:|" * len(names)]
    for key, row in results.items():
        if "values" in row:
            out.append(f"| {key} | {row['unit']} | " + " | ".join(f"{row['values'][n]:.1f}" if n in row["values"] else "" for n in names) + " |")
    rss = results.get("run bare", {})
    if rss:
        out.append("| peak memory of run | KiB | " + " | ".join(f"{rss[n]['rss_kib']}" if n in rss else "" for n in names) + " |")
    return "\n".join(out) + "\n"


def marks(host):
    """What stands before and after the tables for a kind of host ("": where most is measured)."""
    name = f"bench {host}" if host else "bench"
    return f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"


def marked(text, host):
    """What is between the marks."""
    begin, end = marks(host)
    if begin not in text or end not in text:
        raise SystemExit(f"bench: no \"{begin.strip()}\" … \"{end}\"")
    return text[text.index(begin) + len(begin):text.index(end)]


def write_document(path, host, text):
    """Replaces what is between the marks."""
    begin, end = marks(host)
    if path == "-":
        print(f"{begin}{text}{end}")
        return
    with open(path, encoding="utf-8") as f:
        old = f.read()
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(old.replace(f"{begin}{marked(old, host)}{end}", f"{begin}{text}{end}"))
    os.replace(path + ".new", path)


def write_json(path, about, results, curves):
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"about": about, "results": results, "curves": curves}, f, indent=2, ensure_ascii=False)
        f.write("\n")


COLOURS = ["#1b6ca8", "#d1495b", "#edae49", "#66a182", "#6b4e71"]
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 400, 64, 44, 36


def step(top):
    """A round distance of the scale's lines."""
    power = 10 ** math.floor(math.log10(top / 5))
    return next(power * f for f in (1, 2, 5, 10) if power * f * 5 >= top)


def svg(title, lines):
    """lines: name → [(n, milliseconds)]"""
    top_x = max(x for points in lines.values() for x, _ in points) or 1
    top_y = max(y for points in lines.values() for _, y in points) * 1.05

    def px(x):
        return LEFT + x / top_x * (WIDTH - LEFT - 110)

    def py(y):
        return HEIGHT - BOTTOM - y / top_y * (HEIGHT - BOTTOM - TOP)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/><text x="{LEFT}" y="20" font-size="14">{title}</text>']
    for i in range(int(top_y / step(top_y)) + 1):
        y = i * step(top_y)
        out.append(f'<line x1="{LEFT}" x2="{px(top_x):.1f}" y1="{py(y):.1f}" y2="{py(y):.1f}" stroke="#ddd"/>'
                   f'<text x="{LEFT - 6}" y="{py(y) + 4:.1f}" text-anchor="end">{y:g} ms</text>')
    for x in sorted({x for points in lines.values() for x, _ in points}):
        out.append(f'<text x="{px(x):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{x}</text>')
    for (name, points), colour in zip(lines.items(), COLOURS):
        path = " ".join(f"{px(x):.1f},{py(y):.1f}" for x, y in points)
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{px(x):.1f}" cy="{py(y):.1f}" r="3" fill="{colour}"/>' for x, y in points]
        out.append(f'<text x="{px(points[-1][0]) + 8:.1f}" y="{py(points[-1][1]) + 4:.1f}" fill="{colour}">{name}</text>')
    return "\n".join(out) + "\n</svg>\n"


def write_plots(directory, curves):
    os.makedirs(directory, exist_ok=True)
    for name, lines in curves.items():
        file = os.path.join(directory, name.replace(", ", "-").replace(" ", "-") + ".svg")
        with open(file, "w", encoding="utf-8") as f:
            f.write(svg(f"time by the number of {name}", lines))
