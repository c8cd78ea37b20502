"""Time the reference implementations beside their peers and beside what cannot be done without.

    python benchmarks/reference.py [rvq] [factorized] [delay] [--device cuda] [--threads 1] [--repeats 7]

Within a race the contenders take turns and each keeps its best time: other work on the machine disturbs them alike only
within one run, so compare ratios, not times. One thread on a CPU is measured in processor time, so that the turns of
other processes do not count. Peers are set up with the same codebooks and their output is compared; one that is not
installed is left out. moshi 0.2.13 wants an older torch than ours but runs with it:

    pip install --no-deps --target build/peers moshi==0.2.13 sentencepiece; PYTHONPATH=build/peers python ...
"""

import argparse
import importlib
import importlib.util
import platform
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from measuring import Row, show
from torch import Tensor

from kb.reference import delay, rvq

SHAPES = {"cpu": [(8, 128, 1500)], "cuda": [(64, 128, 1500), (8, 512, 15000)]}  # B, D, T of latents
K, V = 8, 1024  # EnCodec at 24 kHz and 6 kbps; (8, 128, 1500) is then 160 s of audio
CHUNK = 256  # rows of latents whose scores, 1 MB, stay in cache; what encode_fast takes on a CPU

Act = Callable[[], Any]


class Race(NamedTuple):
    """Contenders that do the same work."""

    title: str
    ours: str
    contenders: dict[str, Act]  # what each returns is compared with ours; None is not
    floor: str  # the contender that does only what no other can do without
    flop: float = 0.0  # of the floor; 0 where nothing is multiplied
    at_most: float | None = None  # times the floor that ours may take
    faster_than: tuple[tuple[str, float], ...] = ()  # by how much ours should be faster than a peer


def rvq_races(device: str) -> list[Race]:
    """Encoding latents with K codebooks of V, in each of the shapes."""
    return [rvq_race(shape, device) for shape in SHAPES[device]]


def rvq_race(shape: tuple[int, int, int], device: str) -> Race:
    """Encoding latents [B, D, T]."""
    batch, dimension, frames = shape
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(shape, generator=generator).to(device)
    codebooks = (0.25 * torch.randn(K, V, dimension, generator=generator)).to(device)
    products = f"{K} bare matrix products"
    contenders: dict[str, Act] = {
        "encode_fast": lambda: rvq.encode_fast(latents, codebooks),
        "encode, the plain loop": lambda: rvq.encode(latents, codebooks),
        products: bare_products(latents, codebooks, batch * frames),
        f"the same, {CHUNK} rows at a time": bare_products(latents, codebooks, CHUNK),
    }
    for name, make in RVQ_PEERS.items():
        contenders |= installed(name, lambda make=make: make(latents, codebooks))
    title = f"rvq: latents {list(shape)}, {K} codebooks of {V}"
    faster = tuple((name, 1.0) for name in RVQ_PEERS)
    flop = 2.0 * batch * frames * dimension * V * K
    return Race(title, "encode_fast", contenders, products, flop, at_most=1.35, faster_than=faster)


def bare_products(latents: Tensor, codebooks: Tensor, rows: int) -> Act:
    """Only multiply latents with every codebook, so many rows at a time, into one buffer that is there already."""
    scores = latents.new_empty(rows, codebooks.shape[1])

    def multiply() -> None:
        vectors = latents.transpose(1, 2).reshape(-1, latents.shape[1])
        for codebook in codebooks:
            for chunk in torch.split(vectors, rows):
                torch.mm(chunk, codebook.T, out=scores[: len(chunk)])

    return multiply


def transformers_encodec(latents: Tensor, codebooks: Tensor) -> Act:
    """EnCodec in transformers."""
    from transformers import EncodecConfig
    from transformers.models.encodec.modeling_encodec import EncodecResidualVectorQuantizer

    # The number of levels follows from the largest bandwidth: kbps over 75 Hz and (always) 10 bits a code.
    config = EncodecConfig(codebook_size=V, codebook_dim=latents.shape[1], target_bandwidths=[K * 0.75])
    quantizer: Any = EncodecResidualVectorQuantizer(config).to(latents.device)
    for layer, codebook in zip(quantizer.layers, codebooks, strict=True):
        layer.codebook.embed.copy_(codebook)
    return lambda: quantizer.encode(latents).transpose(0, 1)


def transformers_mimi(latents: Tensor, codebooks: Tensor) -> Act:
    """Mimi in transformers, which goes through torch.cdist."""
    from transformers import MimiConfig
    from transformers.models.mimi.modeling_mimi import MimiResidualVectorQuantizer

    width = latents.shape[1]
    sizes: dict[str, Any] = {"hidden_size": width, "codebook_dim": width, "vector_quantization_hidden_dimension": width}
    quantizer: Any = MimiResidualVectorQuantizer(MimiConfig(codebook_size=V, **sizes), num_quantizers=K)
    for layer, codebook in zip(quantizer.to(latents.device).layers, codebooks, strict=True):
        layer.codebook.embed_sum.copy_(codebook)
        layer.codebook.cluster_usage.fill_(1.0)
    return lambda: quantizer.encode(latents).transpose(0, 1)


def moshi_rvq(latents: Tensor, codebooks: Tensor) -> Act:
    """Mimi in moshi, through torch.cdist as well."""
    peer: Any = importlib.import_module("moshi.quantization.core_vq")
    sizes = {"dim": latents.shape[1], "codebook_size": V}
    quantizer = peer.ResidualVectorQuantization(num_quantizers=K, codebook_offset=0, **sizes).to(latents.device).eval()
    for layer, codebook in zip(quantizer.layers, codebooks, strict=True):
        layer._codebook.embedding_sum.copy_(codebook)
        layer._codebook._initialized.fill_(1)
    return lambda: quantizer.encode(latents).transpose(0, 1)


def vector_quantize_pytorch(latents: Tensor, codebooks: Tensor) -> Act:
    """vector-quantize-pytorch, whose forward pass also decodes."""
    peer: Any = importlib.import_module("vector_quantize_pytorch")
    quantizer = peer.ResidualVQ(dim=latents.shape[1], num_quantizers=K, codebook_size=V).eval().to(latents.device)
    for layer, codebook in zip(quantizer.layers, codebooks, strict=True):
        layer._codebook.embed.copy_(codebook[None])
    return lambda: quantizer(latents.transpose(1, 2))[1].transpose(1, 2)


RVQ_PEERS: dict[str, Callable[[Tensor, Tensor], Act]] = {
    "transformers Encodec": transformers_encodec,
    "transformers Mimi (cdist)": transformers_mimi,
    "moshi (cdist)": moshi_rvq,
    "vector-quantize-pytorch": vector_quantize_pytorch,
}


def factorized_races(device: str) -> list[Race]:
    """Encoding with DAC's quantizer at 44.1 kHz: 9 levels that look up in 8 of 1024 dimensions."""
    if not importlib.util.find_spec("kb.reference.factorized_vq"):
        print("factorized: not there\n")
        return []
    from transformers import DacConfig
    from transformers.models.dac.modeling_dac import DacResidualVectorQuantizer

    factorized: Any = importlib.import_module("kb.reference.factorized_vq")
    torch.manual_seed(0)
    theirs: Any = DacResidualVectorQuantizer(DacConfig()).eval().to(device)
    latents = torch.randn(8, theirs.quantizers[0].in_proj.in_channels, 1500).to(device)
    stacked = {
        "project_in": [level.in_proj.weight[..., 0] for level in theirs.quantizers],
        "bias_in": [level.in_proj.bias for level in theirs.quantizers],
        "codebooks": [level.codebook.weight for level in theirs.quantizers],
        "project_out": [level.out_proj.weight[..., 0] for level in theirs.quantizers],
        "bias_out": [level.out_proj.bias for level in theirs.quantizers],
    }
    quantizer = factorized.Quantizer(**{name: torch.stack(levels) for name, levels in stacked.items()})
    down = quantizer.project_in.flatten(0, 1)  # of all levels
    low, words = torch.randn(latents[:, 0].numel(), 8).to(device), quantizer.codebooks
    scores = low.new_empty(CHUNK, V)

    def products() -> None:
        down @ latents
        for codebook in words:
            for chunk in torch.split(low, CHUNK):
                torch.mm(chunk, codebook.T, out=scores[: len(chunk)])

    contenders: dict[str, Act] = {
        "encode_fast": lambda: factorized.encode_fast(latents, quantizer),
        "encode, the plain loop": lambda: factorized.encode(latents, quantizer),
        "bare matrix products": products,
        "transformers DAC": lambda: theirs(latents)[1],
    }
    flop = 2.0 * len(low) * (down.numel() + words.numel())
    title = f"factorized: latents {list(latents.shape)}, {len(words)} codebooks of {V} in 8 dimensions"
    floor, faster = "bare matrix products", (("transformers DAC", 6.0),)
    return [Race(title, "encode_fast", contenders, floor, flop, faster_than=faster)]


def delay_races(device: str) -> list[Race]:
    """Delaying 30 s of MusicGen's codes and taking the delay back."""
    levels, frames, special = 4, 1500, 2048
    delays = list(range(levels))
    codes = torch.randint(special, (4, levels, frames), generator=torch.Generator().manual_seed(0)).to(device)

    def ours() -> tuple[Tensor, Tensor]:
        delayed = delay.apply(codes, delays, special)
        return delayed, delay.revert(delayed, delays)

    def copies() -> None:
        codes.clone(), codes.clone()

    contenders: dict[str, Act] = {"apply, revert": ours, "two copies": copies}
    for name, make in DELAY_PEERS.items():
        contenders |= installed(name, lambda make=make: make(codes, delays, special))
    title = f"delay: there and back, codes {list(codes.shape)}, delays {delays}"
    return [Race(title, "apply, revert", contenders, "two copies", faster_than=(("moshi (roll)", 1.0),))]


def moshi_roll(codes: Tensor, delays: list[int], special: int) -> Act:
    """moshi, which rolls within a length: the room for the last codes is made for it beforehand and not timed."""
    peer: Any = importlib.import_module("moshi.models.lm_utils")
    frames, padding = codes.shape[2], codes.new_full((1, codes.shape[1], 1), special)
    roomy = torch.nn.functional.pad(codes, (0, max(delays)), value=special)

    def both() -> tuple[Tensor, Tensor]:
        delayed = peer._delay_sequence(delays, roomy, padding)
        return delayed, peer._undelay_sequence(delays, delayed, fill_value=special)[0][..., :frames]

    return both


def transformers_pattern(codes: Tensor, delays: list[int], special: int) -> Act:
    """MusicGen in transformers: a pattern that is built each time; what it does not fill is taken back out."""
    from transformers import MusicgenForCausalLM
    from transformers.models.musicgen.configuration_musicgen import MusicgenDecoderConfig

    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "ffn_dim": 8}
    model = MusicgenForCausalLM(MusicgenDecoderConfig(vocab_size=special + 1, num_codebooks=len(delays), **sizes))
    batch, levels, frames = codes.shape
    prompt = torch.nn.functional.pad(codes, (1, 0), value=special).reshape(batch * levels, frames + 1)

    def both() -> tuple[Tensor, Tensor]:
        _, pattern = model.build_delay_pattern_mask(prompt, pad_token_id=special, max_length=frames + levels)
        delayed = pattern.reshape(batch, levels, -1)
        return delayed[..., 1:], pattern[pattern != special].reshape(batch, levels, frames)

    return both


def index_table(codes: Tensor, delays: list[int], special: int) -> Act:
    """A table of where each cell comes from, and back, made beforehand: audiocraft's way while its cache is warm."""
    (batch, levels, frames), steps = codes.shape, codes.shape[2] + max(delays)
    late = torch.tensor(delays, device=codes.device)[:, None]
    source = torch.arange(steps, device=codes.device) - late  # [K, S]
    row = torch.arange(levels, device=codes.device)[:, None] * frames
    source = torch.where((source >= 0) & (source < frames), row + source, levels * frames).flatten()
    back = (torch.arange(levels)[:, None].to(late) * steps + torch.arange(frames).to(late) + late).flatten()
    end = codes.new_full((batch, 1), special)

    def both() -> tuple[Tensor, Tensor]:
        delayed = torch.cat([codes.view(batch, -1), end], dim=1)[:, source]
        return delayed.view(batch, levels, steps), delayed[:, back].view(codes.shape)

    return both


DELAY_PEERS: dict[str, Callable[[Tensor, list[int], int], Act]] = {
    "moshi (roll)": moshi_roll,
    "transformers MusicGen": transformers_pattern,
    "index table, ready made": index_table,
}

RACES = {"rvq": rvq_races, "factorized": factorized_races, "delay": delay_races}


def installed(name: str, make: Callable[[], Act]) -> dict[str, Act]:
    """Return a peer under its name, or nothing where it is not installed."""
    try:
        return {name: make()}
    except ModuleNotFoundError as error:
        print(f"{name}: left out, {error.name} is not installed")
        return {}


def timed(act: Act, number: int) -> float:
    """Return the seconds of one of number calls."""
    alone = not torch.cuda.is_available() and torch.get_num_threads() == 1
    clock = time.process_time if alone else time.perf_counter
    start = clock()
    for _ in range(number):
        act()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return (clock() - start) / number


def run(race: Race, repeats: int, peak: float) -> None:
    """Print the table of a race, and its budgets."""
    made = {name: act() for name, act in race.contenders.items()}  # also warms up
    number = {name: 1 + int(0.01 / max(timed(act, 1), 1e-6)) for name, act in race.contenders.items()}
    best = dict.fromkeys(race.contenders, float("inf"))
    for _ in range(repeats):
        best = {name: min(best[name], timed(act, number[name])) for name, act in race.contenders.items()}
    peak = max(peak, race.flop / min(best.values()))  # other work may have disturbed it where it was measured
    print(f"{race.title}; best of {repeats}")
    print(f"{'':34}{'ms':>9}{'x floor':>9}{'x ours':>8}{'of peak':>9}{'same':>11}")
    for name, seconds in sorted(best.items(), key=lambda item: item[1]):
        share = f"{race.flop / seconds / peak:9.1%}" if race.flop else f"{'':9}"
        same = f"{same_share(made[name], made[race.ours]):11.4%}" if made[name] is not None else ""
        ratios = f"{seconds / best[race.floor]:9.2f}{seconds / best[race.ours]:8.2f}"
        print(f"{name:34}{1000 * seconds:9.3f}{ratios}{share}{same}")
    size, ours = race.title.split(":")[0], best[race.ours]
    if race.at_most:
        show(size, Row(f"{race.ours} to {race.floor}", ours / best[race.floor], "x", race.at_most))
    for name, ratio in race.faster_than:
        if name in best:
            show(size, Row(f"{race.ours} faster than {name}", best[name] / ours, "x", ratio, is_least=True))
    print()


def same_share(made: Any, ours: Any) -> float:
    """Return the share of cells that are equal, of the worst where there are several tensors."""
    pairs = zip(made, ours, strict=True) if isinstance(ours, tuple) else [(made, ours)]
    return min(torch.eq(one, other).double().mean().item() for one, other in pairs)


def peak_flops(device: str) -> float:
    """Return the most operations a second that a product of float32 matrices reaches, without TF32 on a GPU."""

    def rates() -> Iterator[float]:
        for n, d, v in [(4096, 128, 1024), (1024, 1024, 1024)] if device == "cpu" else [(8192, 8192, 8192)]:
            a, b = torch.randn(n, d, device=device), torch.randn(d, v, device=device)
            out = a.new_empty(n, v)
            yield 2.0 * n * d * v / min(timed(lambda a=a, b=b, out=out: torch.mm(a, b, out=out), 3) for _ in range(7))

    return max(rates())


@torch.inference_mode()
def main() -> None:
    """Print the races that were asked for."""
    parser = argparse.ArgumentParser(description="Time the reference implementations beside their peers.")
    parser.add_argument("races", nargs="*", help=f"of {', '.join(RACES)}; all unless some are named")
    parser.add_argument("--device", choices=list(SHAPES), default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    args = parser.parse_args()
    if unknown := set(args.races) - set(RACES):
        parser.error(f"there are races of {', '.join(RACES)}, not of {', '.join(unknown)}")
    torch.set_num_threads(args.threads)
    peak = peak_flops(args.device)
    place = torch.cuda.get_device_name() if args.device == "cuda" else f"{platform.machine()}, {args.threads} thread(s)"
    print(f"torch {torch.__version__}, {place}, float32 products at most {peak / 1e9:,.0f} GFLOP/s\n")
    for name in args.races or RACES:
        for race in RACES[name](args.device):
            run(race, args.repeats, peak)


if __name__ == "__main__":
    main()
