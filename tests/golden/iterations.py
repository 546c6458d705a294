"""Golden data of the iterations: Fienup 1982."""

import numpy as np

from conventions import centred_fft, centred_ifft, cut, embed, particle, single
from metrics import modulus_chi2


def iterations(intensity, measured, start, support, algorithm, count, beta=0.9):
    """States 0 .. count: the iterate cut to the support in its best scale, and the modulus chi^2 of that."""
    m = len(intensity)
    modulus = np.sqrt(intensity)
    inside = embed(support, m)

    def candidate(iterate):
        kept = np.where(inside, iterate, 0)
        chi2, scale = modulus_chi2(np.abs(centred_fft(kept)) ** 2, intensity, measured)
        return cut(scale * kept, len(start)), chi2

    g = embed(candidate(embed(start, m))[0], m)
    states, residuals = zip(candidate(g))
    states, residuals = list(states), list(residuals)
    for _ in range(count):
        spectrum = centred_fft(g)
        fitted = np.where(measured, modulus * np.exp(1j * np.angle(spectrum)), spectrum)
        projected = centred_ifft(fitted)
        g = np.where(inside, projected, 0 if algorithm == "ER" else g - beta * projected)
        state, residual = candidate(g)
        states.append(state)
        residuals.append(residual)
    return np.array(states), np.array(residuals)


def write_iterations(put):
    """HIO is chaotic: a change of 1e-7 of the start grows, in double precision, to 1e-5 .. 1e-2 of the state within 50
    iterations, and then no float32 program could follow. Least so for a particle that ends sharply at its support, no
    noise and a start near it: `every` and `masked` are such cases, their seeds chosen for what `calm` measures. `far`
    is an ordinary case (random start, soft edge, noise), followed for as long as it is calm."""
    for name, seed, n, m, kept in (
        ("every", 7, 12, 24, range(1, 51)),
        ("masked", 2, 32, 64, (1, 2, 5, 10, 20, 50)),
        ("far", 29, 32, 64, (1, 2, 5, 10)),
    ):
        random = np.random.RandomState(seed)
        truth = particle(random, n)
        support = np.abs(truth) > (0.05 if name == "far" else 0.3)
        measured = np.ones((m, m), bool)
        if name != "every":
            measured[np.hypot(*(np.mgrid[:m, :m] - m // 2)) < 3.1] = False
            measured[:, 39:41] = False
        if name == "far":
            intensity = random.poisson(np.abs(centred_fft(embed(20 * truth, m))) ** 2).astype(float)
            start = random.uniform(0, 1, (n, n)) * np.exp(1j * random.uniform(-np.pi, np.pi, (n, n)))
        else:
            intensity = single(np.abs(centred_fft(embed(20 * truth * support, m))) ** 2)
            noise = 0.6 if name == "every" else 0.3
            start = truth * random.uniform(0.5, 1.5, (n, n)) * np.exp(1j * noise * random.normal(size=(n, n)))
        start = single(np.where(support, start, 0))
        put(f"iterate/{name}/intensity", intensity)
        put(f"iterate/{name}/measured", measured)
        put(f"iterate/{name}/start", start)
        put(f"iterate/{name}/support", support)
        put(f"iterate/{name}/iterations", list(kept))
        for algorithm in ("ER", "HIO"):
            arguments = intensity, measured, start, support, algorithm, max(kept)
            states, residuals = iterations(*arguments)
            assert calm(states, *arguments), f"{name} {algorithm} is chaotic"
            # The solver gives the best of its candidates; they must be the states that are kept.
            assert all(residuals[k] < (residuals[:k] if algorithm == "ER" else residuals[:1]).min() for k in kept)
            put(f"iterate/{name}/{algorithm}/objects", states[list(kept)])
            put(f"iterate/{name}/{algorithm}/residuals", residuals[list(kept)])


def calm(states, intensity, measured, start, *rest):
    random = np.random.RandomState(1)
    touched, _ = iterations(intensity, measured, start * (1 + 1e-7 * random.normal(size=start.shape)), *rest)
    return np.max(np.linalg.norm(touched - states, axis=(1, 2)) / np.linalg.norm(states, axis=(1, 2))) < 1e-5
