"""The window-level Q-Former against the notes' figures, BLIP-2's in transformers, and windows looked at one by one."""

import json

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import window_qformer as wq  # noqa: E402


@pytest.fixture
def connector():
    torch.manual_seed(0)
    return wq.Connector(encoders=(6, 4), queries=2, width=8, llm_width=5, heads=2).requires_grad_(False)


def features(frames, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(3, frames, 6, generator=generator), torch.randn(3, frames, 4, generator=generator)]


def test_five_frames_are_two_windows_of_two_or_three_with_a_zero():
    frames = torch.tensor([[[1.0], [2.0], [3.0], [4.0], [5.0]]])

    assert wq.cut(frames, 2)[0, ..., 0].tolist() == [[1, 2], [3, 4]]
    assert wq.cut(frames, 2, "padded")[0, ..., 0].tolist() == [[1, 2], [3, 4], [5, 0]]
    assert wq.cut(frames[:, :4], 2, "padded")[0, ..., 0].tolist() == [[1, 2], [3, 4]]


def test_windows_without_padding_are_those_torch_unfolds():
    frames = torch.randn(2, 1500, 3, generator=torch.Generator().manual_seed(0))

    theirs = torch.nn.functional.unfold(frames.transpose(1, 2)[:, :, None], (1, 17), stride=(1, 17))

    assert torch.equal(wq.cut(frames, 17), theirs.view(2, 3, 17, 88).permute(0, 3, 2, 1))


@pytest.mark.parametrize(
    ("arguments", "tokens"),
    [
        ({"seconds": 30, "frame_rate_hz": 50, "window": 17, "queries": 1}, 88),
        ({"seconds": 30, "frame_rate_hz": 50, "window": 17, "queries": 1, "last_window": "padded"}, 89),
        ({"seconds": 29.92, "frame_rate_hz": 50, "window": 17, "last_window": "padded"}, 88),  # 1496 frames
        ({"seconds": 0.33, "frame_rate_hz": 50, "window": 17}, 0),
        ({"seconds": 0, "frame_rate_hz": 50, "window": 17, "last_window": "padded"}, 0),
        ({"seconds": 1, "frame_rate_hz": 50, "window": 10, "queries": 4}, 20),
    ],
)
def test_a_recording_becomes_so_many_tokens(arguments, tokens):
    assert wq.window_qformer(**arguments)._asdict() == {"tokens": tokens}


def test_1500_frames_come_out_as_88_tokens_as_wide_as_vicuna():
    asked = {"frames": 1500, "encoder_width": 2048, "window": 17, "queries": 1, "width": 768, "llm_width": 5120}

    assert wq.output_shape(**asked, last_window="dropped")._asdict() == {"tokens": 88, "width": 5120}
    assert wq.output_shape(**asked, last_window="padded").tokens == 89
    assert wq.output_shape(**{**asked, "frames": 16}).tokens == 0


def test_salmonn_trains_33_332_992_parameters():
    assert wq.trainable_parameters()._asdict() == {
        "qformer": 22_837_248,
        "projection": 3_937_280,
        "queries": 768,
        "norms": 4_096,
        "lora": 6_553_600,
        "total": 33_332_992,
    }


def blip2(**sizes):
    pytest.importorskip("transformers")
    from transformers import Blip2QFormerConfig, Blip2QFormerModel

    return Blip2QFormerModel(Blip2QFormerConfig(cross_attention_frequency=1, num_hidden_layers=2, **sizes)).eval()


def test_the_qformer_has_as_many_parameters_as_that_of_transformers():
    with torch.device("meta"):
        theirs = blip2(encoder_hidden_size=2048)

    assert sum(one.numel() for one in theirs.parameters()) == wq.trainable_parameters().qformer


def test_with_copied_weights_the_qformer_gives_what_that_of_transformers_gives():
    theirs = blip2(encoder_hidden_size=10, hidden_size=24, num_attention_heads=3, intermediate_size=96)
    ours = wq.QFormer(24, 10, heads=3, layers=2)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():  # both list their parameters in the order of the computation
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert mine.shape == other.shape
            other.copy_(torch.randn(other.shape, generator=generator) * 0.3)
            mine.copy_(other)
        queries, windows = (torch.randn(5, size, w, generator=generator) for size, w in ((4, 24), (17, 10)))

        expected = theirs(query_embeds=queries, encoder_hidden_states=windows).last_hidden_state

        assert torch.allclose(ours(queries, windows), expected, atol=1e-5)
        assert expected.std() > 0.1


@settings(max_examples=25)
@given(window=st.integers(1, 6), frames=st.integers(1, 20), changed=st.integers(0, 19), seed=st.integers(0, 2**31))
def test_a_frame_changes_the_tokens_of_its_own_window_only(window, frames, changed, seed):
    torch.manual_seed(seed)
    connector = wq.Connector(encoders=(6, 4), queries=2, width=8, llm_width=5, heads=2).requires_grad_(False)
    before, after = features(frames, seed), features(frames, seed)
    changed %= frames
    after[1][:, changed] *= -2

    differ = (connector(before, window, "padded") - connector(after, window, "padded")).abs().amax((0, 2)) > 1e-6

    assert differ.nonzero().flatten().tolist() == [changed // window * 2, changed // window * 2 + 1]


def test_windows_together_give_what_each_gives_alone(connector):
    joint = features(12)

    tokens = connector(joint, 4)

    for start in (0, 4, 8):
        alone = connector([feature[:, start : start + 4] for feature in joint], 4)
        assert torch.allclose(tokens[:, start // 2 : start // 2 + 2], alone, atol=1e-6)


def test_a_padded_zero_is_attended_to_like_a_frame(connector):
    twenty = features(20)

    padded = connector(twenty, 17, "padded")
    three = connector([feature[:, 17:] for feature in twenty], 3)

    assert not torch.allclose(padded[:, 2:], three, atol=1e-3)


def test_a_mistake_is_told_with_what_came(connector):
    with pytest.raises(ValueError, match=r"got \[5, 3\], 2 and 'dropped'"):
        wq.cut(torch.zeros(5, 3), 2)
    with pytest.raises(ValueError, match=r"got \[1, 5, 3\], 2 and 'kept'"):
        wq.cut(torch.zeros(1, 5, 3), 2, "kept")
    with pytest.raises(ValueError, match=r", 0 and 'dropped'"):
        wq.window_qformer(30, 50, 0)
    with pytest.raises(ValueError, match="got -1, 50 and 1"):
        wq.window_qformer(-1, 50, 17)
    with pytest.raises(ValueError, match="0 frames or more, got -3"):
        wq.output_shape(-3, 8, 2, 1, 12, 8)
    with pytest.raises(ValueError, match="12 heads divide, got 13"):
        wq.output_shape(10, 8, 2, 1, 13, 8)
    with pytest.raises(ValueError, match=r"\[\[3, 9, 6\], \[3, 8, 4\]\]"):
        connector([features(9)[0], features(8)[1]], 4)


def test_the_demo_sets_the_papers_figures_beside_what_is_counted_and_draws_who_sees_whom():
    shown = wq.demo()

    assert json.loads(json.dumps(shown)) == shown
    rows = {row["figure"].strip(): (row["paper"], row["here"]) for row in shown["rows"]}
    assert rows["tokens, last window dropped"] == (88, 88)
    assert rows["tokens, last window padded"] == (88, 89)
    assert rows["seconds of a window"] == (0.33, 0.34)
    assert rows["trainable parameters of SALMONN"] == (33_000_000, 33_332_992)
    assert [line.split("  ")[-1].strip() for line in shown["drawing"].split("\n")[1:]] == [
        "# . . .",
        ". # . .",
        ". . # .",
        ". . . #",
    ]
    assert shown["plot"]["series"]["padded"][30] == 89
    assert wq.demo(seconds=10.0, queries=2)["rows"][0] == {
        "figure": "tokens, last window dropped",
        "paper": None,
        "here": 58,
    }


def test_a_device_that_is_none_is_told():
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        wq.checks(device="abacus")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_give_the_same_tokens(connector):
    frames = features(40)

    tokens = connector(frames, 17, "padded")
    theirs = connector.cuda()([feature.cuda() for feature in frames], 17, "padded")

    assert theirs.is_cuda
    assert torch.allclose(theirs.cpu(), tokens, atol=1e-4)
