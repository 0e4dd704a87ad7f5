"""Fit the recipe of LLM Foundry (PyTorch, fully sharded data parallel) on its published steps, the 7B model left out.

Run: python benchmarks/fit_llm_foundry.py
Prints the figures for the catalog's table ``training_frameworks``, the error on the model left out, and the spread of
errors with each model left out in turn. The rows are MosaicML's table "H100 80GB BF16"
(github.com/mosaicml/llm-foundry, scripts/train/benchmarking/README.md, commit 061f2c7): their parameter counts are
those of the shapes below to the parameter.
"""

# %%
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import least_squares

from costmodel.compute import Shape, total_parameters
from costmodel.foundation.arrays import FloatArray
from costmodel.training.cluster import Cluster, TrainingJob
from costmodel.training.layout import Layouts
from costmodel.training.recipe import Recipe
from costmodel.training.search import evaluate_layouts

LEFT_OUT = "7b"
TAIL = 0.1
"""Residual above which the loss is linear [1]."""
NETWORK = 50e9
"""Network bandwidth of one accelerator, one direction [byte/s]: 400 Gb/s, as in an eight-GPU server."""
WIDTHS = {
    "760m": (24, 1536, 12),
    "1b": (24, 2048, 16),
    "3b": (32, 2560, 20),
    "7b": (32, 4096, 32),
    "13b": (40, 5120, 40),
    "30b": (48, 7168, 56),
    "70b": (80, 8192, 64),
}
"""Layers, width and heads of MPT models (scripts/train/yamls/pretrain)."""
ROWS = """
70b,2048,64,8,2048,1039,1,64862437376
70b,2048,32,2,1024,882,1,64862437376
30b,8192,8,1,168,1384,1,30019254272
30b,4096,8,1,168,1802,1,29989894144
30b,2048,32,14,1344,2308,1,29975214080
30b,2048,16,10,480,2263,1,29975214080
30b,2048,8,3,504,2002,1,29975214080
30b,1024,8,6,1008,2084,1,29967874048
13b,32768,8,1,24,1976,1,13011240960
13b,16384,8,3,72,2985,1,12927354880
13b,4096,8,10,240,4717,1,12864440320
13b,2048,64,2,128,4800,0,12853954560
13b,2048,32,2,64,4811,0,12853954560
13b,2048,16,2,32,4767,0,12853954560
13b,2048,8,2,16,4792,0,12853954560
13b,1024,8,40,960,5502,1,12848711680
7b,65536,8,1,16,1956,1,6918905856
7b,32768,8,2,32,3318,1,6784688128
7b,8192,8,8,128,6935,1,6684024832
7b,4096,8,16,256,8611,1,6667247616
7b,2048,8,6,48,10643,0,6658859008
7b,1024,8,64,1024,10203,1,6654664704
3b,65536,8,1,16,3262,1,2814366720
3b,32768,8,3,144,5873,1,2730480640
3b,16384,8,1,48,11152,0,2688537600
3b,8192,8,3,144,16578,0,2667566080
3b,4096,8,5,240,20964,0,2657080320
3b,2048,64,6,1152,22525,0,2651837440
3b,2048,32,6,576,23021,0,2651837440
3b,2048,16,10,480,24142,0,2651837440
3b,1024,8,20,960,27046,0,2649216000
3b,512,8,40,1920,27965,0,2647905280
1b,65536,8,1,16,5506,1,1445974016
1b,32768,8,1,32,12025,0,1378865152
1b,16384,8,2,64,19649,0,1345310720
1b,8192,8,3,96,29157,0,1328533504
1b,4096,8,7,224,38535,0,1320144896
1b,2048,64,20,1280,44402,0,1315950592
1b,2048,32,20,640,45130,0,1315950592
1b,2048,16,20,320,46037,0,1315950592
1b,2048,8,14,112,45455,0,1315950592
1b,1024,8,18,576,48910,0,1313853440
1b,512,8,56,1792,52275,0,1312804864
760m,32768,8,1,16,16291,0,807656448
760m,16384,8,3,48,27815,0,782490624
760m,8192,8,6,96,41825,0,769907712
760m,4096,8,12,192,55459,0,763616256
760m,2048,32,24,768,67971,0,760470528
760m,2048,16,24,384,68551,0,760470528
760m,2048,8,24,384,63147,0,760470528
760m,1024,8,48,768,78581,0,758897664
760m,512,8,96,1536,83749,0,758111232
"""
"""Model, tokens of a sequence, accelerators, sequences of a microbatch and of the batch, tokens per second of one
accelerator, whether layers are computed again, parameters."""


@dataclass(frozen=True)
class Row:
    """Measured training step."""

    model: str
    sequence: int
    accelerators: int
    microbatch: int
    batch: int
    rate: float
    recompute: int
    parameters: int

    def shape(self) -> Shape:
        """Return the model, whose table of positions is as long as the sequence."""
        layers, width, heads = WIDTHS[self.model]
        return Shape(
            name=self.model,
            layers=layers,
            d_model=width,
            heads=heads,
            kv_heads=heads,
            head_dim=width // heads,
            d_ff=4 * width,
            mlp_matrices=2,
            vocabulary=50368,
            tied_embeddings=True,
            positions=self.sequence,
            attention_bias=True,
            mlp_bias=True,
            norm_bias=True,
        )

    def predicted(self, recipe: Recipe) -> float:
        """Return tokens per second of one accelerator; the number of microbatches is rounded up."""
        steps = -(-self.batch // (self.microbatch * self.accelerators))
        batch = steps * self.microbatch * self.accelerators
        one = np.ones(1)
        layout = dict.fromkeys(("tensor", "context", "expert", "pipeline", "interleave"), one)
        layouts = Layouts(
            **layout,
            data=one * self.accelerators,
            microbatch=one * self.microbatch,
            sharding=one * 3,
            recompute=one * 2 * self.recompute,
        )
        job = TrainingJob(shape=self.shape(), sequence=self.sequence, batch=batch, recipe=recipe)
        cluster = Cluster.recorded("H100-SXM", self.accelerators, NETWORK)
        seconds = float(evaluate_layouts(job, cluster, layouts).step_time[0])
        return batch * self.sequence / self.accelerators / seconds


def rows() -> list[Row]:
    """Return the measured steps."""
    found = []
    for line in ROWS.split():
        model, *numbers = line.split(",")
        found.append(Row(model, *map(int, numbers)))
    return found


def recipe_of(figures: FloatArray) -> Recipe:
    """Return the recipe with the fitted figures."""
    share, attention = map(float, figures)
    return replace(Recipe.recorded("LLM Foundry"), product_share=share, attention_share=attention, step_overhead=1.0)


def errors(figures: FloatArray, chosen: list[Row]) -> FloatArray:
    """Return logarithms of predicted over measured speed."""
    recipe = recipe_of(figures)
    return np.array([np.log(row.predicted(recipe) / row.rate) for row in chosen])


def fit(chosen: list[Row]) -> FloatArray:
    """Return the two shares of products and of attention that fit best."""
    bounds = ([0.2, 0.02], [1.0, 1.0])
    found = least_squares(
        errors, [0.8, 0.3], bounds=bounds, loss="soft_l1", f_scale=TAIL, diff_step=1e-3, args=(chosen,)
    )
    return np.asarray(found.x)


def main() -> None:
    """Print figures, the error on the model left out, and the spread."""
    measured = rows()
    if any(total_parameters(row.shape()) != row.parameters for row in measured):
        raise SystemExit("a shape has not the parameters of its row")
    figures = fit([row for row in measured if row.model != LEFT_OUT])
    print(f"product_share {figures[0]:.3f}, attention_share {figures[1]:.3f} without {LEFT_OUT}")
    for row in measured:
        if row.model == LEFT_OUT:
            print(f"{row.model} at {row.sequence}: {np.expm1(errors(figures, [row])[0]):+.1%}")
    apart = []
    for model in WIDTHS:
        others = fit([row for row in measured if row.model != model])
        apart += list(errors(others, [row for row in measured if row.model == model]))
    print(f"spread of {len(apart)} steps, each model left out in turn: {np.std(apart):.3f}")


# %%
if __name__ == "__main__":
    main()
