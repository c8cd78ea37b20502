"""Stacked frames against numbers by hand, torch's unfold, and the figures of MooER and LLaMA-Omni."""

import json

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import frame_stack as fs  # noqa: E402


def gaussian(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_five_frames_stacked_by_two_are_two_and_the_fifth_is_dropped():
    frames = torch.tensor([[[1, 10], [2, 20], [3, 30], [4, 40], [5, 50]]])

    assert fs.stack(frames, 2).tolist() == [[[1, 10, 2, 20], [3, 30, 4, 40]]]
    assert fs.unstack(fs.stack(frames, 2), 2).tolist() == frames[:, :4].tolist()
    assert fs.stack(frames, 6).shape == (1, 0, 12)


def test_fourteen_frames_at_a_low_rate_are_three_and_both_ends_are_repeated():
    frames = torch.arange(14).view(1, 14, 1)

    assert fs.low_frame_rate(frames)[0].tolist() == [
        [0, 0, 0, 0, 1, 2, 3],
        [3, 4, 5, 6, 7, 8, 9],
        [9, 10, 11, 12, 13, 13, 13],
    ]
    assert fs.low_frame_rate(frames[:, :1]).tolist() == [[[0] * 7]]


def test_stacking_is_what_torch_unfolds():
    frames = gaussian(2, 53, 4)

    theirs = frames.unfold(1, 5, 5).transpose(2, 3).flatten(2)

    assert torch.equal(fs.stack(frames, 5), theirs)


def test_the_low_frame_rate_is_what_torch_unfolds_of_frames_with_repeated_ends():
    frames = gaussian(2, 2998, 4)
    ends = torch.nn.functional.pad(frames.transpose(1, 2), (3, 8), mode="replicate").transpose(1, 2)

    theirs = ends.unfold(1, 7, 6).transpose(2, 3).flatten(2)

    assert torch.equal(fs.low_frame_rate(frames), theirs[:, :500])
    assert fs.stack(fs.low_frame_rate(frames), 2).shape == (2, 250, 56)


@settings(max_examples=60)
@given(length=st.integers(0, 40), width=st.integers(1, 4), k=st.integers(1, 9))
def test_what_was_stacked_comes_back_but_for_less_than_one_stack(length, width, k):
    frames = torch.arange(2 * length * width).view(2, length, width)

    back = fs.unstack(fs.stack(frames, k), k)

    assert 0 <= length - back.shape[1] < k
    assert torch.equal(back, frames[:, : back.shape[1]])


@settings(max_examples=60)
@given(length=st.integers(1, 60), half=st.integers(0, 4), every=st.integers(1, 8))
def test_every_nth_frame_stands_in_the_middle_of_one(length, half, every):
    made = fs.low_frame_rate(torch.arange(length).view(1, length, 1), 2 * half + 1, every)

    assert made[0, :, half].tolist() == list(range(0, length, every))
    assert set((made[0].diff(dim=1)).flatten().tolist()) <= {0, 1}


@pytest.mark.parametrize(
    ("seconds", "mooer", "llama_omni"),
    [
        (30, (500, 250, 120), (1500, 300, 100)),
        (10, (167, 83, 120), (500, 100, 100)),  # 998 frames of filter bank are 167 of the low rate: one is dropped
        (0.024, (0, 0, 120), (1, 0, 100)),
        (0, (0, 0, 120), (0, 0, 100)),
    ],
)
def test_a_recording_becomes_so_many_embeddings(seconds, mooer, llama_omni):
    assert fs.mooer(seconds) == mooer
    assert fs.llama_omni(seconds) == llama_omni


def test_the_adapters_are_as_large_as_the_released_ones():
    assert fs.adapter_parameters(2, [512, 2048, 3584]) == 9_442_816
    assert fs.adapter_parameters(5, [1280, 2048, 4096]) == 21_501_952


def test_the_adapter_is_two_linear_layers_of_the_stacked_frames():
    torch.manual_seed(0)
    adapter = fs.Adapter(3, 4, 6, 5).requires_grad_(False)
    frames = gaussian(2, 8, 4)

    embeddings = adapter(frames)

    assert embeddings.shape == (2, 2, 5)
    one = torch.cat([frames[1, 3], frames[1, 4], frames[1, 5]])
    by_hand = adapter.output.weight @ (adapter.hidden.weight @ one + adapter.hidden.bias).clamp(min=0)
    assert torch.allclose(embeddings[1, 1], by_hand + adapter.output.bias, atol=1e-6)


def test_a_mistake_is_told_with_what_came():
    frames = torch.zeros(2, 7, 3)

    with pytest.raises(ValueError, match=r"\[7, 3\] and 2"):
        fs.stack(frames[0], 2)
    with pytest.raises(ValueError, match=r"\[2, 7, 3\] and 0"):
        fs.stack(frames, 0)
    with pytest.raises(ValueError, match=r"\[2, 7, 3\] and 2"):
        fs.unstack(frames, 2)
    with pytest.raises(ValueError, match=r"\[2, 7, 3\], 6 and 6"):
        fs.low_frame_rate(frames, 6)
    with pytest.raises(ValueError, match=r"\[2, 0, 3\], 7 and 6"):
        fs.low_frame_rate(frames[:, :0])
    with pytest.raises(ValueError, match="seconds of 0 or more, got -1"):
        fs.mooer(-1)
    with pytest.raises(ValueError, match="k of 1 or more, got 0"):
        fs.llama_omni(3, 0)
    with pytest.raises(ValueError, match=r"got 2 and \[512, 2048\]"):
        fs.adapter_parameters(2, [512, 2048])


def test_the_demo_tells_the_spacing_of_both_systems_and_draws_the_frames():
    shown = fs.demo()

    assert json.loads(json.dumps(shown)) == shown
    mooer, llama = shown["rows"]
    assert (mooer["paper_ms"], mooer["spacing_ms"], mooer["embeddings"], mooer["parameters"]) == (
        120,
        120,
        250,
        9_442_816,
    )
    assert (llama["spacing_ms"], llama["embeddings"]) == (100, 300)
    drawn = shown["drawing"].split("\n")
    assert drawn[2].split() == ["3", "4", "5", "6", "7", "8", "9", "embedding", "0"]
    assert drawn[3].split() == ["9", "10", "11", "12", "12", "12", "12", "dropped"]
    assert shown["plot"]["series"]["LLaMA-Omni"][10] == 100


def test_a_device_that_is_none_is_told():
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        fs.demo(device="abacus")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_stack_alike():
    frames = gaussian(2, 100, 8)

    made = fs.stack(fs.low_frame_rate(frames.cuda()), 2)

    assert made.is_cuda
    assert torch.equal(made.cpu(), fs.stack(fs.low_frame_rate(frames), 2))
