"""Small valid files of every kind that the library reads, to be damaged for attacks on parsers."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from costmodel import entry
from costmodel.foundation import files


@dataclass(frozen=True, slots=True)
class Reader:
    """Kind of file: its name, a valid sample, and a function that reads it and uses the content."""

    file: str
    honest: bytes
    read: Callable[[Path], Any]


def _rows(*rows: str) -> bytes:
    return ("\n".join(rows) + "\n").encode()


BILL = _rows(
    "ProviderName,ServiceName,ChargePeriodStart,ChargePeriodEnd,BillingPeriodStart,BillingPeriodEnd,ChargeCategory,"
    "BillingCurrency,BilledCost,EffectiveCost,ListCost,ContractedCost,PricingQuantity,PricingUnit,SkuPriceDetails,"
    "ChargeDescription,RegionId",
    *(
        f"AWS,GPU,2026-05-{day:02}T00:00:00Z,2026-05-{day + 1:02}T00:00:00Z,2026-05-01T00:00:00Z,2026-06-01T00:00:00Z,"
        f'Usage,USD,{day * 1.5},{day * 1.5},{day * 2},{day * 1.5},{day},Hours,"{{""GpuCount"": 8}}",p5.48xlarge,'
        "us-east-1"
        for day in range(1, 25)
    ),
)
LOG = _rows(
    "time,provider,model,input_tokens,cached_input_tokens,output_tokens",
    *(f"2026-01-{day:02}T00:00:00Z,anthropic,m,{day * 1000},{day * 100},{day * 10}" for day in range(1, 25)),
)
SPANS = _rows(
    *(
        json.dumps(
            {
                "startTime": f"2026-01-{day:02}T00:00:00Z",
                "attributes": {
                    "gen_ai.system": "openai",
                    "gen_ai.request.model": "m",
                    "gen_ai.usage.input_tokens": 600 + day,
                    "gen_ai.usage.output_tokens": 50,
                },
            }
        )
        for day in range(1, 9)
    )
)
PRICES = _rows("model,input,cache_read,output,from", "m,3,0.3,15,", "n,1,,2,2026-01-03")
MAP = json.dumps(
    {"m": {"litellm_provider": "openai", "input_cost_per_token": 1e-6, "output_cost_per_token": 1e-5, "mode": "chat"}}
).encode()
YEARLY = _rows(
    'Year,Revenue ($B),Capex ($B),D&A ($B),"Net PP&E ($B)",Cash (USD m),Debt ($B),Heads',
    '2023,7,"2.5",0.6,6,"1,500",3,900',
    "FY2024,10.5,4,0.9,9,(0),4,1000",
    '2025,14,$7.5B,1.4,12,"2,000",5,',
)
FACTS = json.dumps(
    {
        "cik": 12345,
        "entityName": "Example Inc.",
        "facts": {
            "us-gaap": {
                name: {
                    "label": name,
                    "units": {
                        "USD": [
                            {"start": "2025-01-01", "end": "2025-12-31", "val": 7.5e9, "form": "10-K", "accn": "1",
                             "filed": "2026-02-01"}
                        ]
                    },
                }
                for name in ("Revenues", "PaymentsToAcquirePropertyPlantAndEquipment")
            }
        },
    }
).encode()  # fmt: skip
VLLM = {
    "max_concurrency": 16, "completed": 160, "total_input_tokens": 160_000, "total_output_tokens": 32_000,
    "mean_tpot_ms": 20.0, "median_tpot_ms": 19.0, "mean_ttft_ms": 100.0, "total_token_throughput": 4800.0,
}  # fmt: skip
BENCHMARK = _rows(json.dumps(VLLM), json.dumps({**VLLM, "max_concurrency": 32, "mean_tpot_ms": 25.0}))
MEASURED = _rows(
    "accelerator,accelerators,concurrency,input_tokens,output_tokens,tokens_per_second,user_speed,time_to_first_token",
    "H100-SXM,2,64,8192,1024,2568,20,1.5",
    "H100-SXM,8,4,8192,1024,900,40,0.2",
)
AIPERF = json.dumps(
    {
        "input_sequence_length": {"avg": 1000.0}, "output_sequence_length": {"avg": 200.0},
        "inter_token_latency": {"avg": 20.0}, "time_to_first_token": {"avg": 150.0},
        "request_throughput": {"avg": 4.0}, "input_config": {"loadgen": {"concurrency": 16}}, "tp": 2,
    }
).encode()  # fmt: skip
SAMPLE = _rows(
    "system,tp_size,isl,osl,batch_size,silicon_ttft_ms,silicon_tpot_ms,silicon_data_source",
    "h100_sxm,8,1024,256,32,500,20,silicon_concurrency=64",
    "h100_sxm,4,1024,256,32,500,25,other",
)
INFERENCEX = _rows("hw,tp,conc,isl,osl,tput_per_gpu,median_tpot,median_ttft", "h200,8,64,1024,1024,3000,0.02,0.5")
CONFIGURATOR = _rows(
    "system,tp,pp,dp,concurrency,isl,osl,tokens/s/gpu,tokens/s/user,ttft", "h200_sxm,4,1,2,32,4000,1000,800,50,300"
)
HOURS = _rows(
    "Month,Provider,GPU type,GPU hours,Cost (USD)", "2026-04,AWS,H100,720,1800.00", '2026-05,GCP,A100,"1,440","$2,880"'
)
OFFERS = _rows(
    "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,Price,Region,GpuInfo,SpotPrice",
    "gpu-8,H100,8,128,1600,23.60,eu-north1,,10.00",
    "cpu-4,,0,4,16,0.0992,eu-north1,,",
)
RATES = _rows("Date,USD,JPY,", "2026-05-15,1.10,165.0,", "2026-05-14,1.09,N/A,")
INSTANCES = _rows("instance,accelerator,count", "p5.48xlarge,H100,8", "mine,H200,4")
USERS = _rows("user,reserved,used", "search,4,2.5", "ads,2x3g.40gb,1/4", "chat,10,")
STEPS = _rows(
    "# GPUs,global batch,micro batch,hidden size,attention heads,# layers,sequence length,"
    "tensor parallelism,data parallelism,pipeline parallelism,iteration time (ms)",
    "4,16,4,2048,16,24,1024,1,2,2,410.490577",
    "64,512,8,3072,32,30,2048,1,64,1,3566.5",
)
CONFIG = {
    "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256, "tie_word_embeddings": False,
    "max_position_embeddings": 8192, "torch_dtype": "bfloat16",
}  # fmt: skip
EXPERTS = {
    "model_type": "deepseek_v3", "hidden_size": 7168, "num_hidden_layers": 61, "num_attention_heads": 128,
    "intermediate_size": 18432, "moe_intermediate_size": 2048, "n_routed_experts": 256, "n_shared_experts": 1,
    "num_experts_per_tok": 8, "first_k_dense_replace": 3, "kv_lora_rank": 512, "q_lora_rank": 1536,
    "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "vocab_size": 129280,
    "num_nextn_predict_layers": 1, "tie_word_embeddings": False,
    "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]},
}  # fmt: skip
RECORDS = _rows(
    "id,field,value,low,high,unit,price_year,period,known,source,grade,note",
    "Mine-1,bf16,1000,,,TFLOP/s,,,2026-01-05,sheet,assumed,",
    "Mine-1,memory,192,,,Gbyte,,,2026-01-05,sheet,assumed,",
    "Mine-1,bandwidth,8,,,Tbyte/s,,,2026-01-05,sheet,assumed,",
    "H100-SXM,power,650,,,W,,,2026-01-05,sheet,assumed,capped",
)
PLACES = b"""
[[record]]
id = "Nowhere"
source = "sheet"
grade = "assumed"
period = "2025"
price = {value = 80, unit = "USD/MWh"}
"""


def _panel() -> bytes:
    """Return a panel of arbitrary prices and quantities without noise."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("model", "week", "usd", "tokens", "output"))
    for model in range(8):
        for week in range(8):
            price = math.exp(0.3 * math.sin(model * 7 + week * 3) - 0.05 * week)
            writer.writerow((f"m{model}", f"2025-{week + 1:02}-01", price, 10.0 * price**-0.8, 10.0 + week))
    return text.getvalue().encode()


PANEL = _panel()


def _bill(path: Path) -> Any:
    from costmodel.studies.audit import audit
    from costmodel.studies.bill import read_bill

    return repr(audit(read_bill(path), {"USD": 1.0}))


def _usage(path: Path) -> Any:
    from costmodel.formats.focus import write
    from costmodel.studies.price_books import TablePrices
    from costmodel.studies.usage_cost import focus_rows, price_usage

    table = path.with_name("honest-prices.csv")
    table.write_bytes(PRICES)
    counting = "inclusive" if path.suffix == ".csv" else None
    cost = price_usage(path, prices=TablePrices(table), counting=counting)
    if cost.lines:
        write(focus_rows(cost, "account"))
    return cost


def _prices(path: Path) -> Any:
    from costmodel.studies.price_books import LiteLLMPrices, TablePrices
    from costmodel.studies.usage_cost import price_usage

    log = path.with_name("honest-log.csv")
    log.write_bytes(LOG)
    book = LiteLLMPrices(path) if path.suffix == ".json" else TablePrices(path)
    return price_usage(log, prices=book, counting="inclusive")


def _yearly(path: Path) -> Any:
    from costmodel.formats.yearly import read_yearly

    return read_yearly(path, f"Acme {path.parent.name}")


def _facts(path: Path) -> Any:
    from costmodel.formats.companyfacts import read_companyfacts

    return read_companyfacts(path, f"Filed {path.parent.name}")


def _benchmark(path: Path) -> Any:
    from costmodel.formats.benchmarks import read_benchmark

    return read_benchmark(path, accelerators=4, accelerator="H100-SXM").front()


def _measured(path: Path) -> Any:
    from costmodel.serving.measured import read_measured

    return read_measured(path).of("H100-SXM").front()


def _offers(path: Path) -> Any:
    from costmodel.formats.skypilot import machines, read

    return machines(read(path))


def _rates(path: Path) -> Any:
    import datetime as dt

    from costmodel.formats.exchange_rates import read

    return read(path).usd("JPY", dt.date(2026, 5, 15))


def _instances(path: Path) -> Any:
    from costmodel.cli.audit import _instances

    return _instances(path)


def _users(path: Path) -> Any:
    from costmodel.cli.allocate import _users
    from costmodel.studies.allocation import allocate

    reserved, used = _users(path, 80.0, "compute")
    return allocate(64.0, 100.0, reserved, used=used, idle="by use" if used else "by reservation")


def _steps(path: Path) -> Any:
    from costmodel.formats.training_steps import read_training_steps

    return read_training_steps(path)


def _config(path: Path) -> Any:
    from costmodel.compute import parameters
    from costmodel.compute.config_precision import scheme_from_config
    from costmodel.compute.config_shapes import shape_from_config

    shape = shape_from_config(path)
    total = float(parameters.total_parameters(shape))
    if not 0.0 <= total < math.inf:
        raise AssertionError(f"{total} parameters")
    return scheme_from_config(path)


def _catalog(path: Path) -> Any:
    from costmodel import catalog

    path.with_name("sources.toml").write_text('[sheet]\ntitle = "A sheet"\ndate = "2026-01-05"\n')
    own = catalog.extended(path.parent)
    return own.accelerator("H100-SXM").power


def _plan(path: Path) -> Any:
    from costmodel.analysis.known_at_a_date import Plan

    return Plan.from_toml(files.read_text(path), str(path))


def _scenario(path: Path) -> Any:
    return entry.load_scenario(path).to_toml()


def _panel_of(path: Path) -> Any:
    from costmodel.cli.estimate import columns_of

    return columns_of(path, ("usd", "tokens"), ("model", "week"))


@cache
def readers() -> dict[str, Reader]:
    """Return every kind of file by name."""
    from importlib import resources

    plan = resources.files("costmodel.analysis.backtests").joinpath("bond-flywheel.2023-12-31.toml").read_bytes()
    scenario = entry.load_scenario("token-planner").to_toml().encode()
    return {
        "bill": Reader("bill.csv", BILL, _bill),
        "log": Reader("log.csv", LOG, _usage),
        "spans": Reader("log.jsonl", SPANS, _usage),
        "prices": Reader("prices.csv", PRICES, _prices),
        "map": Reader("map.json", MAP, _prices),
        "yearly": Reader("acme.csv", YEARLY, _yearly),
        "facts": Reader("facts.json", FACTS, _facts),
        "benchmark": Reader("run.jsonl", BENCHMARK, _benchmark),
        "measured": Reader("measured.csv", MEASURED, _measured),
        "aiperf": Reader("profile.json", AIPERF, _benchmark),
        "sample": Reader("silicon.csv", SAMPLE, _benchmark),
        "inferencex": Reader("results.csv", INFERENCEX, _benchmark),
        "configurator": Reader("pareto.csv", CONFIGURATOR, _benchmark),
        "hours": Reader("hours.csv", HOURS, _bill),
        "offers": Reader("vms.csv", OFFERS, _offers),
        "rates": Reader("eurofxref-hist.csv", RATES, _rates),
        "instances": Reader("instances.csv", INSTANCES, _instances),
        "users": Reader("users.csv", USERS, _users),
        "steps": Reader("steps.csv", STEPS, _steps),
        "config": Reader("config.json", json.dumps(CONFIG).encode(), _config),
        "experts": Reader("config.json", json.dumps(EXPERTS).encode(), _config),
        "panel": Reader("panel.csv", PANEL, _panel_of),
        "records": Reader("accelerators.csv", RECORDS, _catalog),
        "places": Reader("electricity.toml", PLACES, _catalog),
        "plan": Reader("plan.toml", plan, _plan),
        "scenario": Reader("mine.toml", scenario, _scenario),
    }
