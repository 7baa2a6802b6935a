"""The flows of ./bench --flows in zuko, eager or with torch.compile.

What networks give passes other functions than in ours (a becomes the log scale
a / (1 + |a / log 1e-3|)), so that weights do not carry over: the peer checks itself.
"""

import torch
import zuko
from zuko.transforms import MonotonicRQSTransform

from protocol import serve
from torch_flows import Flow, workloads
from torch_peer import arguments

BINS = 8


def wrapped(flow: zuko.lazy.Flow) -> Flow:
    return Flow(
        module=flow,
        log_prob=lambda x: flow().log_prob(x),
        # As flow().sample does. With its density a draw takes zuko a second pass.
        draw=lambda z: (flow().transform.inv(z),),
        to_latent=lambda x: flow().transform(x),
    )


def realnvp(d: int, _) -> Flow:
    return wrapped(zuko.flows.RealNVP(d, transforms=8, hidden_features=(128, 128)))


def neural_spline(d: int, _) -> Flow:
    """With plain networks: the couplings of zuko.flows.NSF (passes=2) have masked ones, as wide as
    the whole vector."""
    shapes = [(BINS,), (BINS,), (BINS - 1,)]
    return wrapped(
        zuko.flows.NICE(
            d,
            transforms=4,
            univariate=MonotonicRQSTransform,
            shapes=shapes,
            hidden_features=(64, 64),
        )
    )


def maf(d: int, _) -> Flow:
    return wrapped(zuko.flows.MAF(d, transforms=5, hidden_features=(64, 64)))


if __name__ == "__main__":
    name = "zuko_compile" if arguments.compile else "zuko"
    serve(
        {"name": name, "version": f"{zuko.__version__} on PyTorch {torch.__version__}"},
        workloads({"realnvp": realnvp, "nsf": neural_spline, "maf": maf}),
        torch.from_numpy,
        torch.compiler.reset,
    )
