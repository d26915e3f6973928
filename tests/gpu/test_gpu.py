"""What only a GPU computes, against the CPU in fp32; skipped where there is no GPU."""

import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor

from litebert.cli.main import main
from litebert.encoder.attention import attend
from litebert.encoder.config import EncoderConfig
from litebert.encoder.layout import Packed
from litebert.encoder.models import PretrainingModel
from litebert.encoder.precision import residual_norm, wide_residual_norm
from litebert.objectives import masked_lm_sum
from litebert.training.checkpoint import list_checkpoints
from litebert.training.journal import read_metrics
from litebert.training.run_folder import read_run
from small_runs import TINY, stories_corpus

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
    # Compiling makes some versions of torch warn of parts of their own.
    pytest.mark.filterwarnings("default"),
]

HEADS, WIDTH = 4, 256
LENGTHS = [[64, 64, 64], [37, 20, 20, 3, 1], [5], [300, 2]]


@pytest.mark.parametrize("filler", [0, 3, 500])
@pytest.mark.parametrize("lengths", LENGTHS)
def test_the_kernel_for_packed_sequences_mixes_as_the_reference(lengths: list[int], filler: int):
    tokens = sum(lengths)
    draws = torch.Generator().manual_seed(0)
    qkv = torch.randn(tokens + filler, 3 * WIDTH, generator=draws).bfloat16()
    upstream = torch.randn(tokens, WIDTH, generator=draws)

    def mixed(device: str, dtype: torch.dtype, backend: str) -> list[Tensor]:
        leaf = qkv.to(device, dtype).requires_grad_()
        out = attend(leaf, Packed(lengths), HEADS, 0.0, backend)[:tokens]
        out.backward(upstream.to(out))
        return [each.float().cpu() for each in (out.detach(), leaf.grad)]

    wanted = mixed("cpu", torch.float32, "reference")
    for backend in ("auto", "sdpa"):
        found = mixed("cuda", torch.bfloat16, backend)
        torch.testing.assert_close(found, wanted, rtol=3e-2, atol=3e-2)


def test_the_compiled_norm_is_the_norm() -> None:
    norm = torch.nn.LayerNorm(WIDTH, eps=1e-12, device="cuda")
    torch.nn.init.normal_(norm.weight)
    for rows in (1, 7, 640, 64):
        inputs = torch.randn(2, rows, WIDTH, device="cuda").bfloat16()
        upstream = torch.randn(rows, WIDTH, device="cuda").bfloat16()
        results = []
        for fused in (True, False):
            out, x = (each.clone().requires_grad_() for each in inputs)
            if fused:
                y = residual_norm(out, x, norm)
            else:
                y = wide_residual_norm(out, x, norm.weight, norm.bias, norm.eps)
            grads = torch.autograd.grad(y, (out, x, norm.weight, norm.bias), upstream)
            results.append([y, *grads])
        torch.testing.assert_close(*results, rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-4), (torch.bfloat16, 3e-2)])
@pytest.mark.parametrize("recompute", [False, True])
def test_a_gpu_gives_the_loss_and_the_gradients_of_the_cpu(
    dtype: torch.dtype, tolerance: float, recompute: bool
) -> None:
    sizes = {"hidden_size": WIDTH, "num_attention_heads": HEADS, "intermediate_size": 4 * WIDTH}
    config = EncoderConfig.parse({**sizes, "vocab_size": 100, "num_hidden_layers": 4})
    torch.manual_seed(0)
    model = PretrainingModel(config)
    lengths = [40, 31, 31, 7]
    ids = torch.randint(5, 100, (sum(lengths),))
    chosen = torch.arange(1, sum(lengths), 6)

    def results(device: str, dtype: torch.dtype) -> list[Tensor]:
        model.to(device).zero_grad()
        model.encoder.compute_dtype, model.encoder.recompute = dtype, recompute
        on = ids.to(device)
        masked, _ = model(on, torch.zeros_like(on), Packed(lengths), chosen.to(device))
        loss, _ = masked_lm_sum(masked, on[chosen.to(device)])
        (loss / len(chosen)).backward()
        grads = [p.grad.cpu() for p in model.parameters() if p.grad is not None]
        return [loss.detach().cpu() / len(chosen), *grads]

    wanted = results("cpu", torch.float32)
    found = results("cuda", dtype)
    torch.testing.assert_close(found[0], wanted[0], rtol=tolerance, atol=tolerance)
    for gradient, reference in zip(found[1:], wanted[1:], strict=True):
        off = (gradient - reference).norm() / reference.norm().clamp(min=1e-3)
        assert off < 3 * tolerance


def test_a_run_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    corpus, whole, resumed = stories_corpus(tmp_path), tmp_path / "whole", tmp_path / "resumed"
    command = ["pretrain", str(corpus), *TINY, "--log-every", "1"]
    command += ["--steps", "40", "--save-every", "20", "--device", "cuda", "--precision", "bf16"]
    assert main([*command, "--output", str(whole)]) == 0
    assert read_run(whole, "pretrain").resolved["machine"]["device"] == "cuda"
    shutil.copytree(whole, resumed)
    shutil.rmtree(list_checkpoints(resumed / "checkpoints")[-1])
    assert main([*command, "--output", str(resumed), "--resume", "--data-workers", "0"]) == 0
    losses = [
        [line["loss"] for line in read_metrics(run / "metrics.jsonl", "train")]
        for run in (whole, resumed)
    ]
    assert len(losses[0]) == 40
    # Attention's backward pass adds in no fixed order on a GPU: close, not the same bits.
    assert losses[1] == pytest.approx(losses[0], abs=0.05)
    assert losses[0][-1] < losses[0][0] - 0.5
