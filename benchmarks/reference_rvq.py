"""Time kb.reference.rvq.encode against its peers and against the matrix products it cannot do without.

    python benchmarks/reference_rvq.py [--device cuda] [--threads 1] [--repeats 7]

160 s of EnCodec: latents [8, 128, 1500] at 75 Hz, 8 codebooks of 1024. The implementations take turns and
each keeps its best time: other work disturbs them alike only within one run, so compare ratios, not times.
A bare product of all rows writes 48 MB of scores; on a CPU the same products in chunks are the lower floor.
"""

import argparse
import importlib
import platform
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from kb.reference import rvq

B, K, T, D, V = 8, 8, 1500, 128, 1024
CHUNK = 512  # rows of latents whose scores, 2 MB, stay in cache; what rvq takes on a CPU for V = 1024


def transformers_encodec(codebooks: Tensor) -> Callable[[Tensor], Tensor]:
    """Return the encoder of EnCodec in transformers."""
    from transformers import EncodecConfig
    from transformers.models.encodec.modeling_encodec import EncodecResidualVectorQuantizer

    config = EncodecConfig(codebook_size=V, codebook_dim=D, target_bandwidths=[K * 0.75])
    quantizer: Any = EncodecResidualVectorQuantizer(config).to(codebooks.device)
    for layer, codebook in zip(quantizer.layers, codebooks, strict=True):
        layer.codebook.embed.copy_(codebook)
    return lambda latents: quantizer.encode(latents).transpose(0, 1)


def transformers_mimi(codebooks: Tensor) -> Callable[[Tensor], Tensor]:
    """Return the encoder of Mimi in transformers, which goes through torch.cdist."""
    from transformers import MimiConfig
    from transformers.models.mimi.modeling_mimi import MimiResidualVectorQuantizer

    sizes: dict[str, Any] = {"hidden_size": D, "codebook_dim": D, "vector_quantization_hidden_dimension": D}
    config = MimiConfig(codebook_size=V, **sizes)
    quantizer: Any = MimiResidualVectorQuantizer(config, num_quantizers=K).to(codebooks.device)
    for layer, codebook in zip(quantizer.layers, codebooks, strict=True):
        layer.codebook.embed_sum.copy_(codebook)
        layer.codebook.cluster_usage.fill_(1.0)
    return lambda latents: quantizer.encode(latents).transpose(0, 1)


def vector_quantize_pytorch(codebooks: Tensor) -> Callable[[Tensor], Tensor]:
    """Return the encoder of vector-quantize-pytorch; its forward pass also decodes."""
    peer: Any = importlib.import_module("vector_quantize_pytorch")
    quantizer = peer.ResidualVQ(dim=D, num_quantizers=K, codebook_size=V).eval().to(codebooks.device)
    for layer, codebook in zip(quantizer.layers, codebooks, strict=True):
        layer._codebook.embed.copy_(codebook[None])
    return lambda latents: quantizer(latents.transpose(1, 2))[1].transpose(1, 2)


def products(codebooks: Tensor, rows: int) -> Callable[[Tensor], None]:
    """Return a function that only multiplies latents with every codebook, so many rows at a time."""

    def multiply(latents: Tensor) -> None:
        vectors = latents.transpose(1, 2).reshape(-1, D)
        for codebook in codebooks:
            for chunk in torch.split(vectors, rows):
                chunk @ codebook.T

    return multiply


@torch.inference_mode()
def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Time residual vector quantization against its peers.")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    generator = torch.Generator().manual_seed(args.seed)
    latents = torch.randn(B, D, T, generator=generator).to(args.device)
    codebooks = (0.25 * torch.randn(K, V, D, generator=generator)).to(args.device)

    contenders: dict[str, Callable[[Tensor], Tensor | None]] = {
        "kb.reference.rvq": lambda latents: rvq.encode(latents, codebooks),
        f"{K} bare matrix products": products(codebooks, B * T),
        f"the same, {CHUNK} rows at a time": products(codebooks, CHUNK),
    }
    peers = {
        "transformers Encodec": transformers_encodec,
        "transformers Mimi (cdist)": transformers_mimi,
        "vector-quantize-pytorch": vector_quantize_pytorch,
    }
    for name, make in peers.items():
        try:
            contenders[name] = make(codebooks)
        except ModuleNotFoundError as error:
            print(f"{name}: left out, {error.name} is not installed")

    def timed(function: Callable[[Tensor], Tensor | None]) -> float:
        start = time.perf_counter()
        function(latents)
        if latents.is_cuda:
            torch.cuda.synchronize()
        return time.perf_counter() - start

    codes = {name: function(latents) for name, function in contenders.items()}  # also warms up
    best = dict.fromkeys(contenders, float("inf"))
    for _ in range(args.repeats):
        best = {name: min(best[name], timed(function)) for name, function in contenders.items()}

    ours, floor = codes["kb.reference.rvq"], best[f"{K} bare matrix products"]
    cpu = f"{platform.machine()}, {args.threads} thread(s)"
    print(f"torch {torch.__version__}, {torch.cuda.get_device_name() if latents.is_cuda else cpu}")
    print(f"latents {list(latents.shape)}, {K} codebooks of {V}, best of {args.repeats}")
    print(f"{'':32}{'ms':>9}{'x products':>12}{'x ours':>9}{'same codes':>12}")
    for name, seconds in sorted(best.items(), key=lambda item: item[1]):
        theirs = codes[name]
        same = ""
        if theirs is not None and ours is not None:
            same = f"{torch.eq(theirs, ours).double().mean().item():.4%}"
        ratios = f"{seconds / floor:12.2f}{seconds / best['kb.reference.rvq']:9.2f}"
        print(f"{name:32}{1000 * seconds:9.2f}{ratios}{same:>12}")


if __name__ == "__main__":
    main()
