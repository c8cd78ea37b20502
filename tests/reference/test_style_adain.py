"""AdaIN against torch's instance norm, by hand, and as what it should not depend on."""

import json

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import style_adain  # noqa: E402
from kb.reference.style_adain import Style  # noqa: E402


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_one_channel_worked_by_hand():
    x = torch.tensor([[[1.0, 2.0, 6.0, 11.0]]])  # mean 5, squared distances 16, 9, 1, 36

    styled = style_adain.adain(x, Style(torch.tensor([[5.0]]), torch.tensor([[2.0]])))

    assert styled.flatten().tolist() == pytest.approx([2.96800, 3.47600, 5.50800, 8.04800], abs=1e-4)
    found = style_adain.moments([1, 2, 6, 11], 5, 2)
    assert (found.mean, found.std) == (pytest.approx(5), pytest.approx(2, abs=1e-5))
    assert style_adain.moments([7, 7, 7], 5, 2) == (5, 0)


def test_it_equals_torchs_instance_norm_with_the_style_as_weight_and_bias():
    x = noise(1, 5, 40) * 3 + 1
    mean, std = noise(5, seed=1), noise(5, seed=2)

    ours = style_adain.adain(x, Style(mean[None], std[None]))

    torch.testing.assert_close(ours, torch.nn.functional.instance_norm(x, weight=std, bias=mean), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(style_adain.normalize(x), torch.nn.InstanceNorm1d(5)(x), atol=1e-6, rtol=1e-5)


@given(scale=st.floats(0.5, 50), shift=st.floats(-20, 20), seed=st.integers(0, 99))
def test_what_comes_out_does_not_depend_on_level_and_range_of_what_went_in(scale, shift, seed):
    x, style = noise(2, 3, 30, seed=seed).double(), style_adain.style_of(noise(2, 3, 9, seed=seed + 1).double())

    one, other = style_adain.adain(x, style), style_adain.adain(scale * x + shift, style)

    torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(one.mean(2), style.mean)


def test_the_style_of_another_sample_is_taken_back_by_its_own():
    a, b = noise(2, 3, 30).double(), noise(2, 3, 30, seed=1).double()

    there = style_adain.adain(a, style_adain.style_of(b))

    torch.testing.assert_close(style_adain.adain(there, style_adain.style_of(a)), a, atol=1e-4, rtol=1e-4)


def test_a_layer_whose_map_is_zero_only_normalizes_and_the_style_vector_sets_the_moments():
    layer = style_adain.AdaptiveNorm(3, 4)
    x, vector = noise(2, 3, 30), noise(2, 4, seed=1)
    std_less_1, mean = (vector @ layer.moments.weight.T + layer.moments.bias).split(3, dim=1)

    out = layer(x, vector)

    torch.testing.assert_close(out.mean(2), mean, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(out.std(2, correction=0), (1 + std_less_1).abs(), atol=1e-4, rtol=1e-4)
    torch.nn.init.zeros_(layer.moments.weight)
    torch.nn.init.zeros_(layer.moments.bias)
    torch.testing.assert_close(layer(x, vector), style_adain.normalize(x))


def test_a_mistake_is_told_with_both_shapes():
    with pytest.raises(ValueError, match=r"want a style \[2, 3\] for x \[2, 3, 9\], got \[3\]"):
        style_adain.adain(noise(2, 3, 9), Style(noise(3), noise(2, 3)))
    with pytest.raises(ValueError, match=r"got \[3, 9\] torch\.float32"):
        style_adain.style_of(noise(3, 9))
    with pytest.raises(ValueError, match=r"got \[1, 1, 2\] torch\.int64"):
        style_adain.style_of(torch.tensor([[[1, 2]]]))
    with pytest.raises(ValueError, match="one frame or more"):
        style_adain.moments([], 5, 2)
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        style_adain.demo(device="abacus")
    with pytest.raises(ValueError, match="at least 2, got 1"):
        style_adain.demo(frames=1)


def test_in_the_demo_each_sentence_keeps_its_shape_and_takes_the_styles_moments():
    shown = style_adain.demo()

    assert json.loads(json.dumps(shown)) == shown
    assert len(shown["rows"]) == 4
    for row in shown["rows"]:
        assert row["mean_hz"] == pytest.approx(row["style_mean_hz"], abs=0.1)
        assert row["std_hz"] == pytest.approx(row["style_std_hz"], abs=0.1)
        assert row["correlation"] > 0.999
    assert len({row["mean_hz"] for row in shown["rows"]}) == 2


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_agree():
    a, b = noise(2, 3, 30), noise(2, 3, 30, seed=1)

    there = style_adain.adain(a.cuda(), style_adain.style_of(b.cuda()))

    torch.testing.assert_close(there.cpu(), style_adain.adain(a, style_adain.style_of(b)), atol=1e-5, rtol=1e-4)
