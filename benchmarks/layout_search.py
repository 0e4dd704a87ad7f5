"""Time to search every layout of a run on a large cluster: a dense model and a mixture of experts.

The target is seconds on 16,384 accelerators.
"""

from __future__ import annotations

from functools import partial
from time import process_time

from timing import Row, least

from costmodel.compute import shape
from costmodel.training import Cluster, TrainingJob, search_layouts

REPEATS = 3
RUNS = {
    "Llama-3.1-405B": {"sequence": 8192, "batch": 2048},
    "Llama-3.1-405B long": {"sequence": 131_072, "batch": 128},
    "DeepSeek-V3": {"sequence": 4096, "batch": 15_360},
}


def layout_search(accelerators: int = 16_384) -> list[Row]:
    """Search each run a few times."""
    cluster = Cluster.recorded("H100-SXM", accelerators, scale_out_bandwidth=50e9)
    rows: list[Row] = []
    for name, step in RUNS.items():
        search = partial(search_layouts, TrainingJob(shape=shape(name.removesuffix(" long")), **step), cluster)
        found = search()
        said = f"{len(found.layouts):,d} layouts, {int(found.fits.sum()):,d} fit; MFU {found.best_utilisation:.3f}"
        rows.append((f"layouts: {name}", least({name: search}, process_time, REPEATS)[name], said))
    return rows
