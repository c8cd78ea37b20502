"""How a reference implementation says which tensors it was given instead of those that it wants."""

from torch import Tensor


def kinds(*tensors: Tensor) -> str:
    """Return shape and dtype of each: "[2, 3] torch.float32 and [4] torch.int64"."""
    return " and ".join(f"{list(tensor.shape)} {tensor.dtype}" for tensor in tensors)
