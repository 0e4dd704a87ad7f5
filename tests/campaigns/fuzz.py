"""Fuzz a parser, guided by coverage: ``python tests/campaigns/fuzz.py READER [SECONDS]`` (needs atheris).

Inputs that reach new code are added to the corpus of the reader in ``corpus/READER``; minimise it with
``python tests/campaigns/fuzz.py READER 0 -merge=1 NEW OLD``, as for libFuzzer. The tests replay every kept input.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import warnings
from itertools import count
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "src")]
INSTRUMENTED = (
    "costmodel.formats", "costmodel.compute", "costmodel.catalog", "costmodel.foundation", "costmodel.studies",
    "costmodel.serving", "costmodel.analysis", "tomllib", "json.decoder", "csv",
)  # fmt: skip
"""Modules whose branches guide the fuzzer."""
LONGEST = 4096
"""Longest input [byte]."""
_FOLDERS = count()


def try_input(name: str, data: bytes, room: Path) -> None:
    """Read some bytes with a reader; raise everything but a refusal in one line."""
    from attack import message_fault
    from samples import readers

    from costmodel.foundation.errors import CostModelError, CostModelWarning

    reader = readers()[name]
    folder = room / f"{name}-{next(_FOLDERS)}"
    folder.mkdir()
    path = folder / reader.file
    path.write_bytes(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", CostModelWarning)
            reader.read(path)
    except CostModelError as error:
        fault = message_fault(error)
        if fault is not None:
            raise AssertionError(fault) from error
    finally:
        shutil.rmtree(folder)


def main() -> None:
    import atheris

    name, seconds, *rest = [*sys.argv[1:], "60"] if len(sys.argv) == 2 else sys.argv[1:]
    room = Path(tempfile.mkdtemp(prefix="fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    with atheris.instrument_imports(include=list(INSTRUMENTED)):
        from samples import readers

        honest = readers()[name].honest
        try_input(name, honest, room)  # imports the reader's dependencies
    corpus = HERE / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    (corpus / "honest").write_bytes(honest[:LONGEST])
    folders = rest if any(word.startswith("-merge") for word in rest) else [str(corpus), *rest]
    options = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=20", "-rss_limit_mb=4096"]
    atheris.Setup([sys.argv[0], *options, *folders], lambda data: try_input(name, data, room))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
