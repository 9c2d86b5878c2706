"""plot.py FIGURES.json OUT.png: time a voxel over the size of the volume, each work of the scaling part a line."""
import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"]


def main(source, target):
    with open(source) as f:
        series = json.load(f).get("scaling") or sys.exit(f"{source} has no figures over size")
    figure, axes = plt.subplots(figsize=(7, 4.2), dpi=120)
    last = 0
    for line, colour in sorted(zip(series, COLOURS), key=lambda pair: pair[0]["points"][-1]["ns"]):
        sizes, times = [p["size"] for p in line["points"]], [p["ns"] for p in line["points"]]
        axes.plot(sizes, times, "o-", color=colour, lw=1.8, ms=4)
        last = max(times[-1], 1.25 * last)  # names don't cover each other
        axes.annotate(line["work"], (sizes[-1], last), xytext=(8, 0), textcoords="offset points", color=colour, va="center", fontsize=9)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(sizes, [f"{s}³" for s in sizes])
    axes.minorticks_off()
    ticks = [t for t in (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64) if axes.get_ylim()[0] / 1.5 <= t <= axes.get_ylim()[1] * 1.5]
    axes.set_yticks(ticks, [f"{t:g}" for t in ticks])
    axes.grid(axis="y", color="#dddddd", lw=0.8)
    axes.set_xlabel("voxels")
    axes.set_ylabel("ns a voxel, one thread")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.subplots_adjust(right=0.72)
    figure.savefig(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
