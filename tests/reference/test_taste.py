"""The aggregator against torch's attention, and the exchange of tokens between two readings."""

import json
import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import taste  # noqa: E402


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_one_query_worked_by_hand():
    query, keys, values = torch.tensor([[1.0]]), torch.tensor([[0.0], [math.log(3)]]), torch.tensor([[0.0], [8.0]])

    token, weights = taste.attend(query, keys, values)

    assert token.item() == pytest.approx(6)
    assert weights.tolist() == [[pytest.approx(0.25), pytest.approx(0.75)]]


def test_it_equals_torchs_scaled_dot_product_attention_with_padding():
    queries, keys, values = noise(2, 3, 5, 8), noise(2, 3, 11, 8, seed=1), noise(2, 3, 11, 4, seed=2)
    is_frame = torch.arange(11)[None, None] < torch.tensor([11, 6])[:, None, None]

    ours, weights = taste.attend(queries, keys, values, is_frame)

    mask = is_frame[..., None, :]
    theirs = torch.nn.functional.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3, 5))
    assert weights[1, :, :, 6:].eq(0).all()


def test_the_layer_equals_torchs_multihead_attention_with_the_same_weights():
    ours, theirs = taste.Aggregator(12, 3), torch.nn.MultiheadAttention(12, 3, batch_first=True)
    parts = (ours.query, ours.key, ours.value)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        theirs.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
        theirs.out_proj.load_state_dict(ours.out.state_dict())
    text, last, middle = noise(2, 4, 12), noise(2, 9, 12, seed=1), noise(2, 9, 12, seed=2)
    is_frame = torch.arange(9)[None] < torch.tensor([[9], [5]])

    expected, _ = theirs(text, last, middle, key_padding_mask=~is_frame)

    torch.testing.assert_close(ours(text, last, middle, is_frame), expected, atol=1e-5, rtol=1e-4)


@given(tokens=st.integers(1, 9), frames=st.integers(1, 40))
def test_there_are_as_many_tokens_as_text_tokens_and_the_order_of_frames_is_all_the_same(tokens, frames):
    layer, text, last, middle = taste.Aggregator(8, 2), noise(1, tokens, 8), noise(1, frames, 8), noise(1, frames, 8)
    order = torch.randperm(frames, generator=torch.Generator().manual_seed(1))

    found = layer(text, last, middle)

    assert found.shape == (1, tokens, 8)
    torch.testing.assert_close(layer(text, last[:, order], middle[:, order]), found, atol=1e-5, rtol=1e-4)


def test_what_is_in_the_tokens_comes_from_the_values_alone():
    queries, keys, values = noise(1, 3, 8), noise(1, 7, 8, seed=1), noise(1, 7, 8, seed=2)

    assert taste.attend(queries, keys, torch.zeros(1, 7, 8))[0].eq(0).all()
    torch.testing.assert_close(taste.attend(queries, keys, values + 5)[0], taste.attend(queries, keys, values)[0] + 5)


def test_swapping_exchanges_the_tokens_at_the_places_and_no_others():
    one, other = torch.arange(4.0).view(1, 4, 1), torch.arange(10.0, 14).view(1, 4, 1)

    left, right = taste.swap(one, other, [1, 3])

    assert left.flatten().tolist() == [0, 11, 2, 13]
    assert right.flatten().tolist() == [10, 1, 12, 3]
    assert one.flatten().tolist() == [0, 1, 2, 3]


def test_a_mistake_is_told_with_the_shapes():
    with pytest.raises(ValueError, match=r"got \[1, 3, 8\] and \[1, 7, 8\] and \[1, 6, 8\]"):
        taste.attend(noise(1, 3, 8), noise(1, 7, 8), noise(1, 6, 8))
    with pytest.raises(ValueError, match="and frames, got"):
        taste.attend(noise(1, 3, 8), noise(1, 0, 8), noise(1, 0, 8))
    with pytest.raises(ValueError, match="and frames, got"):
        taste.attend(noise(1, 3, 8), noise(1, 2, 8), noise(1, 2, 8), torch.zeros(1, 2, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"\[1, 3, 8\] and \[1, 4, 8\]"):
        taste.swap(noise(1, 3, 8), noise(1, 4, 8), [0])
    with pytest.raises(ValueError, match="3 heads divide, got 8"):
        taste.Aggregator(8, 3)
    with pytest.raises(ValueError, match=r"0\.\.1, got 'a b' and \[2\]"):
        taste.demo(text="a b", swapped=(2,))
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        taste.demo(device="abacus")


def test_in_the_demo_swapped_words_take_the_other_readings_length_and_the_others_keep_theirs():
    shown = taste.demo()

    assert json.loads(json.dumps(shown)) == shown
    for n, row in enumerate(shown["rows"]):
        assert row["after_swap_ms"] == row["slow_token_ms" if n in (3, 4) else "fast_token_ms"]
        assert row["fast_token_ms"] == pytest.approx(row["fast_ms"], rel=0.1)
        assert row["slow_token_ms"] == pytest.approx(row["slow_ms"], rel=0.1)
        assert row["own_frames"] > 0.9
    # "so" has 2 letters: 5 frames; "we" the next 5.
    assert shown["drawing"].split("\n")[0].split()[1].startswith("#####.....")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_agree():
    layer, parts = taste.Aggregator(8, 2), (noise(1, 3, 8), noise(1, 7, 8), noise(1, 7, 8, seed=1))
    here = layer(*parts)

    there = layer.cuda()(*(part.cuda() for part in parts))

    torch.testing.assert_close(there.cpu(), here, atol=1e-5, rtol=1e-4)
