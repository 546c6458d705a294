"""Golden data of the metrics: of patterns, of resolution, of results against the truth and of results among each other."""

import numpy as np
from scipy.optimize import minimize

from conventions import centred_fft, centred_ifft, cut, embed, particle, single


def modulus_chi2(calculated, intensity, measured):
    """With the best scale of the calculated modulus, which comes second."""
    a, b = np.sqrt(calculated[measured]), np.sqrt(intensity[measured])
    scale = np.sum(a * b) / np.sum(a * a)
    return np.sum((scale * a - b) ** 2) / np.sum(b * b), scale


def write_pattern_metrics(put):
    random = np.random.RandomState(11)
    n, m = 16, 32
    truth = single(30 * particle(random, n))
    wrong = single(truth * np.exp(0.3j * random.normal(size=truth.shape)) + random.normal(0, 1.5, truth.shape))
    model = np.abs(centred_fft(embed(wrong, m))) ** 2
    intensity = random.poisson(np.abs(centred_fft(embed(truth, m))) ** 2 / 100).astype(float)
    model = single(model / 100)
    measured = np.hypot(*(np.mgrid[:m, :m] - m // 2 + 0.3)) > 2.2
    measured[:, 20:22] = False
    held_out = measured & (random.uniform(size=(m, m)) < 0.05)

    scale = np.sum(model[measured] * intensity[measured]) / np.sum(model[measured] ** 2)
    error = np.sum((scale * model[measured] - intensity[measured]) ** 2)
    moduli = np.sqrt(model[measured]), np.sqrt(intensity[measured])
    difference = np.abs(moduli[0] * np.sum(moduli[1]) / np.sum(moduli[0]) - moduli[1])
    io, ic = intensity[held_out], model[held_out]
    floored = np.maximum(ic, 0.1)
    likelihood = np.where(io > 0, floored - io + io * np.log(np.maximum(io, 1) / floored), ic)

    for name, value in {
        "object": wrong,
        "calculated": model,
        "intensity": intensity,
        "measured": measured,
        "held_out": held_out,
        "diffraction": np.abs(centred_fft(embed(wrong, m))) ** 2,
        "modulus_chi2": modulus_chi2(model, intensity, measured)[0],
        "intensity_chi2": error / np.sum(intensity[measured] ** 2),
        "r_factor": np.sum(difference) / np.sum(moduli[1]),
        "poisson_llk": np.mean(likelihood),
    }.items():
        put(f"pattern/{name}", value)


def rings(m):
    return np.round(np.hypot(*(np.mgrid[:m, :m] - m // 2))).astype(int)


def write_resolution(put):
    random = np.random.RandomState(13)
    n = 32
    truth = particle(random, n)
    first = single(truth + random.normal(0, 0.12, (n, n)) + 0.12j * random.normal(size=(n, n)))
    second = single(truth + random.normal(0, 0.12, (n, n)) + 0.12j * random.normal(size=(n, n)))
    f1, f2, ring = centred_fft(first), centred_fft(second), rings(n)
    curve, threshold = [], []
    for radius in range(n // 2 + 1):
        a, b = f1[ring == radius], f2[ring == radius]
        curve.append(abs(np.vdot(b, a)) / np.sqrt(np.vdot(a, a).real * np.vdot(b, b).real))
        s, root = (np.sqrt(2) - 1) / 2, np.sqrt(len(a))
        threshold.append((s + 2 * np.sqrt(s) / root + 1 / root) / (s + 2 * np.sqrt(s) / root + 1))
    put("resolution/first", first)
    put("resolution/second", second)
    put("resolution/curve", curve)
    put("resolution/half_bit", threshold)
    margin = np.array(curve) - threshold
    after = next(radius for radius in range(1, len(curve)) if margin[radius] < 0)
    crossing = np.interp(0, [margin[after], margin[after - 1]], [after, after - 1])
    put("resolution/crossing", crossing)
    put("resolution/period", n / crossing)


def twin_of(image):
    """conj(image(-r)) about [n/2, n/2]; what has no partner in the square must be nothing."""
    n = len(image)
    result = np.zeros_like(image)
    for y in range(n):
        for x in range(n):
            to = 2 * (n // 2) - y, 2 * (n // 2) - x
            if max(to) < n:
                result[to] = np.conj(image[y, x])
    return result


def moved_by_pixels(image, dy, dx):
    result = np.zeros_like(image)
    n = len(image)
    for y in range(n):
        for x in range(n):
            if 0 <= y - dy < n and 0 <= x - dx < n:
                result[y, x] = image[y - dy, x - dx]
    return result


def moved(image, dy, dx):
    """By any shift: its Fourier coefficients on the square of twice the size, times a wave."""
    n = len(image)
    ky, kx = np.mgrid[:2 * n, :2 * n] - n
    return cut(centred_ifft(centred_fft(embed(image, 2 * n)) * np.exp(-1j * np.pi / n * (ky * dy + kx * dx))), n)


def overlap(image, truth):
    return abs(np.vdot(image, truth))


def align_by_pixels(image, truth):
    n = len(truth)
    candidates = (
        (overlap(moved_by_pixels(version, dy, dx), truth), twin, dy, dx, version)
        for twin, version in ((False, image), (True, twin_of(image)))
        for dy in range(-n + 1, n)
        for dx in range(-n + 1, n)
    )
    _, twin, dy, dx, version = max(candidates, key=lambda candidate: candidate[0])
    return twin, dy, dx, version


def align(image, truth):
    """The whole-pixel answer, then the maximum of the overlap found by a simplex search."""
    twin, dy, dx, version = align_by_pixels(image, truth)
    corners = [(dy, dx), (dy + 0.3, dx), (dy, dx + 0.3)]
    found = minimize(lambda d: -overlap(moved(version, *d), truth), (dy, dx), method="Nelder-Mead",
                     options={"xatol": 1e-6, "fatol": 1e-12, "initial_simplex": corners})
    return twin, found.x[0], found.x[1], moved(version, *found.x)


def comparison(image, aligned, truth, support):
    energies = np.sum(np.abs(image) ** 2) * np.sum(np.abs(truth) ** 2)
    inner = np.vdot(aligned, truth)
    scale = np.sum(np.abs(aligned) * np.abs(truth)) ** 2
    difference = np.angle(aligned * inner * np.conj(truth))[support]
    return {
        "real_space_error": 1 - abs(inner) ** 2 / energies,
        "amplitude_chi2": 1 - scale / energies,
        "phase_chi2": np.sum(difference**2) / np.sum(np.angle(truth)[support] ** 2),
    }


def write_comparison(put):
    random = np.random.RandomState(17)
    n = 20
    truth = particle(random, n)
    truth[np.abs(truth) < 0.02] = 0
    truth = single(truth)
    support = np.abs(truth) > 0.1
    put("compare/truth", truth)
    put("compare/support", support)
    worse = truth * (1 + 0.3 * random.normal(size=truth.shape)) * np.exp(0.4j * random.normal(size=truth.shape))
    smooth = truth * np.exp(0.5j * np.sin(np.mgrid[:n, :n][0] / 3))
    images = {
        "plain": worse,
        "moved": 7 * np.exp(2j) * moved_by_pixels(worse, 3, -2),
        "twin": 0.01 * moved_by_pixels(twin_of(worse), -1, 2),
        "sub_pixel": np.exp(-1j) * moved(smooth, 0.37, -1.28),
        "sub_pixel_twin": 3 * moved(twin_of(smooth), -0.81, 0.5),
    }
    for name, image in images.items():
        image = single(image)
        if name.startswith("sub_pixel"):
            twin, dy, dx, aligned = align(image, truth)
        else:
            twin, dy, dx, version = align_by_pixels(image, truth)
            aligned = moved_by_pixels(version, dy, dx)
        put(f"compare/{name}/object", image)
        put(f"compare/{name}/twin", twin)
        put(f"compare/{name}/shift", [dy, dx])
        for key, value in comparison(image, aligned, truth, support).items():
            put(f"compare/{name}/{key}", value)


def write_confidence(put):
    random = np.random.RandomState(19)
    n, m, count = 20, 40, 5
    truth = particle(random, n)
    results = []
    for k in range(count):
        image = truth * np.exp(0.5j * random.normal(size=(n, n))) + 0.05 * np.abs(truth) * random.normal(size=(n, n))
        image = moved(image, *(random.uniform(-1.5, 1.5, 2) if k else (0, 0)))
        if k in (1, 3):
            image = twin_of(np.pad(image[1:, 1:], ((1, 0), (1, 0))))
        results.append(single(image * np.exp(1j * k) * (1 + k)))

    unit = []
    for image in results:
        aligned = align(image, results[0])[3] if unit else image
        aligned = aligned * np.exp(1j * np.angle(np.vdot(aligned, results[0])))
        unit.append(aligned / np.linalg.norm(aligned))
    pairs = [np.vdot(unit[k], unit[l]).real for k in range(count) for l in range(k)]
    spectra = np.array([centred_fft(embed(image, m)) for image in unit])
    ratio = np.abs(spectra.sum(0)) / np.abs(spectra).sum(0)
    put("confidence/objects", np.array(results))
    put("confidence/agreement", np.mean(pairs))
    put("confidence/prtf", [ratio[rings(m) == radius].mean() for radius in range(m // 2 + 1)])
    put("confidence/mean", np.mean(unit, 0) * np.linalg.norm(results[0]))
