# %% [markdown]
# # Tried until it is done
#
# An agent that fails at two tasks of three retries until the task is done, and a person checks each attempt. What does
# an office task cost, against the wage of a person doing it? And what do several voices in an agent's reasoning add?

# %%
import numpy as np

import costmodel

DRAWS = 2000
done = costmodel.run("office-task", draws=DRAWS, rng=0)
cost, wage = np.asarray(done.cost_until_done), np.asarray(done.person_cost)
low, middle, high = np.quantile(cost, [0.05, 0.5, 0.95])
print(f"An office task retried until it is done costs {middle:.2f} USD ({low:.2f} … {high:.2f}), less than the wage "
      f"for it in {np.mean(cost < wage):.0%} of draws")  # fmt: skip
assert 1.0 < middle < 20.0

# %% Most of the cost is the person's review
scenario = costmodel.load_scenario("office-task")
tokens = np.asarray(done.cost) / np.asarray(scenario.resolve(done.design).success)
share = np.quantile(tokens / cost, [0.05, 0.5, 0.95])
print(f"tokens are {share[1]:.0%} of that ({share[0]:.0%} … {share[2]:.0%}), the rest is review")
assert share[1] < 0.5

# %% Reasoning as a society of voices
plain, voiced = (costmodel.run(name, draws=DRAWS, rng=0) for name in ("agent-task", "society-of-thought"))
times = np.quantile(voiced.cost / plain.cost, [0.05, 0.5, 0.95])
print(f"with several voices an agent's task costs {times[1]:.1f} times as much ({times[0]:.1f} … {times[2]:.1f})")
assert times[0] >= 1.0

# %% The picture.
try:
    from costmodel.reporting.figures import against

    axes = against(("wage for the task", "USD", wage[:400]), ("cost until it is done", "USD", cost[:400]), front=False)
except ImportError:
    print("no picture: install ai-costmodel[plots]")
else:
    axes.figure.savefig("tried_until_done.png", dpi=120)
    print("picture: tried_until_done.png")
