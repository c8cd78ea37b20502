"""Distillation into a toy codec: the first RVQ level learns to say what a speech and a language model know.

Long because the losses of two papers stand beside the toy codec that they teach.
Source: DM-Codec (arXiv:2410.15017), LM-guided and combined distillation; the loss is the one of SpeechTokenizer
    (arXiv:2308.16692), over its D axis. The released code of both was read, DM-Codec's at commit 25c742a.
Left out: the teachers. DM-Codec averages the layers of HuBERT, and those of BERT on a transcript padded to as many
    tokens as there are frames, whose features therefore stand at no particular time of the speech. The released code
    cuts the longer of two features without a word (3 s are 149 frames of HuBERT, 150 of the codec); here they have to
    match. Of several levels asked for it distills into the first alone, so its levels 1-8 are level 1 again.
Oracle: none, no package has this loss: a slow loop in float64, and values by hand (0.3133 at cosine 1, 0.6931 at 0).
Ties: a feature that is zero all the time has cosine 0, and a gradient of about 1e8, torch's way with a zero norm.
Notation: B batch, D dimension, T frames, V codebook size. The student is Q', the codewords of level 1 after a linear
    map to the teachers' D. Teachers are A, of speech (SM), and S, of language (LM). All three are [B, D, T].
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from kb.reference._alone import run_alone
from kb.reference._devices import moved, one_thread
from kb.reference.entropy import entropy_bits

SPEECH_WEIGHT, LANGUAGE_WEIGHT = 0.2, 0.8  # the mix where DM-Codec's word error rate is lowest
DISTILLATION_WEIGHT = 120  # in the generator's loss, of both codecs' released configurations

SOUNDS, PHONES, WORDS = 8, 8, 4  # a toy frame is one of each, independently: how it sounds, what is said, in which word
TOY_DIMENSION, TOY_TEACHER_DIMENSION, TOY_RATE, TOY_NOISE = 24, 32, 0.05, 0.1
TOY_DISTILLATION_WEIGHT = 100  # beside 1 for reconstruction and for each level's commitment
COLUMNS = (
    "speech_weight",
    "language_weight",
    "speech_cosine",
    "language_cosine",
    "sound_bits",
    "phone_bits",
    "word_bits",
    "snr_db",
)


def feature_cosines(student: Tensor, teacher: Tensor) -> Tensor:
    """Return for each feature the cosine, over time, of student and teacher: [B, D, T] and [B, D, T] -> [B, D].

    Each feature is compared on its own, over the whole recording. The mean over time is not taken away: a student
    that never moves already has the cosine |mean| / root mean square of its teacher.
    Raises: ValueError unless both are [B, D, T] of one shape, not empty, and finite.
    Example: a feature 3, 4 and its teacher 4, 3 -> (12 + 12) / (5 x 5) = 0.96.
    """
    if student.ndim != 3 or student.shape != teacher.shape or not student.numel():
        got = f"{list(student.shape)} and {list(teacher.shape)}"
        raise ValueError(f"want student and teacher [B, D, T] of one shape, not empty, got {got}")
    if not student.isfinite().all() or not teacher.isfinite().all():
        raise ValueError(f"want finite features [B, D, T], got NaN or infinity among {list(student.shape)}")
    return functional.cosine_similarity(student, teacher, dim=2)


def loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the mean over features of -log sigmoid(cosine): 0.3133 at cosine 1, so never 0; 0.6931 at cosine 0."""
    return -functional.logsigmoid(feature_cosines(student, teacher)).mean()


def plain_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Return 1 - the mean cosine, as the method is often retold: 0 at cosine 1, 1 at cosine 0.

    It pulls at every feature alike; -log sigmoid pulls hardest at those that point away (see pull).
    """
    return 1 - feature_cosines(student, teacher).mean()


def combined_loss(
    student: Tensor,
    speech_teacher: Tensor,
    language_teacher: Tensor,
    speech_weight: float = SPEECH_WEIGHT,
    language_weight: float = LANGUAGE_WEIGHT,
) -> Tensor:
    """Return the weighted sum of the losses to both teachers: one student has to follow the two."""
    return speech_weight * loss(student, speech_teacher) + language_weight * loss(student, language_teacher)


def pull(cosine: float) -> float:
    """Return what the loss falls by per unit of cosine, sigmoid(-cosine): 0.7311 at -1, 0.5 at 0, 0.2689 at 1."""
    if not -1 <= cosine <= 1:
        raise ValueError(f"a cosine is in -1..1, got {cosine}")
    return 1 / (1 + math.exp(cosine))


def weighted_loss(
    speech_cosine: float,
    language_cosine: float,
    speech_weight: float = SPEECH_WEIGHT,
    language_weight: float = LANGUAGE_WEIGHT,
    weight: float = DISTILLATION_WEIGHT,
) -> float:
    """Return what distillation adds to the generator's loss: 37.59 at best, with cosines 1, 1; 83.18 with 0, 0."""
    speech, language = (-math.log(1 - pull(cosine)) for cosine in (speech_cosine, language_cosine))
    return weight * (speech_weight * speech + language_weight * language)


def shared_bits(codes: Tensor, labels: Tensor) -> float:
    """Return the mutual information of codes [T] and labels [T], in bits: what the codes tell of the labels.

    Example: codes 0, 0, 1, 1 tell labels 5, 5, 7, 7 wholly, 1 bit, and labels 5, 7, 5, 7 not at all, 0 bits.
    """
    if codes.ndim != 1 or codes.shape != labels.shape or not len(codes):
        raise ValueError(f"want codes and labels [T], got {list(codes.shape)} and {list(labels.shape)}")
    together = torch.stack([codes, labels], 1)
    entropies = []
    for seen in (codes[:, None], labels[:, None], together):
        entropies.append(float(entropy_bits(torch.unique(seen, dim=0, return_counts=True)[1])))
    return entropies[0] + entropies[1] - entropies[2]


FIGURES = (pull, weighted_loss)  # what claims may run


def demo(
    *,
    device: str = "cpu",
    seed: int = 0,
    language_weights: tuple[float, ...] = (0.0, 0.2, 0.5, 0.8, 1.0),
    frames: int = 512,
    codebook_size: int = 32,
    loudness: float = 2.0,
    steps: int = 150,
) -> dict[str, Any]:
    """Train toy codecs without and with teachers, and return what level 1 then tells of a frame.

    Args:
        device: where the tensors live, "cpu" or "cuda".
        seed: draws the frames, the teachers' features and the first codewords.
        language_weights: of the language teacher, one codec each; the speech teacher has the rest of 1.
        frames: frames to train on, T.
        codebook_size: codewords in each of the two levels, V.
        loudness: how much larger a frame's sound is than its phone and its word.
        steps: of training, for each codec.
    """
    if codebook_size < 2 or frames < 2 * codebook_size or steps < 1 or not 0 < loudness < math.inf:
        got = f"{codebook_size}, {frames}, {steps} and {loudness}"
        raise ValueError(f"want codebook_size >= 2, twice as many frames, steps >= 1 and loudness > 0, got {got}")
    if not language_weights or not all(0 <= weight <= 1 for weight in language_weights):
        raise ValueError(f"want language_weights in 0..1, one or more, got {list(language_weights)}")
    generator = torch.Generator().manual_seed(seed)
    counts = SOUNDS, PHONES, WORDS
    labels = [torch.randint(count, (frames,), generator=generator) for count in counts]
    latents = TOY_NOISE * torch.randn(frames, TOY_DIMENSION, generator=generator)
    for label, count, size in zip(labels, counts, (loudness, 1, 1), strict=True):
        latents += size * torch.randn(count, TOY_DIMENSION, generator=generator)[label]
    speech = torch.randn(PHONES, TOY_TEACHER_DIMENSION, generator=generator)[labels[1]]
    language = torch.randn(WORDS, TOY_TEACHER_DIMENSION, generator=generator)[labels[2]]
    latents, speech, language = (moved(one, device) for one in (latents, speech, language))
    mixes = [(0.0, 0.0), *((1 - weight, weight) for weight in language_weights)]
    with one_thread():
        trained = [_train(latents, speech, language, mix, codebook_size, steps, seed) for mix in mixes]
    rows = []
    for mix, (codes, student, snr_db) in zip(mixes, trained, strict=True):
        cosines = [float(feature_cosines(student, teacher.T[None]).mean()) for teacher in (speech, language)]
        bits = [shared_bits(codes.cpu(), label) for label in labels]
        figures = [*mix, *cosines, *bits, snr_db]
        rows.append({name: round(figure, 2) for name, figure in zip(COLUMNS, figures, strict=True)})
    remarks = [
        "A toy. Bits: what a code of level 1 tells of a frame's sound, phone and word; they have "
        f"{math.log2(SOUNDS):g}, {math.log2(PHONES):g} and {math.log2(WORDS):g}.",
        "Without teachers, the first row, level 1 takes what is loudest. A teacher brings in what it knows.",
        "These two teachers have nothing in common, so one level cannot follow both; the heavier one wins.",
        f"Per unit of cosine the loss falls by {pull(-1):.2f} where a feature points away, by {pull(1):.2f} where it "
        "is aligned; 1 - cosine, as the method is often retold, by 1 everywhere.",
        f"At weights {SPEECH_WEIGHT:g} and {LANGUAGE_WEIGHT:g} the loss is {weighted_loss(0, 0):.2f} at first, "
        f"and {weighted_loss(1, 1):.2f} if both teachers are followed to the letter: it does not reach 0.",
    ]
    plot = {
        "kind": "line",
        "x": list(language_weights),
        "series": {name: [row[name] for row in rows[1:]] for name in COLUMNS[2:4]},
        "x_label": "weight of the language teacher",
        "y_label": "cosine of level 1 and teacher",
    }
    return {"rows": rows, "remarks": remarks, "plot": plot}


def _train(
    latents: Tensor,
    speech: Tensor,
    language: Tensor,
    mix: tuple[float, float],
    codebook_size: int,
    steps: int,
    seed: int,
) -> tuple[Tensor, Tensor, float]:
    """Return level 1's codes [T], the student [1, D, T] and the SNR in dB; latents and teachers are [T, D]."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randperm(len(latents), generator=generator)[: 2 * codebook_size].view(2, -1).to(latents.device)
    size = latents.shape[1], speech.shape[1]
    projection = (torch.randn(size, generator=generator) / math.sqrt(size[0])).to(latents.device)
    encoder = torch.eye(size[0], dtype=latents.dtype, device=latents.device)
    first = latents[drawn[0]]
    second = latents[drawn[1]] - first[torch.cdist(latents[drawn[1]], first).argmin(1)]
    parameters = [encoder, encoder.clone(), projection, torch.zeros_like(projection[0]), first, second]
    for parameter in parameters:
        parameter.requires_grad_()
    encoder, decoder, projection, bias, *codebooks = parameters
    optimizer = torch.optim.Adam(parameters, lr=TOY_RATE)
    for _ in range(steps):
        residual = latents @ encoder
        total, levels, codes = residual.new_zeros(()), [], []
        for codebook in codebooks:
            codes.append(torch.cdist(residual.detach(), codebook.detach()).argmin(1))
            codeword = codebook[codes[-1]]
            total = total + functional.mse_loss(residual, codeword.detach())  # commitment
            total = total + functional.mse_loss(codeword, residual.detach())  # the codebook follows
            levels.append(residual + (codeword - residual).detach())  # straight through
            residual = residual - codeword.detach()
        error = functional.mse_loss((levels[0] + levels[1]) @ decoder, latents)
        student = (levels[0] @ projection + bias).T[None]
        distilled = combined_loss(student, speech.T[None], language.T[None], *mix)
        optimizer.zero_grad()
        torch.autograd.backward(total + error + TOY_DISTILLATION_WEIGHT * distilled)
        optimizer.step()
    snr_db = 10 * math.log10(float(latents.square().mean()) / float(error.detach()))
    return codes[0], student.detach(), snr_db


def checks(*, device: str = "cpu") -> list[tuple[str, bool]]:
    """Return what holds of the losses: sentences, and whether each did."""
    drawn = torch.randn(2, 2, 5, 40, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    student, teacher, factors = (moved(one, device) for one in (*drawn, torch.arange(1.0, 6.0)[:, None]))
    moving = student.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(moving, teacher), moving)
    before, after = feature_cosines(student, teacher), feature_cosines(student - gradient, teacher)
    stretched = feature_cosines(factors * student, teacher)
    still = feature_cosines(torch.ones_like(teacher), teacher)
    share = teacher.mean(2) / teacher.square().mean(2).sqrt()
    by_hand = feature_cosines(torch.tensor([[[3.0, 4.0]]]), torch.tensor([[[4.0, 3.0]]]))
    both = DISTILLATION_WEIGHT * float(combined_loss(teacher, teacher, teacher))
    return [
        ("A feature 3, 4 and its teacher 4, 3 have cosine 0.96.", round(float(by_hand), 4) == 0.96),
        ("A student that is its teacher loses 0.3133.", round(float(loss(teacher, teacher)), 4) == 0.3133),
        ("A factor on each feature changes nothing.", torch.allclose(stretched, before)),
        ("A step against the gradient turns every feature towards its teacher.", bool((after > before).all())),
        ("A student that never moves has the teacher's mean over its root mean square.", torch.allclose(still, share)),
        ("Two teachers followed to the letter leave 37.59.", math.isclose(both, weighted_loss(1, 1))),
    ]


def main() -> None:
    """Print the rows of the demo as a table, or what it promises."""
    run_alone("A speech and a language model as teachers of a codec's first level.", demo, checks)


if __name__ == "__main__":
    main()
