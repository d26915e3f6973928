"""Held-out masked-LM loss of several runs over the tokens they have seen, as one SVG file.

python benchmarks/curves.py "a name=RUN" "another=RUN" … --output docs/cpu-hour.svg
"""

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

from litebert.training.journal import METRICS, read_metrics


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", help='"name=run folder"')
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    plt.rcParams.update({"svg.hashsalt": "litebert", "font.size": 9, "font.family": "sans-serif"})
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for named in arguments.runs:
        name, _, folder = named.rpartition("=")
        lines = read_metrics(Path(folder) / METRICS, "evaluation")
        tokens = [line["tokens"] / 1e6 for line in lines]
        axes.plot(tokens, [line["masked_lm_loss"] for line in lines], label=name, linewidth=1.4)
    axes.set_xscale("log")
    axes.set_xlabel("million tokens seen")
    axes.set_ylabel("held-out masked-LM loss, nats")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(arguments.output, metadata={"Date": None})


if __name__ == "__main__":
    main()
