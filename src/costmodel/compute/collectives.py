"""Collectives over two levels of links: scale-up inside a domain, scale-out between domains.

Sizes are bytes of the **whole** buffer: after an all-gather or all-reduce, before a reduce-scatter. Bandwidths are
unidirectional per rank, and a group of ``ranks`` has ``local_ranks`` members in each domain. Collectives use rings
inside a domain and trees or recursive doubling between domains, as collective libraries do: latency grows with
``local_ranks − 1`` hops inside and with log₂ of the domains outside.
"""

from __future__ import annotations

import numpy as np

from costmodel.foundation.arrays import Numeric, formula


@formula()
def local_ranks(ranks: Numeric, stride: Numeric, domain: Numeric) -> Numeric:
    """Return the members of a group that share a scale-up domain.

    Parameters
    ----------
    ranks
        Members of the group, ≥ 1 [1], any shape.
    stride
        Devices between neighbours of the group, ≥ 1 [1]: 1 for the innermost kind of parallelism, the product
        of the inner kinds for the others.
    domain
        Devices of a scale-up domain, ≥ 1 [1].

    Returns
    -------
    Numeric
        Members per domain [1], from 1 to ``ranks``.

    Examples
    --------
    >>> [float(local_ranks(64, stride, 8)) for stride in (1, 2, 8)]
    [8.0, 4.0, 1.0]
    """
    return np.minimum(ranks, np.maximum(domain / stride, 1.0))


@formula(pointwise=True)
def all_gather_time(
    size: Numeric,
    ranks: Numeric,
    local_ranks: Numeric,
    scale_up_bandwidth: Numeric,
    scale_out_bandwidth: Numeric,
    scale_up_latency: Numeric,
    scale_out_latency: Numeric,
    base_latency: Numeric,
) -> Numeric:
    """Return the time of an all-gather: every rank collects the shards of all.

    Parameters
    ----------
    size
        Bytes of the gathered buffer, ≥ 0 [byte], any shape.
    ranks
        Members of the group, ≥ 1 [1].
    local_ranks
        Members per scale-up domain, from 1 to ``ranks`` [1].
    scale_up_bandwidth
        Bandwidth inside a domain, per rank and direction, > 0 [byte/s].
    scale_out_bandwidth
        Bandwidth between domains, per rank and direction, > 0 [byte/s].
    scale_up_latency
        Latency per hop inside a domain, ≥ 0 [s].
    scale_out_latency
        Latency per doubling of domains, ≥ 0 [s].
    base_latency
        Start-up time of the collective, ≥ 0 [s].

    Returns
    -------
    Numeric
        Time [s]; 0 for a group of one.

    Notes
    -----
    With ``l`` local ranks and ``n = ranks/l`` domains:
    ``α₀ + (l−1)·α_up + log₂n·α_out + (l−1)/l·S/B_up + (n−1)/n·(S/l)/B_out``.

    References
    ----------
    Thakur, Rabenseifner and Gropp 2005, "Optimization of Collective Communication Operations in MPICH",
    IJHPCA 19(1), sections 4.1 and 4.3.

    Examples
    --------
    >>> seconds = all_gather_time(1e9, 8.0, 8.0, 450e9, 50e9, 0.0, 0.0, 0.0)
    >>> round(float(seconds) * 1e3, 3)  # 7/8 · 1e9 / 450e9
    1.944
    """
    domains = ranks / local_ranks
    hops = (local_ranks - 1.0) * scale_up_latency + np.log2(domains) * scale_out_latency
    inside = (local_ranks - 1.0) / local_ranks * size / scale_up_bandwidth
    outside = (domains - 1.0) / ranks * size / scale_out_bandwidth
    return np.where(ranks > 1.0, base_latency + hops + inside + outside, 0.0) + 0.0


@formula(pointwise=True)
def all_reduce_time(
    size: Numeric,
    ranks: Numeric,
    local_ranks: Numeric,
    scale_up_bandwidth: Numeric,
    scale_out_bandwidth: Numeric,
    scale_up_latency: Numeric,
    scale_out_latency: Numeric,
    base_latency: Numeric,
) -> Numeric:
    """Return the time of an all-reduce: the buffers of all ranks are added, and every rank holds the sum.

    Parameters
    ----------
    size
        Bytes of the buffer, ≥ 0 [byte], any shape.
    ranks, local_ranks
        Members of the group and members per scale-up domain, ≥ 1 [1].
    scale_up_bandwidth, scale_out_bandwidth
        Bandwidth inside and between domains, per rank and direction, > 0 [byte/s].
    scale_up_latency, scale_out_latency, base_latency
        Latency per hop, per doubling of domains, and once, ≥ 0 [s].

    Returns
    -------
    Numeric
        Time [s]: a reduce-scatter and an all-gather with one start-up time; 0 for a group of one.

    Notes
    -----
    With ``r`` ranks in ``n`` domains:
    ``α₀ + 2[(r/n−1)·α_up + log₂n·α_out] + 2(r−n)/r·S/B_up + 2(n−1)/r·S/B_out``.
    Erdil's term for one protocol follows with both bandwidths multiplied by the protocol's share.

    References
    ----------
    Erdil 2025, "Inference economics of language models", arXiv 2506.04645, section 2.

    Examples
    --------
    >>> seconds = all_reduce_time(1e9, 8.0, 8.0, 450e9, 50e9, 0.6e-6, 5e-6, 6.8e-6)
    >>> round(float(seconds) * 1e3, 3)
    3.904
    """
    shared = all_gather_time(
        size,
        ranks,
        local_ranks,
        scale_up_bandwidth,
        scale_out_bandwidth,
        scale_up_latency,
        scale_out_latency,
        0.0,
    )
    return np.where(ranks > 1.0, base_latency + 2.0 * shared, 0.0) + 0.0


@formula(pointwise=True)
def all_to_all_time(
    size: Numeric,
    ranks: Numeric,
    local_ranks: Numeric,
    scale_up_bandwidth: Numeric,
    scale_out_bandwidth: Numeric,
    scale_up_latency: Numeric,
    scale_out_latency: Numeric,
    base_latency: Numeric,
) -> Numeric:
    """Return the time of an all-to-all: every rank sends a different shard to every other, as in expert parallelism.

    Parameters
    ----------
    size
        Bytes that one rank sends to the whole group, itself included, ≥ 0 [byte], any shape; each member of a larger
        group gets a smaller shard.
    ranks, local_ranks
        Members of the group and members per scale-up domain, ≥ 1 [1].
    scale_up_bandwidth, scale_out_bandwidth
        Bandwidth inside and between domains, per rank and direction, > 0 [byte/s].
    scale_up_latency, scale_out_latency, base_latency
        Latency per message inside and between domains, and once, ≥ 0 [s].

    Returns
    -------
    Numeric
        Time [s]: traffic inside and between domains overlaps, so the slower of the two counts; 0 for a group of one.

    Notes
    -----
    ``α₀ + max[α_up + (l−1)/r·S/B_up, α_out + (r−l)/r·S/B_out]``, each latency 0 where there is no peer to reach.

    Examples
    --------
    >>> seconds = all_to_all_time(1e9, 16.0, 8.0, 450e9, 50e9, 0.0, 0.0, 0.0)
    >>> round(float(seconds) * 1e3, 3)  # 8/16 · 1e9 / 50e9
    10.0
    """
    near = np.minimum(local_ranks - 1.0, 1.0) * scale_up_latency
    far = np.minimum(ranks / local_ranks - 1.0, 1.0) * scale_out_latency
    inside = near + (local_ranks - 1.0) / ranks * size / scale_up_bandwidth
    outside = far + (ranks - local_ranks) / ranks * size / scale_out_bandwidth
    return np.where(ranks > 1.0, base_latency + np.maximum(inside, outside), 0.0) + 0.0


@formula(pointwise=True)
def expert_exchange_time(
    tokens: Numeric,
    token_bytes: Numeric,
    top_k: Numeric,
    ranks: Numeric,
    ranks_in_domain: Numeric,
    scale_up_bandwidth: Numeric,
    scale_out_bandwidth: Numeric,
    scale_up_latency: Numeric,
    scale_out_latency: Numeric,
    base_latency: Numeric,
    most_domains: Numeric = np.inf,
) -> Numeric:
    """Return the time to send each token to its experts: once per domain, then forwarded inside it.

    Parameters
    ----------
    tokens
        Tokens that one rank sends, >= 0 [token].
    token_bytes
        Bytes of one token, > 0 [byte].
    top_k
        Experts that a token passes, >= 1 [1].
    ranks
        Ranks over which experts are spread, >= 1 [1].
    ranks_in_domain
        Ranks that share a scale-up domain, from 1 to ``ranks`` [1].
    scale_up_bandwidth, scale_out_bandwidth
        Bandwidth inside and between domains, per rank and direction, > 0 [byte/s].
    scale_up_latency, scale_out_latency
        Latency per message inside and between domains, >= 0 [s].
    base_latency
        Start-up time of the exchange, >= 0 [s].
    most_domains
        Largest number of domains over which a token's experts may spread, >= 1 [1]; infinite: no limit.

    Returns
    -------
    float or array
        Time [s]; 0 for one rank. Both kinds of link work at the same time, so the slower one counts.

    Notes
    -----
    Over ``D = ranks / local`` domains a token with k experts reaches ``D (1 − (1 − 1/D)^k)`` of them, at most
    ``most_domains``; a share ``(D − 1)/D`` is remote. Inside a domain a share ``(local − 1)/local`` of the k copies
    goes to other ranks.

    References
    ----------
    DeepSeek-AI (2024), *DeepSeek-V3 Technical Report*, arXiv 2412.19437, section 3.2.2: a token crosses the
    network once per node and is forwarded inside.

    Examples
    --------
    >>> seconds = expert_exchange_time(100.0, 7168.0, 8.0, 16.0, 8.0, 200e9, 50e9, 0.0, 0.0, 0.0)
    >>> round(float(seconds) * 1e6, 2)  # inside: 100 · 7168 · 8 · 7/8 / 200e9
    25.09
    """
    domains = ranks / ranks_in_domain
    reached = np.minimum(domains * (1.0 - np.power(1.0 - 1.0 / domains, top_k)), most_domains)
    remote = reached * (domains - 1.0) / domains
    local = top_k * (ranks_in_domain - 1.0) / ranks_in_domain
    inside = np.minimum(ranks_in_domain - 1.0, 1.0) * scale_up_latency
    outside = np.minimum(domains - 1.0, 1.0) * scale_out_latency
    inside = inside + tokens * token_bytes * local / scale_up_bandwidth
    outside = outside + tokens * token_bytes * remote / scale_out_bandwidth
    return np.where(ranks > 1.0, base_latency + np.maximum(inside, outside), 0.0) + 0.0


@formula()
def point_to_point_time(size: Numeric, bandwidth: Numeric, latency: Numeric) -> Numeric:
    """Return the time to send a message over one link.

    Parameters
    ----------
    size
        Bytes of the message, ≥ 0 [byte], any shape.
    bandwidth
        Bandwidth per direction, > 0 [byte/s].
    latency
        Time until the first byte arrives, ≥ 0 [s].

    Returns
    -------
    Numeric
        Time [s].

    Examples
    --------
    >>> point_to_point_time(50e9, 50e9, 0.5)
    1.5
    """
    return latency + size / bandwidth
