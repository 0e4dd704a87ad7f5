"""Draw the README's figure of the flywheel: ``python docs/readme_figure.py`` writes ``docs/_static/flywheel.svg``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import costmodel
from costmodel.reporting.figures import fan, loop
from costmodel.reporting.style import close, pyplot, svg_of

PLACE = Path(__file__).parent / "_static" / "flywheel.svg"
NAME, DRAWS, SEED = "bond-flywheel", 500, 0
STATIONS = (
    ("price of a token", "average_paid_price"),
    ("tokens served", "tokens"),
    ("power of facilities", "facility_power"),
    ("capex", "capex"),
    ("user spend", "user_spend"),
)
"""Label and output of each station of the loop."""
SIZE = (10.0, 3.9)
"""Width and height [inch]."""


def axes() -> Any:
    """Return the axes of the loop, with user spend by year on their right."""
    result = costmodel.run(NAME, draws=DRAWS, rng=SEED)
    _, (left, right) = pyplot().subplots(1, 2, figsize=SIZE, layout="constrained", width_ratios=(1.25, 1.0))
    drawn = loop(result, STATIONS, left)
    fan(result, "user_spend", right)
    return drawn


def main() -> None:
    """Write the figure."""
    drawn = axes()
    PLACE.write_text(svg_of(drawn) + "\n", encoding="utf-8")
    close(drawn)


if __name__ == "__main__":
    main()
