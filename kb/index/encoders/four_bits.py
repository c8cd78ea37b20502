"""Layers whose weights stay 4 bits a number: in blocks of 32 with a scale each, in torch and once exported."""

from typing import Any

import torch
from torch import Tensor, nn

BLOCK = 32
MIDDLE = 8  # the nibble that means 0


class FourBitEmbedding(nn.Module):
    """A table of vectors; only the rows that are looked up become floats."""

    nibbles: Tensor
    scales: Tensor

    def __init__(self, rows: int, width: int) -> None:
        super().__init__()
        self.register_buffer("nibbles", torch.empty(rows, width // BLOCK, BLOCK // 2, dtype=torch.uint8))
        self.register_buffer("scales", torch.empty(rows, width // BLOCK, dtype=torch.float16))

    def forward(self, rows: Tensor) -> Tensor:
        """Return the vectors [..., width] of rows [...]."""
        return _floats(self.nibbles[rows], self.scales[rows].float())


class FourBitLinear(nn.Module):
    """A linear map; onnxruntime multiplies by the nibbles as they are, in float32."""

    nibbles: Tensor
    scales: Tensor
    bias: Tensor

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.register_buffer("nibbles", torch.empty(outputs, inputs // BLOCK, BLOCK // 2, dtype=torch.uint8))
        self.register_buffer("scales", torch.empty(outputs, inputs // BLOCK))
        self.register_buffer("bias", torch.empty(outputs))

    def forward(self, vectors: Tensor) -> Tensor:
        """Return [..., outputs] of vectors [..., inputs]."""
        product: Tensor = _Product.apply(vectors, self.nibbles, self.scales)  # type: ignore[no-untyped-call]
        return product + self.bias


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, vectors: Tensor, nibbles: Tensor, scales: Tensor) -> Tensor:
        return vectors @ _floats(nibbles, scales).T

    @staticmethod
    def symbolic(graph: Any, vectors: Any, nibbles: Any, scales: Any) -> Any:
        outputs, blocks, _ = nibbles.type().sizes()
        return graph.op(
            "com.microsoft::MatMulNBits",
            vectors,
            nibbles,
            scales,
            K_i=blocks * BLOCK,
            N_i=outputs,
            bits_i=4,
            block_size_i=BLOCK,
            accuracy_level_i=1,  # float32: vectors do not depend on the processor
        ).setType(vectors.type().with_sizes([None, None, outputs]))


def _floats(nibbles: Tensor, scales: Tensor) -> Tensor:
    """Return numbers [..., blocks * 32] of nibbles [..., blocks, 16], the lower half of a byte first."""
    both = nibbles.float()
    high = torch.floor(both / 16)
    numbers = torch.stack([both - 16 * high, high], dim=-1).flatten(-2) - MIDDLE
    return (numbers * scales.unsqueeze(-1)).flatten(-2)
