"""Llama in NumPy float64, written from Meta's formulas and sharing no code with the package.

Rotary positions are complex multiplications of neighbouring channels, as in the reference code, so
that the package's split-half layout is checked through the permutation of `interleave`.
"""

import numpy as np


def rms_norm(x, scale, eps):
    return x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + eps) * scale


def softmax(x):
    x = np.exp(x - x.max(axis=-1, keepdims=True))
    return x / x.sum(axis=-1, keepdims=True)


def frequencies(config):
    H = config.dim // config.heads
    freqs = 1.0 / config.rope_theta ** (np.arange(0, H, 2) / H)
    if config.rope_scaling is None:
        return freqs
    s = config.rope_scaling
    out = []
    for freq in freqs:
        wavelength = 2 * np.pi / freq
        if wavelength < s.original_context / s.high_freq_factor:
            out.append(freq)
        elif wavelength > s.original_context / s.low_freq_factor:
            out.append(freq / s.factor)
        else:
            smooth = (s.original_context / wavelength - s.low_freq_factor) / (
                s.high_freq_factor - s.low_freq_factor
            )
            out.append((1 - smooth) * freq / s.factor + smooth * freq)
    return np.array(out)


def rotate_neighbours(x, positions, freqs):
    """x [T, heads, H] with complex pairs (0, 1), (2, 3), ..."""
    pairs = x[..., 0::2] + 1j * x[..., 1::2]
    turned = pairs * np.exp(1j * positions[:, None] * freqs)[:, None, :]
    out = np.empty_like(x)
    out[..., 0::2], out[..., 1::2] = turned.real, turned.imag
    return out


def interleave(weight):
    """Channels of a [..., heads, H] weight from split halves to neighbouring pairs."""
    first, second = np.split(weight, 2, axis=-1)
    return np.stack([first, second], axis=-1).reshape(weight.shape)


def attention(q, k, v, mask):
    """q [T, N, H], k and v [S, K, H], mask [T, S]; one head after the other."""
    T, N, H = q.shape
    out = np.zeros_like(q)
    for n in range(N):
        head = n // (N // k.shape[1])
        scores = q[:, n] @ k[:, head].T / np.sqrt(H)
        out[:, n] = softmax(np.where(mask, scores, -1e30)) @ v[:, head]
    return out


def hidden_states(params, config, tokens, positions=None, mask=None, layers=None):
    """tokens [T] -> states after `layers` layers and the final norm [T, D]."""
    p = {name: np.asarray(a, np.float64) for name, a in _flat(params).items()}
    T = len(tokens)
    positions = np.arange(T) if positions is None else positions
    mask = np.tril(np.ones((T, T), bool)) if mask is None else mask
    freqs = frequencies(config)
    x = p["embedding"][tokens]
    for i in range(config.layers if layers is None else layers):
        w = {name.removeprefix("layers."): a[i] for name, a in p.items() if "layers." in name}
        h = rms_norm(x, w["attention_norm.scale"], config.norm_eps)
        q = np.einsum("td,dnh->tnh", h, interleave(w["attention.query"]))
        k = np.einsum("td,dkh->tkh", h, interleave(w["attention.key"]))
        v = np.einsum("td,dkh->tkh", h, w["attention.value"])
        q, k = rotate_neighbours(q, positions, freqs), rotate_neighbours(k, positions, freqs)
        x = x + np.einsum("tnh,nhd->td", attention(q, k, v, mask), w["attention.output"])
        h = rms_norm(x, w["feed_forward_norm.scale"], config.norm_eps)
        gate = h @ w["feed_forward.gate"]
        x = x + (gate / (1 + np.exp(-gate)) * (h @ w["feed_forward.up"])) @ w["feed_forward.down"]
    return rms_norm(x, p["final_norm.scale"], config.norm_eps)


def logits(params, config, tokens, **options):
    """tokens [T] -> [T, V]."""
    hidden = hidden_states(params, config, tokens, **options)
    output = params["embedding"].T if config.tied_embeddings else params["output"]
    return hidden @ np.asarray(output, np.float64)


def _flat(tree, prefix=""):
    if not isinstance(tree, dict):
        return {prefix[:-1]: tree}
    return {k: v for name, sub in tree.items() for k, v in _flat(sub, f"{prefix}{name}.").items()}
