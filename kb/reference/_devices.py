"""What reference implementations ask of torch before they compute: a device that is there, and one thread."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def using(device: str) -> Iterator[None]:
    """Turn what torch raises where device cannot be used into a ValueError that names it."""
    try:
        yield
    except (RuntimeError, AssertionError) as error:  # AssertionError: this torch was built without CUDA
        raise ValueError(f"device {device!r} cannot be used: {str(error).splitlines()[0]}") from error


def moved(tensor: Tensor, device: str) -> Tensor:
    """Return tensor on device. Raises: ValueError if torch cannot use it."""
    with using(device):
        return tensor.to(device)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread: where steps are small, threads that meet after each are slow on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
