"""Speech units against numbers by hand, a slow k-means, and scikit-learn's."""

import json
import math
from itertools import groupby, pairwise

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from kb.reference import ssl_units  # noqa: E402


def column(*values):
    return torch.tensor(values, dtype=torch.float64)[:, None]


def gaussian(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_k_means_of_four_frames_worked_by_hand():
    features = column(0, 2, 10, 12)

    # 0 is with the first centre, the others with the second: 0 and 8. Then 2 goes over to the first: 1 and 11.
    assert ssl_units.lloyd(features, column(0, 2), iterations=1).flatten().tolist() == [0, 8]
    assert ssl_units.lloyd(features, column(0, 2)).flatten().tolist() == [1, 11]
    assert ssl_units.nearest(features, column(1, 11)).tolist() == [0, 0, 1, 1]
    assert ssl_units.squared_error(features, column(1, 11)) == 1.0


def test_a_centre_without_frames_takes_the_frame_that_is_farthest_from_its_own():
    features = column(0, 1, 2, 11)

    # All are nearest to 1, and 11 is 10 away: it leaves, and 0, 1, 2 are left to the first centre.
    assert ssl_units.lloyd(features, column(1, 1000), iterations=1).flatten().tolist() == [1, 11]


def test_of_two_equally_near_centres_the_first_wins():
    assert ssl_units.nearest(column(2), column(4, 0, 4)).tolist() == [0]


@pytest.mark.parametrize("seed", range(5))
def test_centres_and_units_equal_those_of_scikit_learn(seed):
    cluster = pytest.importorskip("sklearn.cluster")
    features = gaussian(2000, 16, seed=seed)
    first = features[:40]
    theirs = cluster.KMeans(40, init=first.numpy(), n_init=1, algorithm="lloyd", tol=0, max_iter=300)
    theirs.fit(features.numpy())

    centres = ssl_units.lloyd(features, first, iterations=300)

    assert (centres - torch.from_numpy(theirs.cluster_centers_)).abs().max() < 1e-12
    assert ssl_units.nearest(features, centres).tolist() == theirs.labels_.tolist()
    assert ssl_units.squared_error(features, centres) == pytest.approx(theirs.inertia_ / 2000)


def test_centres_equal_those_of_scikit_learn_when_some_begin_without_frames():
    cluster = pytest.importorskip("sklearn.cluster")
    features = gaussian(500, 3, seed=0)
    first = torch.cat([features[:6], 100 + gaussian(2, 3, seed=1)])
    theirs = cluster.KMeans(8, init=first.numpy(), n_init=1, algorithm="lloyd", tol=0).fit(features.numpy())

    centres = ssl_units.lloyd(features, first)

    ours, wanted = sorted(centres.tolist()), sorted(theirs.cluster_centers_.tolist())
    assert torch.allclose(torch.tensor(ours), torch.tensor(wanted), atol=1e-12)


def test_k_means_plus_plus_draws_a_frame_with_its_squared_distance():
    features = column(0, 3, 4)

    drawn = [ssl_units.start(features, 2, seed=seed).flatten().tolist() for seed in range(1500)]

    # After 0: 9 to 16. After 3: 9 to 1. After 4: 16 to 1. The first is each of them a third of the time.
    share = {first: sum(one[0] == first for one in drawn) / 1500 for first in (0, 3, 4)}
    assert all(abs(value - 1 / 3) < 0.04 for value in share.values())
    for first, second, wanted in ((0, 4, 16 / 25), (3, 0, 9 / 10), (4, 0, 16 / 17)):
        after = [one[1] for one in drawn if one[0] == first]
        assert first not in after
        assert abs(after.count(second) / len(after) - wanted) < 0.06


def test_k_means_plus_plus_draws_from_every_cluster_when_they_are_far_apart():
    corners = torch.tensor([[0.0, 0.0], [0.0, 1e4], [1e4, 0.0], [1e4, 1e4]], dtype=torch.float64)
    features = corners.repeat(50, 1) + gaussian(200, 2, seed=0)

    for seed in range(20):
        first = ssl_units.start(features, 4, seed=seed)
        assert sorted((first / 1e4).round().abs().tolist()) == [[0, 0], [0, 1], [1, 0], [1, 1]]


def test_frames_that_are_all_alike_still_give_centres():
    assert ssl_units.fit(torch.ones(5, 2), 3).tolist() == [[1, 1]] * 3


@settings(max_examples=60)
@given(frames=st.integers(1, 30), size=st.integers(1, 8), seed=st.integers(0, 2**32))
def test_each_step_moves_to_the_means_of_what_was_nearest(frames, size, seed):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randint(-9, 10, (frames, 2), generator=generator).double()
    size = min(size, frames)
    first = ssl_units.start(features, size, seed=seed)

    moved = ssl_units.lloyd(features, first, iterations=1)

    groups = [[] for _ in range(size)]
    for frame in features.tolist():
        distances = [math.dist(frame, centre) for centre in first.tolist()]
        groups[distances.index(min(distances))].append(frame)
    for group, centre in zip(groups, moved.tolist(), strict=True):
        if all(groups):  # an empty one takes a frame from another
            assert centre == pytest.approx([sum(axis) / len(group) for axis in zip(*group, strict=True)])
    assert ssl_units.squared_error(features, moved) <= ssl_units.squared_error(features, first) + 1e-9


def test_parts_of_a_long_recording_are_numbered_as_the_whole(monkeypatch):
    features, centres = gaussian(1000, 4, seed=0), gaussian(10, 4, seed=1)
    whole = ssl_units.nearest(features, centres)

    monkeypatch.setattr(ssl_units, "SCORES_AT_ONCE", 70)

    assert torch.equal(ssl_units.nearest(features, centres), whole)


def test_a_run_becomes_one_unit_and_only_its_length_is_lost():
    units = [7, 7, 7, 3, 3, 9, 9, 7]

    assert ssl_units.deduplicate(units) == [7, 3, 9, 7]
    assert ssl_units.durations(units) == [3, 2, 2, 1]
    assert ssl_units.repeat([7, 3, 9, 7], [3, 2, 2, 1]) == units
    assert ssl_units.deduplicate([]) == ssl_units.durations([]) == ssl_units.repeat([], []) == []


def test_the_claim_of_the_notes_holds():
    assert ssl_units.deduplicate([7, 7, 7, 3, 3, 9]) == [7, 3, 9]
    assert ssl_units.deduplicate in ssl_units.FIGURES


@given(st.lists(st.integers(0, 3), max_size=40))
def test_units_come_back_from_what_is_kept_and_the_durations(units):
    kept, lasting = ssl_units.deduplicate(units), ssl_units.durations(units)

    assert all(a != b for a, b in pairwise(kept))
    assert sum(lasting) == len(units)
    assert ssl_units.repeat(kept, lasting) == units


def test_made_up_speech_says_the_phones_for_as_long_as_the_tempo_asks():
    phones = gaussian(300, 4, seed=0).float()
    fast, number = ssl_units.speech(phones, tempo=1.0, generator=torch.Generator().manual_seed(0))
    slow, _ = ssl_units.speech(phones, tempo=0.5, generator=torch.Generator().manual_seed(0))

    lengths = [len(list(run)) for _, run in groupby(number.tolist())]
    assert len(lengths) == 300
    assert min(lengths) == 2
    assert max(lengths) == 8
    assert fast.shape == (sum(lengths), 4)
    assert slow.shape == (2 * sum(lengths), 4)


def test_a_drawing_puts_what_is_kept_below_its_first_frame():
    assert ssl_units.draw([7, 7, 7, 31, 31, 9]).split("\n") == [
        "units      7  7  7 31 31  9",
        "kept       7       31     9",
        "durations  3        2     1",
    ]


def test_a_mistake_is_told_with_the_shapes():
    features, centres = torch.zeros(5, 3), torch.zeros(2, 3)

    with pytest.raises(ValueError, match=r"\[5, 3\] .* \[2, 4\]"):
        ssl_units.nearest(features, torch.zeros(2, 4))
    with pytest.raises(ValueError, match=r"\[5, 3\] .* \[0, 3\]"):
        ssl_units.nearest(features, centres[:0])
    with pytest.raises(ValueError, match=r"one dtype, got .*float32 .*float64"):
        ssl_units.nearest(features, centres.double())
    with pytest.raises(ValueError, match=r"\[1, 5, 3\]"):
        ssl_units.nearest(features[None], centres)
    with pytest.raises(ValueError, match=r"\[5, 3\] torch\.int16"):
        ssl_units.fit(features.to(torch.int16), 2)
    with pytest.raises(ValueError, match="finite"):
        ssl_units.fit(features / 0, 2)
    with pytest.raises(ValueError, match=r"finite .*\[0, 3\]"):
        ssl_units.fit(features[:0], 1)
    with pytest.raises(ValueError, match=r"6 centres .* \[5, 3\]"):
        ssl_units.fit(features, 6)
    with pytest.raises(ValueError, match=r"6 centres .* \[5, 3\]"):
        ssl_units.lloyd(features, torch.zeros(6, 3))
    with pytest.raises(ValueError, match=r"each of 2 units, got \[1\]"):
        ssl_units.repeat([1, 2], [1])
    with pytest.raises(ValueError, match=r"each of 1 units, got \[0\]"):
        ssl_units.repeat([1], [0])


def test_the_demo_shows_small_codebooks_forget_the_tempo_and_large_ones_do_not():
    shown = ssl_units.demo(codebook_sizes=(40, 400), spoken=1000)

    assert json.loads(json.dumps(shown)) == shown
    few, many = shown["rows"]
    assert few["units"] == 40
    assert few["bps"] == 266.1  # 50 x log2(40)
    assert few["deduplicated_hz"] < 14 < 24 < many["deduplicated_hz"] < 50
    assert few["slow_over_fast"] < 1.15 < 1.25 < many["slow_over_fast"] < 2
    assert few["error"] > many["error"]
    assert "the units come back: yes" in shown["remarks"][-1]
    assert shown["plot"]["x"] == [40, 400]
    assert all(len(values) == 2 for values in shown["plot"]["series"].values())
    assert shown == ssl_units.demo(codebook_sizes=(40, 400), spoken=1000)
    assert shown != ssl_units.demo(codebook_sizes=(40, 400), spoken=1000, seed=1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"codebook_sizes": ()}, r"at least 1, got 40, 16, 2000 and \[\]"),
        ({"codebook_sizes": (20, 0)}, r"at least 1, got 40, 16, 2000 and \[20, 0\]"),
        ({"phones": 0}, "at least 1, got 0, 16"),
        ({"spoken": 1}, "20 centres want as many frames or more"),
        ({"device": "abacus"}, "device 'abacus' cannot be used"),
    ],
)
def test_the_demo_explains_a_parameter_it_cannot_use(wrong, message):
    with pytest.raises(ValueError, match=message):
        ssl_units.demo(**wrong)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cpu_and_gpu_give_the_same_units():
    places = 100 * gaussian(20, 8, seed=0)
    features = places.repeat(50, 1) + gaussian(1000, 8, seed=1)

    centres = ssl_units.fit(features.cuda(), 20)

    assert centres.is_cuda
    assert torch.allclose(centres.cpu(), ssl_units.fit(features, 20), atol=1e-9)
    assert torch.equal(ssl_units.nearest(features.cuda(), centres).cpu(), ssl_units.nearest(features, centres.cpu()))
