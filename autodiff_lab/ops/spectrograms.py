"""Short-time Fourier transforms: the spectrum of one stretch of a signal after the other, and back.

Composed of framing, windows and `torch.fft`, so that the derivatives come with the parts.
"""

from __future__ import annotations

from ..core.errors import TooFewDimensions, caution
from ..core.op import public
from ..core.tensor import Tensor

__all__ = ["istft", "stft"]

_all = public[""]


def _fft(name: str):
    return public["fft"][name]


def _lengths(function: str, n_fft: int, hop_length, win_length):
    hop = n_fft // 4 if hop_length is None else hop_length
    win = n_fft if win_length is None else win_length
    if hop <= 0:
        raise RuntimeError(f"{function}: expected hop_length > 0, but got hop_length={hop}")
    if not 0 < win <= n_fft:
        raise RuntimeError(f"{function}: expected 0 < win_length <= n_fft, but got win_length={win} and n_fft={n_fft}")
    return hop, win


def _padded_window(function: str, window, n_fft: int, win: int, like: Tensor, advice: str) -> Tensor:
    if window is None:
        caution(f"A window was not provided. {advice}To suppress this warning and use a rectangular window, explicitly set "
                "`window=torch.ones(n_fft, device=<device>)`.")
        window = _all["ones"](win, dtype=like.real.dtype if like.is_complex() else like.dtype, device=like.device)
    elif window.ndim != 1 or window.shape[0] != win:
        raise RuntimeError(f"{function}: expected a 1D window tensor of size equal to win_length={win}, but got window with size {list(window.shape)}")
    left = (n_fft - win) // 2
    return window if win == n_fft else _all["constant_pad_nd"](window, (left, n_fft - win - left))


def stft(input: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None, window: Tensor | None = None, center: bool = True,
         pad_mode: str = "reflect", normalized: bool = False, onesided: bool | None = None, return_complex: bool | None = None,
         align_to_window: bool | None = None) -> Tensor:
    """The spectra of overlapping stretches of a signal: frequencies down, time across.

    Args:
        input: a signal or a batch of signals.
        n_fft: how many samples each stretch has.
        hop_length: how far the next stretch is; default n_fft // 4.
        win_length, window: the weights of the samples; default all ones.
        center: pad both ends, so that stretch t is centred on sample t * hop_length.
        onesided: only the lower half of the spectrum, which for real signals says all.

    >>> import autodiff_lab as lab
    >>> lab.stft(lab.arange(8.0), 4, window=lab.ones(4), return_complex=True).shape
    torch.Size([3, 9])
    """
    if not (input.is_floating_point() or input.is_complex()):
        raise RuntimeError(f"stft({list(input.shape)}, n_fft={n_fft}): expected a tensor of floating point or complex values")
    if align_to_window is not None and center:
        raise RuntimeError("stft align_to_window should only be set when center = false")
    if input.ndim not in (1, 2):
        raise RuntimeError(f"stft: expected a 1D or 2D tensor, but got {input.ndim}D")
    complex_in = input.is_complex() or (window is not None and window.is_complex())
    if return_complex is None:
        if not complex_in:
            raise RuntimeError("stft requires the return_complex parameter be given for real inputs, and will further require that return_complex=True "
                               "in a future PyTorch release.")
        return_complex = True
    if not return_complex:
        caution("stft with return_complex=False is deprecated. In a future pytorch release, stft will return complex tensors for all inputs, and "
                "return_complex=False will raise an error.\nNote: you can still call torch.view_as_real on the complex output to recover the old "
                "return format.")
    hop, win = _lengths("stft", n_fft, hop_length, win_length)
    weights = _padded_window("stft", window, n_fft, win, input, "A rectangular window will be applied,which is known to cause spectral leakage. Other windows "
                             "such as torch.hann_window or torch.hamming_window are recommended to reduce spectral leakage.")
    batched = input if input.ndim == 2 else input.unsqueeze(0)
    if center:
        batched = public["nn.functional"]["pad"](batched.unsqueeze(1), (n_fft // 2, n_fft // 2), mode=pad_mode).squeeze(1)
    if not 0 < n_fft <= batched.shape[-1]:
        raise RuntimeError(f"stft({list(input.shape)}, n_fft={n_fft}): expected 0 < n_fft <= {batched.shape[-1]}, but got n_fft={n_fft}")
    half = not complex_in if onesided is None else onesided
    if half and complex_in:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    frames = batched.unfold(-1, n_fft, hop) * weights
    spectrum = _fft("rfft" if half else "fft")(frames, norm="ortho" if normalized else None).transpose(1, 2)
    result = spectrum if input.ndim == 2 else spectrum.squeeze(0)
    return result if return_complex else _all["view_as_real"](result)


def istft(input: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None, window: Tensor | None = None, center: bool = True,
          normalized: bool = False, onesided: bool | None = None, length: int | None = None, return_complex: bool = False) -> Tensor:
    """The signal whose `stft` is nearest to `input`: the stretches, weighted and added, over the sum of squared weights.

    Source: Griffin and Lim, Signal estimation from modified short-time Fourier transform (1984).
    """
    if not input.is_complex():
        raise RuntimeError("istft requires a complex-valued input tensor matching the output from stft with return_complex=True.")
    if input.ndim not in (2, 3) or not input.numel():
        raise TooFewDimensions(f"istft: expected a tensor with 2 or 3 dimensions that is not empty, but got {list(input.shape)}")
    hop, win = _lengths("istft", n_fft, hop_length, win_length)
    spectrum = input if input.ndim == 3 else input.unsqueeze(0)
    bins, count = spectrum.shape[1:]
    half = bins != n_fft if onesided is None else onesided
    if bins != (n_fft // 2 + 1 if half else n_fft):
        raise RuntimeError(f"istft: expected the frequency dimension (3rd to the last) of the input tensor to match {'n_fft / 2 + 1' if half else 'n_fft'} "
                           f"when onesided={half}, but got {bins}")
    weights = _padded_window("istft", window, n_fft, win, input, "A rectangular window will be applied.Please provide the same window used by stft to make the "
                             "inversion lossless.")
    if return_complex and half:
        raise RuntimeError("Cannot have onesided output if window or input is complex")
    norm = "ortho" if normalized else None
    frames = spectrum.transpose(1, 2)
    # A real signal is told by half of its spectrum: what the other half says is not asked.
    frames = _fft("ifft")(frames, norm=norm) if return_complex else _fft("irfft")(frames[..., :n_fft // 2 + 1], n_fft, norm=norm)
    total = n_fft + hop * (count - 1)
    signal = _overlap_add(frames * weights, hop, total)
    envelope = _overlap_add((weights * weights).expand(1, count, n_fft), hop, total)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else total - n_fft // 2 if center else total
    signal, envelope = signal[:, start:end], envelope[:, start:end]
    if bool((envelope.abs() < 1e-11).any()):
        raise RuntimeError("istft: window overlap add min: 1. The window must not leave samples with weight 0; choose a smaller hop_length or another window.")
    signal = signal / envelope
    missing = (end - start) - signal.shape[1]
    if missing > 0:
        caution("The length of signal is shorter than the length parameter. Result is being padded with zeros in the tail. Please check your center and "
                "hop_length settings.")
        signal = _all["constant_pad_nd"](signal, (0, missing))
    return signal if input.ndim == 3 else signal.squeeze(0)


def _overlap_add(frames, hop: int, total: int):
    """Frames laid `hop` apart and added up."""
    batch, count, size = frames.shape
    places = _all["arange"](count, device=frames.device).unsqueeze(1) * hop + _all["arange"](size, device=frames.device)
    return _all["zeros"](batch, total, dtype=frames.dtype, device=frames.device).index_add(1, places.reshape(-1), frames.reshape(batch, -1))


_all.update(stft=stft, istft=istft)


Tensor.stft, Tensor.istft = stft, istft
