"""The depth transformer against transformers' with the same weights, and teacher forcing against step by step."""

import json
import re

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import depth_transformer  # noqa: E402


def model(codebooks=3, seed=0, **settings):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return depth_transformer.Model(codebooks, 8, 10, **settings)


def transformers_depth(device="cpu", **sizes):
    pytest.importorskip("transformers")
    from transformers.models.moshi.configuration_moshi import MoshiDepthConfig
    from transformers.models.moshi.modeling_moshi import MoshiDepthDecoder

    with torch.device(device):
        return MoshiDepthDecoder(MoshiDepthConfig(**sizes)).eval()


OURS = {  # our names for transformers'
    r"^text_embed_tokens": "text",
    r"^embed_tokens": "codes",
    r"^input_projections": "project",
    r"^lm_heads": "head",
    r"self_attn\.(.)_proj\.linear": r"\1",
    r"mlp\.fc1": "up",
    r"mlp\.fc2": "down",
    r"input_layernorm": "norms.0",
    r"post_attention_layernorm": "norms.1",
}


def test_logits_equal_those_of_transformers_with_the_same_weights_at_once_and_code_by_code():
    theirs = transformers_depth(
        vocab_size=20,
        hidden_size=32,
        input_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        audio_vocab_size=16,
        ffn_dim=48,
        head_dim=8,
        num_codebooks=5,
    )
    generator = torch.Generator().manual_seed(0)
    renamed = {}
    for name, value in theirs.state_dict().items():
        value.copy_(torch.randn(value.shape, generator=generator) * 0.15 + ("norm" in name))
        for pattern, ours in OURS.items():
            name = re.sub(pattern, ours, name)
        renamed[name] = value
    ours = depth_transformer.Depth(5, 16, 20, 24, 32, 4, 48, 2)
    ours.load_state_dict(renamed)
    state = torch.randn(3, 24, generator=generator)
    given = torch.randint(16, (3, 5), generator=generator)

    with torch.no_grad():
        wanted = theirs(given, last_hidden_state=state[:, None].expand(-1, 5, -1)).logits
        logits, cache = ours(state, given), []
        one_by_one = [ours(state, given[:, k, None], k, cache) for k in range(5)]

    assert float(wanted.std()) > 0.3
    assert torch.allclose(logits, wanted, rtol=0, atol=1e-5)
    assert torch.allclose(torch.cat(one_by_one, 1), wanted, rtol=0, atol=1e-5)


def test_the_default_configuration_has_as_many_parameters_as_that_of_transformers():
    theirs = transformers_depth("meta")

    assert depth_transformer.depth_parameters() == sum(p.numel() for p in theirs.parameters()) == 714_362_880


def test_parameters_of_a_tiny_one_counted_by_hand():
    # text 3 x 2, one table 4 x 2; per codebook: project 5 x 2, head 2 x 3, q k v o 4 x 2 x 2, up 2 x 4, down 2 x 2
    by_hand = 6 + 8 + 2 * (10 + 6 + 16 + 8 + 4) + 2 * 2

    assert depth_transformer.depth_parameters(2, 3, 2, 5, 2, 1, 4, 1) == by_hand


@settings(max_examples=10)
@given(delays=st.lists(st.integers(0, 3), min_size=1, max_size=4), deep=st.booleans(), seed=st.integers(0, 2**20))
def test_teacher_forcing_gives_the_logits_that_each_step_gave(delays, deep, seed):
    toy = model(len(delays), seed, deep=deep)
    text, codes, drawn = toy.generate(5, delays, batch=2, seed=seed)

    with torch.no_grad():
        forced = toy(text, codes)

    assert drawn.codes.shape == (2, 5, len(delays), 8)
    assert torch.allclose(forced.text, drawn.text, rtol=0, atol=1e-5)
    assert torch.allclose(forced.codes, drawn.codes, rtol=0, atol=1e-5)
    for k, late in enumerate(delays):
        assert (codes[:, k, :late] == 8).all()  # no code yet
        assert (codes[:, k, late:] < 8).all()


@pytest.mark.parametrize("deep", [True, False])
def test_nothing_sees_what_comes_later_and_only_depth_sees_within_the_step(deep):
    toy = model(deep=deep)
    text, codes, _ = toy.generate(5, [0, 0, 0])
    changed = codes.clone()
    changed[:, 1, 2] = (codes[:, 1, 2] + 1) % 8

    with torch.no_grad():
        one, other = toy(text, codes), toy(text, changed)

    codes_moved = (one.codes != other.codes).any(3)[0]
    assert codes_moved[:2].tolist() == [[False] * 3] * 2
    assert codes_moved[2].tolist() == [False, False, deep]
    assert codes_moved[3:].all()
    assert (one.text != other.text).any(2)[0].tolist() == [False, False, False, True, True]


def test_a_seed_repeats_what_is_generated():
    toy = model()

    first, again, other = (toy.generate(6, [0, 1, 1], seed=seed)[1] for seed in (1, 1, 2))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_made_up_codes_follow_their_text():
    text, codes = depth_transformer.make(4, 10, 2, 8)

    assert set(((text[:, 1:] - text[:, :-1]) % 8).flatten().tolist()) == {0, 1}
    assert torch.equal(codes[:, 1], (text + 2) % 8)
    assert depth_transformer.whole_share(text, codes, 8) == 1.0
    codes[0, 1, 0] += 1
    assert depth_transformer.whole_share(text, codes, 8) == 39 / 40


def test_a_mistake_is_told_with_both_shapes():
    toy = model()

    with pytest.raises(ValueError, match=r"got \[1, 5\] and \[1, 2, 5\]"):
        toy(torch.zeros(1, 5, dtype=torch.int64), torch.zeros(1, 2, 5, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"got \[2, 32\], \[2, 4\]"):
        toy.depth(torch.zeros(2, 32), torch.zeros(2, 4, dtype=torch.int64))
    with pytest.raises(ValueError, match="one delay for each of 3 codebooks"):
        toy.generate(5, [0, 1])
    with pytest.raises(ValueError, match="width 3 heads can share"):
        depth_transformer.depth_parameters(heads=3)
    with pytest.raises(ValueError, match="codebook_size of 2"):
        depth_transformer.demo(codebook_size=1)
    with pytest.raises(ValueError, match="device 'abacus' cannot be used"):
        depth_transformer.demo(device="abacus")


def test_the_demo_makes_whole_frames_in_depth_or_delayed_and_hardly_any_side_by_side():
    shown = depth_transformer.demo(codebooks=3, codebook_size=4, frames=6, steps=80)

    assert json.loads(json.dumps(shown)) == shown
    whole = [row["whole_frames"] for row in shown["rows"]]
    assert whole[0] < 0.25  # 2 of 16 after the first frame
    assert min(whole[1:]) > 0.8
    assert [row["temporal_steps"] for row in shown["rows"]] == [6, 9, 6, 7]
    assert [row["depth_steps"] for row in shown["rows"]] == [0, 0, 18, 21]
    assert "714.4 M" in shown["remarks"][-1]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_give_the_same_logits():
    toy = model()
    text, codes, drawn = toy.generate(5, [0, 1, 1])

    on_gpu = toy.cuda()(text.cuda(), codes.cuda())

    assert torch.allclose(on_gpu.codes.cpu(), drawn.codes, atol=1e-4)
