"""Early fusion against ids by hand, Jensen's bound, and the embeddings that transformers makes longer."""

import json

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import early_fusion  # noqa: E402


def gaussian(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def test_ids_worked_by_hand():
    assert early_fusion.token_id("ichigo", "text", 128_255) == 128_255
    assert early_fusion.token_id("ichigo", "sound", 0) == 128_256
    assert early_fusion.token_id("ichigo", "marks", 1) == 128_256 + 512 + 1
    assert early_fusion.vocabulary_size("ichigo") == 128_770
    assert early_fusion.token_id("tts-llama", "semantic", 4095) == 132_351
    assert early_fusion.new_tokens("tts-llama") == 4096
    assert early_fusion.token_id("anygpt", "image", 7) == 32_000 + 1024 + 7
    assert early_fusion.parse_id("anygpt", 32_000) == ("speech", 0)


@pytest.mark.parametrize("model", early_fusion.MODELS)
def test_no_two_tokens_share_an_id_and_none_is_unused(model):
    ids = [
        early_fusion.token_id(model, block, code)
        for block, size in early_fusion.MODELS[model].items()
        if block != "text"
        for code in range(size)
    ]

    assert ids == list(range(early_fusion.MODELS[model]["text"], early_fusion.vocabulary_size(model)))
    assert [early_fusion.token_id(model, *early_fusion.parse_id(model, one)) for one in ids] == ids


def test_rows_worked_by_hand():
    rows = torch.tensor([[1.0, 3.0], [3.0, 5.0]])

    assert early_fusion.extend(rows, 2).tolist() == [[1, 3], [3, 5], [2, 4], [2, 4]]
    assert early_fusion.extend(rows, 1, "zero").tolist() == [[1, 3], [3, 5], [0, 0]]
    assert early_fusion.extend(rows, 0).tolist() == rows.tolist()


def test_random_rows_deviate_like_the_old_ones_and_a_seed_repeats_them():
    rows = 3 * gaussian(300, 20) + 7
    longer = early_fusion.extend(rows, 400, "random", seed=1)

    assert torch.equal(longer[:300], rows)
    assert 2.8 < longer[300:].std() < 3.2
    assert torch.equal(longer, early_fusion.extend(rows, 400, "random", seed=1))
    assert not torch.equal(longer, early_fusion.extend(rows, 400, "random", seed=2))
    assert longer.dtype == torch.float64


@settings(max_examples=40)
@given(
    text=st.integers(1, 40),
    added=st.integers(0, 40),
    scale=st.floats(0, 20),
    shift=st.floats(-20, 20),
    seed=st.integers(0, 999),
)
def test_from_the_mean_new_tokens_never_take_more_than_their_number_whatever_the_state(text, added, scale, shift, seed):
    head, hidden = gaussian(text, 5, seed=seed) + shift, scale * gaussian(9, 5, seed=seed + 1)

    longer = early_fusion.extend(head, added)

    assert early_fusion.new_share(hidden, longer, text).max() <= added / (text + added) + 1e-9
    assert torch.allclose(early_fusion.logits(hidden, longer)[:, :text], early_fusion.logits(hidden, head))


def test_the_bound_is_met_where_all_text_tokens_are_alike():
    head = torch.ones(30, 4).double()

    assert early_fusion.new_share(gaussian(4), early_fusion.extend(head, 10), 30).item() == pytest.approx(0.25)
    assert early_fusion.new_share_bound_percent(30, 10) == 25
    assert early_fusion.new_share_bound_percent(128_256, 514) == 0.399


def test_the_rows_are_those_of_transformers():
    transformers = pytest.importorskip("transformers")
    config = transformers.LlamaConfig(
        vocab_size=120, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2
    )
    model = transformers.LlamaForCausalLM(config)
    ids = torch.tensor([[3, 50, 7]])
    with torch.no_grad():
        model.model.embed_tokens.weight.add_(0.5)
        model.lm_head.weight.add_(-0.3)
        embeddings, head = model.model.embed_tokens.weight.clone(), model.lm_head.weight.clone()
        before = model(ids).logits
        model.resize_token_embeddings(130, mean_resizing=True)
        after = model(ids).logits

    # theirs are drawn around the mean, with a billionth of the rows' covariance
    assert torch.allclose(model.model.embed_tokens.weight, early_fusion.extend(embeddings, 10), atol=1e-4)
    assert torch.allclose(model.lm_head.weight, early_fusion.extend(head, 10), atol=1e-4)
    assert torch.allclose(after[..., :120], before, atol=1e-6)


def test_a_mistake_is_told_with_the_shapes():
    with pytest.raises(ValueError, match="no model 'gpt', there are ichigo"):
        early_fusion.vocabulary_size("gpt")
    with pytest.raises(ValueError, match="got code 512 of 'sound'"):
        early_fusion.token_id("ichigo", "sound", 512)
    with pytest.raises(ValueError, match="got code 0 of 'music'"):
        early_fusion.token_id("ichigo", "music", 0)
    for token in (-1, 128_770):
        with pytest.raises(ValueError, match=f"0 to 128769, got {token}"):
            early_fusion.parse_id("ichigo", token)
    with pytest.raises(ValueError, match=r"got \[3\] torch.float32, 1"):
        early_fusion.extend(torch.zeros(3), 1)
    with pytest.raises(ValueError, match=r"got \[3, 2\] torch.int64, 1"):
        early_fusion.extend(torch.zeros(3, 2, dtype=torch.int64), 1)
    with pytest.raises(ValueError, match=r"torch\.float32, -1"):
        early_fusion.extend(torch.zeros(3, 2), -1)
    with pytest.raises(ValueError, match="mean, zero, random, got 'ones'"):
        early_fusion.extend(torch.zeros(3, 2), 1, "ones")
    with pytest.raises(ValueError, match=r"\[4, 3\] and \[5, 2\]"):
        early_fusion.logits(torch.zeros(4, 3), torch.zeros(5, 2))
    with pytest.raises(ValueError, match="got 0 and 3"):
        early_fusion.new_share_bound_percent(0, 3)
    with pytest.raises(ValueError, match="1 new token or more, got 0"):
        early_fusion.demo(added=0)


def test_the_demo_shows_that_the_mean_spares_the_text_and_zeros_do_not():
    shown = early_fusion.demo()

    assert json.loads(json.dumps(shown)) == shown
    rows = {row["start"]: row for row in shown["rows"]}
    assert all(row["logits_moved"] == 0 for row in rows.values())
    assert rows["mean"]["worst_percent"] <= 33.33
    assert rows["zero"]["new_percent"] > 90
    assert rows["random"]["worst_percent"] > 33.34


def test_a_device_that_is_none_is_told():
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        early_fusion.demo(device="abacus")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_extend_alike():
    head, hidden = gaussian(20, 5), gaussian(7, 5, seed=1)

    for start in early_fusion.STARTS:
        longer = early_fusion.extend(head.cuda(), 6, start)
        assert longer.is_cuda
        assert torch.allclose(longer.cpu(), early_fusion.extend(head, 6, start))
        share = early_fusion.new_share(hidden, early_fusion.extend(head, 6, start), 20)
        assert torch.allclose(early_fusion.new_share(hidden.cuda(), longer, 20).cpu(), share)
