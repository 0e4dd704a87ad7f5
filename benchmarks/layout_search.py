"""Time to search every layout of a run on a large cluster.

Run: python benchmarks/layout_search.py [accelerators]
Prints candidates, seconds and the best layout for a dense model and a mixture of experts; the target is seconds on
16,384 accelerators.
"""

# %%
from __future__ import annotations

import sys
from time import perf_counter

from costmodel.compute import shape
from costmodel.training import Cluster, TrainingJob, search_layouts

REPEATS = 3
RUNS = {
    "Llama-3.1-405B": {"sequence": 8192, "batch": 2048},
    "Llama-3.1-405B long": {"sequence": 131_072, "batch": 128},
    "DeepSeek-V3": {"sequence": 4096, "batch": 15_360},
}


def main(accelerators: int) -> None:
    """Search each run a few times and print the fastest search."""
    cluster = Cluster.recorded("H100-SXM", accelerators, scale_out_bandwidth=50e9)
    for name, step in RUNS.items():
        job = TrainingJob(shape=shape(name.removesuffix(" long")), **step)
        seconds = []
        for _ in range(REPEATS):
            start = perf_counter()
            found = search_layouts(job, cluster)
            seconds.append(perf_counter() - start)
        print(
            f"{name:20} {len(found.layouts):7,d} layouts, {int(found.fits.sum()):7,d} fit  {min(seconds):7.3f} s  "
            f"MFU {found.best_utilisation:.3f}  {found.best}"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 16_384)
