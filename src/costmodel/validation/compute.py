"""Published cases of :mod:`costmodel.compute`: counts, cache, FLOP, memory, products and collectives."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from statistics import median

from costmodel.catalog import table
from costmodel.compute.architectures import architecture_names, shape
from costmodel.compute.cache import cache_bytes_per_token
from costmodel.compute.collectives import all_to_all_time
from costmodel.compute.efficiencies import efficiency, protocols
from costmodel.compute.flop import training_flop_per_token
from costmodel.compute.machine import TILE_ROWS, machine
from costmodel.compute.memory import activation_bytes, training_state_bytes
from costmodel.compute.parameters import ParameterCounts, count_parameters
from costmodel.compute.roofline import product_time
from costmodel.compute.shapes import Shape
from costmodel.validation.case import Case, Evidence

_SEQUENCE = 4096
"""Sequence length of the printed FLOP per token [token] (DeepSeek-V3 was trained at it)."""

_TOTAL_MISSES = {
    "Kimi-K2": "The shapes sum to 1,026e9; the report's 1.04e12 is 1.3 % more and the card prints 1e12. No published "
    "part of the model accounts for the difference.",
}


def _total(name: str) -> float:
    return float(count_parameters(shape(name)).total)


def _total_case(name: str) -> Case:
    record = table("architectures")[name]
    datum = record.datum("published_parameters")
    source = f"{datum.source.title}; {record.text('residual')}"
    return Case(
        f"compute/parameters of {name}",
        source,
        Evidence.IDENTITY,
        datum.number,
        "1",
        0.01,
        partial(_total, name),
        _TOTAL_MISSES.get(name),
    )


def _cache_case(name: str) -> Case:
    datum = table("architectures")[name].datum("published_cache")
    return Case(
        f"compute/cache per token of {name}",
        datum.source.title,
        Evidence.IDENTITY,
        datum.number,
        "byte/token",
        1e-12,
        lambda: float(cache_bytes_per_token(shape(name), 2.0)),
    )


def _active_case(name: str, model: Callable[[], float], tolerance: float, miss: str | None = None) -> Case:
    datum = table("architectures")[name].datum("published_active")
    return Case(
        f"compute/active parameters of {name}",
        datum.source.title,
        Evidence.IDENTITY,
        datum.number,
        "1",
        tolerance,
        model,
        miss,
    )


_CARD = "OpenAI: gpt-oss model card (arXiv 2508.10925), table 1"
_ISCA = "Zhao et al. 2025 (ISCA, arXiv 2505.09343)"
_ZERO = "Rajbhandari et al. 2020 (arXiv 1910.02054), figure 1"
_KORTHIKANTI = "Korthikanti et al. 2022 (arXiv 2205.05198)"
_DEEPGEMM = "DeepGEMM, table of measured products on H800 (February 2025)"
_DEEPEP = "DeepEP, low-latency dispatch and combine on H800, 128 tokens, 7,168 wide, 8 experts"


def _published(field: str) -> list[str]:
    """Names of the architectures whose maker published a figure."""
    return [name for name in architecture_names() if field in table("architectures")[name]]


def _gpt_oss() -> ParameterCounts:
    return count_parameters(shape("gpt-oss-120b"))


_COUNTS: tuple[Case, ...] = (
    *(_total_case(name) for name in _published("published_parameters")),
    *(_cache_case(name) for name in _published("published_cache")),
    Case(
        "compute/gpt-oss-120b, MLP",
        _CARD,
        Evidence.IDENTITY,
        114.71e9,
        "1",
        1e-3,
        lambda: float(_gpt_oss().routed_experts + _gpt_oss().router),
    ),
    Case("compute/gpt-oss-120b, attention", _CARD, Evidence.IDENTITY, 0.96e9, "1", 0.01, lambda: _gpt_oss().attention),
    Case("compute/gpt-oss-120b, tables", _CARD, Evidence.IDENTITY, 1.16e9, "1", 0.01, lambda: _gpt_oss().embeddings),
    Case(
        "compute/gpt-oss-120b, active without the input table",
        _CARD,
        Evidence.IDENTITY,
        5.13e9,
        "1",
        0.01,
        lambda: _gpt_oss().matmul_active,
    ),
    _active_case("Mixtral-8x7B", lambda: count_parameters(shape("Mixtral-8x7B")).active, 0.01),
    _active_case("Mixtral-8x22B", lambda: count_parameters(shape("Mixtral-8x22B")).active, 0.01),
    _active_case("DeepSeek-V3", lambda: count_parameters(shape("DeepSeek-V3")).active, 0.02),
    _active_case("Qwen3-235B-A22B", lambda: count_parameters(shape("Qwen3-235B-A22B")).active, 0.01),
    _active_case("Kimi-K2", lambda: count_parameters(shape("Kimi-K2")).active, 0.01),
    _active_case(
        "Grok-1",
        lambda: count_parameters(shape("Grok-1")).active,
        0.01,
        "The release says 25 % of the weights, hence 79e9; two of eight experts are 25 % of the experts alone, and "
        "attention and the embedding, which every token passes, come on top.",
    ),
)

_FLOP: tuple[Case, ...] = (
    Case(
        "compute/FLOP per training token of DeepSeek-V3",
        f"{_ISCA}, table 2: 250 GFLOP, causal, sequence 4,096",
        Evidence.REIMPLEMENTATION,
        250e9,
        "FLOP/token",
        0.015,
        lambda: float(training_flop_per_token(shape("DeepSeek-V3"), _SEQUENCE)),
    ),
    Case(
        "compute/non-causal over causal FLOP of DeepSeek-V3",
        f"{_ISCA}, section on utilisation: 43.73 % over 38.94 %",
        Evidence.REIMPLEMENTATION,
        43.73 / 38.94,
        "1",
        0.001,
        lambda: float(
            training_flop_per_token(shape("DeepSeek-V3"), _SEQUENCE, False)
            / training_flop_per_token(shape("DeepSeek-V3"), _SEQUENCE)
        ),
    ),
    Case(
        "compute/FLOP per training token of Llama-3.1-405B",
        f"{_ISCA}, table 2: 2,448 GFLOP; counting attention at a quarter of the square instead of half gives it",
        Evidence.REIMPLEMENTATION,
        2448e9,
        "FLOP/token",
        0.015,
        lambda: float(training_flop_per_token(shape("Llama-3.1-405B"), _SEQUENCE)),
    ),
)


def _state(shards: tuple[int, int, int]) -> float:
    return float(training_state_bytes(7.5e9, 2.0, 2.0, 12.0, *shards))


def _saving_530b() -> float:
    """Activation bytes of the 530B model of the paper, tensor parallel only, over both techniques together."""
    mt_nlg = Shape(
        name="530B",
        layers=105,
        d_model=20480,
        heads=128,
        kv_heads=128,
        head_dim=160,
        vocabulary=51200,
        d_ff=81920,
        mlp_matrices=2,
        tied_embeddings=True,
    )
    before = activation_bytes(mt_nlg, 2048, 2048, 8.0, "none", False, 2)
    return float(before / activation_bytes(mt_nlg, 2048, 2048, 8.0, "selective", True, 2))


_MEMORY: tuple[Case, ...] = (
    *(
        Case(
            f"compute/state bytes of 7.5B on 64 devices, stage {stage}",
            _ZERO,
            Evidence.REIMPLEMENTATION,
            printed,
            "byte",
            0.02,
            partial(_state, shards),
        )
        for stage, (shards, printed) in enumerate(
            [((1, 1, 1), 120e9), ((1, 1, 64), 31.4e9), ((1, 64, 64), 16.6e9), ((64, 64, 64), 1.9e9)]
        )
    ),
    Case(
        "compute/activation memory saved by sequence parallelism and selective recomputation",
        f"{_KORTHIKANTI}, abstract: 5×, for models up to a trillion parameters",
        Evidence.REIMPLEMENTATION,
        5.0,
        "1",
        0.10,
        _saving_530b,
    ),
)

MEASURED_GROUPS = (
    (4, 8192, 4096, 7168, 1297),
    (4, 8192, 7168, 2048, 1099),
    (8, 4096, 4096, 7168, 1288),
    (8, 4096, 7168, 2048, 1093),
    (1, 1024, 4096, 7168, 1233),
    (1, 1024, 7168, 2048, 925),
    (2, 512, 4096, 7168, 1040),
    (2, 512, 7168, 2048, 916),
    (4, 256, 4096, 7168, 932),
    (4, 256, 7168, 2048, 815),
)
"""Products of experts in one kernel: groups, rows per group, columns, inner, measured TFLOP/s (DeepGEMM, H800)."""

MEASURED_PRODUCTS = (
    (64, 2112, 7168, 206),
    (64, 24576, 1536, 289),
    (64, 32768, 512, 219),
    (64, 7168, 16384, 336),
    (64, 4096, 7168, 287),
    (64, 7168, 2048, 295),
    (128, 2112, 7168, 352),
    (128, 24576, 1536, 535),
    (128, 32768, 512, 358),
    (128, 7168, 16384, 645),
    (128, 4096, 7168, 533),
    (128, 7168, 2048, 510),
    (4096, 2112, 7168, 1058),
    (4096, 24576, 1536, 990),
    (4096, 32768, 512, 590),
    (4096, 7168, 16384, 1358),
    (4096, 4096, 7168, 1304),
    (4096, 7168, 2048, 1025),
)
"""Single products: rows, columns, inner, measured TFLOP/s (DeepGEMM, H800); the tile cost was fitted on these."""


def product_rate(groups: float, rows: float, columns: float, inner: float) -> float:
    """Rate [TFLOP/s] of an 8-bit product with 16-bit results on H800, at the recorded efficiencies."""
    chip = machine("H800-SXM", "fp8")
    dense = chip.dense
    limits = dense.peak, chip.bandwidth, dense.share, chip.memory_share
    # the share and the cost of tiles were fitted on this table without a lost wave: its kernels choose tiles that fit
    seconds = product_time(
        rows, columns, inner, groups, 1.0, 1.0, *limits, dense.half_inner, TILE_ROWS, 0.0, chip.kernel_time
    )
    return float(groups * 2.0 * rows * columns * inner / seconds / 1e12)


def exchange_time(ranks: float, bytes_per_element: float) -> float:
    """Time [s] of one all-to-all in DeepEP's setting: H800, 8 in a node, 400 Gb/s per accelerator."""
    fastest = protocols()[0]
    return float(
        all_to_all_time(
            128 * 8 * 7168 * bytes_per_element,
            ranks,
            8.0,
            200e9 * efficiency("scale_up_share", "H800-SXM").value,
            50e9 * efficiency("scale_out_share").value,
            fastest.scale_up_latency,
            fastest.scale_out_latency,
            fastest.base_latency,
        )
    )


_FP8_WITH_SCALES = 1.0 + 4.0 / 128.0
"""Bytes per dispatched element: 8 bits and a 32-bit scale per 128 [byte]."""

_MEASURED: tuple[Case, ...] = (
    Case(
        "compute/median error over 18 measured products",
        f"{_DEEPGEMM}; the tile cost was fitted on them, the shares were not",
        Evidence.REIMPLEMENTATION,
        0.0,
        "1",
        0.10,
        lambda: median(abs(product_rate(1, *row[:3]) / row[3] - 1.0) for row in MEASURED_PRODUCTS),
    ),
    *(
        Case(
            f"compute/product of {groups} × {rows} × {columns} × {inner} on H800",
            f"{_DEEPGEMM}, grouped",
            Evidence.PREDICTION,
            float(measured),
            "TFLOP/s",
            0.15,
            partial(product_rate, groups, rows, columns, inner),
        )
        for groups, rows, columns, inner, measured in MEASURED_GROUPS
    ),
    *(
        Case(
            f"compute/{kind} over {ranks} accelerators",
            f"{_DEEPEP}; the share of the network was taken from another of its tables",
            Evidence.PREDICTION,
            seconds,
            "s",
            0.20,
            partial(exchange_time, float(ranks), size),
        )
        for kind, size, times in (
            ("dispatch", _FP8_WITH_SCALES, (118e-6, 155e-6, 173e-6, 192e-6, 194e-6)),
            ("combine", 2.0, (195e-6, 273e-6, 314e-6, 369e-6, 360e-6)),
        )
        for ranks, seconds in zip((16, 32, 64, 128, 256), times, strict=True)
    ),
)

CASES: tuple[Case, ...] = (*_COUNTS, *_FLOP, *_MEMORY, *_MEASURED)
"""Published cases of the compute domain."""
