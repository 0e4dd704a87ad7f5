"""Groups of equal layers (token mixer, feed-forward, norms), and parts of a model outside its layers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from costmodel.compute.mixers import Mixer

GATED = 3
"""Weight matrices of a gated MLP (gate, up, down)."""
PLAIN = 2
"""Weight matrices of a plain MLP (up, down)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dense:
    """A dense MLP.

    Parameters
    ----------
    d_ff
        Inner width.
    mlp_matrices
        3 for a gated MLP, 2 for a plain one.
    bias
        Whether its projections have bias vectors.
    """

    kind: ClassVar[str] = "dense"
    d_ff: int
    mlp_matrices: int = GATED
    bias: bool = False

    @property
    def active_width(self) -> int:
        """Inner width that a token passes [1]."""
        return self.d_ff


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """A mixture of experts, with shared experts or an MLP that every token passes.

    Parameters
    ----------
    experts, top_k
        Routed experts; routed experts that a token passes.
    d_ff_expert
        Inner width of a routed expert.
    shared_experts, d_ff_shared
        Experts that every token passes, and their inner width (0: as the routed).
    mlp_matrices, bias
        As for :class:`Dense`.
    router_bias, shared_gate
        Whether there is one bias per routed expert; a gate on the shared experts' output.
    width
        Width in which routed experts work, between projections down and up; 0: the residual stream's.
    width_norm
        Elements of the norms around these projections.
    """

    kind: ClassVar[str] = "routed"
    experts: int
    top_k: int
    d_ff_expert: int
    shared_experts: int = 0
    d_ff_shared: int = 0
    mlp_matrices: int = GATED
    bias: bool = False
    router_bias: bool = False
    shared_gate: bool = False
    width: int = 0
    width_norm: int = 0

    @property
    def shared_width(self) -> int:
        """Inner width of all shared experts together [1]."""
        return self.shared_experts * (self.d_ff_shared or self.d_ff_expert)

    @property
    def active_width(self) -> int:
        """Inner width that a token passes [1]."""
        return self.top_k * self.d_ff_expert + self.shared_width


FeedForward: TypeAlias = Dense | Routed


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Equal layers of a model.

    Parameters
    ----------
    layers
        Number of equal layers.
    mixer
        Token mixer; absent where the layer has none.
    feed_forward
        Feed-forward, which works on each token alone; absent where the layer has none.
    norms
        Norms of the model's width per layer.
    norm_bias
        Whether the norms have bias vectors.
    parallel
        Whether mixer and feed-forward run side by side on one input.
    extra
        Further elements per layer, such as learned scalars.

    Examples
    --------
    >>> from costmodel.compute.mixers import Attention
    >>> Group(layers=2, mixer=Attention(heads=8, kv_heads=2, head_dim=8), feed_forward=Dense(d_ff=256)).layers
    2
    """

    layers: int
    mixer: Mixer | None = None
    feed_forward: FeedForward | None = None
    norms: int = 2
    norm_bias: bool = False
    parallel: bool = False
    extra: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Heads that predict further tokens (multi-token prediction), each a projection, norms and a layer or two.

    Parameters
    ----------
    heads
        Number of heads.
    groups
        The layers of one head.
    merge
        Whether a projection combines the last hidden state and the next token's embedding.
    norms
        Norms of the model's width beside those of its layers.
    own_tables
        Embedding tables of a head's own, 0 to 2; 0: it uses the model's.
    """

    heads: int = 1
    groups: tuple[Group, ...] = ()
    merge: bool = True
    norms: int = 3
    own_tables: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """A low-rank adapter (LoRA) on matrices of every layer.

    Parameters
    ----------
    rank
        Its rank.
    targets
        Names of the adapted matrices, as in :class:`Matrix`, or ``feed_forward`` or ``head``.
    loaded
        Adapters kept in memory at once.

    References
    ----------
    Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models", arXiv 2106.09685, section 4.1.
    """

    rank: int
    targets: tuple[str, ...] = field(default=("query", "key_value", "output"))
    loaded: int = 1
