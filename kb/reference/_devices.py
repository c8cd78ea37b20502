"""What reference implementations ask of torch before they compute: a device that is there, and one thread."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

import torch
from torch import Tensor, nn

Movable = TypeVar("Movable", bound=Tensor | nn.Module)


def moved(one: Movable, device: str) -> Movable:
    """Return a tensor or a network on device. Raises: ValueError that names the device if torch cannot use it."""
    try:
        return cast(Movable, one.to(device))
    except (RuntimeError, AssertionError) as error:  # AssertionError: this torch was built without CUDA
        raise ValueError(f"device {device!r} cannot be used: {str(error).splitlines()[0]}") from error


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread: where steps are small, threads that meet after each are slow on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
