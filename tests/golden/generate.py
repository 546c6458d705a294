"""Writes golden.h5, the data that the C++ tests of this folder compare with, from NumPy and SciPy alone.

Usage: generate.py [FILE]          writes FILE (golden.h5 beside this script by default)
       generate.py --check [FILE]  computes everything again and compares: exit 1 where FILE differs,
                                   77 without h5py or SciPy

Everything is double precision and written for plainness: textbook shifts, direct sums, no code shared with the engine.
Complex arrays are stored as float32 with a last axis (real, imaginary).
"""

import pathlib
import sys

import numpy as np

try:
    import h5py
    from scipy.optimize import minimize
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

TURN = 2 * np.pi


# --- Fourier conventions: zero of Q at [m/2, m/2], the object's origin [n/2, n/2] there too


def centred_fft(image):
    return np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(image)))


def centred_ifft(image):
    return np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(image)))


def embed(image, m):
    n = len(image)
    frame = np.zeros((m, m), image.dtype)
    corner = m // 2 - n // 2
    frame[corner : corner + n, corner : corner + n] = image
    return frame


def cut(frame, n):
    corner = len(frame) // 2 - n // 2
    return frame[corner : corner + n, corner : corner + n]


def single(values):
    """What the float32 of the file leaves of `values`, in double precision."""
    values = np.asarray(values)
    return values.astype(np.complex64 if np.iscomplexobj(values) else np.float32).astype(values.dtype)


def particle(random, n):
    """A blurred ellipse with a curved phase and a little noise, smaller than the square."""
    y, x = (np.mgrid[:n, :n] - n // 2) / (n / 2)
    a, b, c = random.uniform(-1, 1, 3)
    amplitude = 1 / (1 + np.exp(20 * (y**2 / 0.45 + x**2 / 0.3 + 0.5 * x * y - 0.8)))
    phase = 2.5 * a * x + 2 * b * y**2 + 3 * c * x * y + 1.5 * np.sin(4 * x - 2 * y)
    return amplitude * (1 + 0.2 * y) * np.exp(1j * phase)


# --- Unwrapping: Herraez et al. 2002 with sets of pixels instead of a forest


def wrap(angle):
    return (angle + np.pi) % TURN - np.pi


def unwrap(phase, inside):
    """The multiple of 2 pi for every pixel; 0 outside."""
    height, width = phase.shape
    reliability = np.zeros(phase.shape)
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            if not inside[y - 1 : y + 2, x - 1 : x + 2].all():
                continue
            squares = 0
            for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
                before, after = phase[y - dy, x - dx], phase[y + dy, x + dx]
                squares += (wrap(before - phase[y, x]) - wrap(phase[y, x] - after)) ** 2
            reliability[y, x] = 1 / np.sqrt(squares)

    edges = []
    for y in range(height):
        for x in range(width):
            for below, right in ((0, 1), (1, 0)):
                to = (y + below, x + right)
                if to[0] < height and to[1] < width and inside[y, x] and inside[to]:
                    edges.append((-(reliability[y, x] + reliability[to]), len(edges), (y, x), to))

    turns = np.zeros(phase.shape, int)
    group_of = {(y, x): [(y, x)] for y, x in zip(*np.nonzero(inside))}
    for _, _, first, second in sorted(edges):
        kept, moved = group_of[first], group_of[second]
        if kept is moved:
            continue
        difference = (phase[second] + TURN * turns[second]) - (phase[first] + TURN * turns[first])
        step = -int(np.round(difference / TURN))
        if len(kept) < len(moved):
            kept, moved, step = moved, kept, -step
        for pixel in moved:
            turns[pixel] += step
            group_of[pixel] = kept
        kept.extend(moved)

    for group in {id(group): group for group in group_of.values()}.values():
        where = tuple(np.array(group).T)
        turns[where] -= int(np.round(np.mean(phase[where] + TURN * turns[where]) / TURN))
    return turns


def unwrap_cases():
    random = np.random.RandomState(7)
    y, x = np.mgrid[:36, :45].astype(float)
    ramp = 0.8 * x - 0.35 * y + 3 * np.sin(x / 5) * np.cos(y / 6)
    everywhere = np.ones(ramp.shape, bool)

    # Wherever neighbours differ by less than pi the truth itself is the answer, up to its mean.
    truth = single(ramp)
    phase = single(wrap(truth))
    turns = np.round((truth - phase) / TURN).astype(int)
    turns -= int(np.round(np.mean(phase + TURN * turns) / TURN))
    yield "smooth", phase, everywhere, turns

    yield "noise", single(random.uniform(-np.pi, np.pi, (24, 31))), np.ones((24, 31), bool), None
    yield "noisy_ramp", single(wrap(2 * ramp + random.normal(0, 0.7, ramp.shape))), everywhere, None

    vortices = np.angle((x - 12.3 + 1j * (y - 17.2)) * (x - 30.4 - 1j * (y - 9.7))) + 0.3 * ramp
    yield "vortices", single(wrap(vortices + random.normal(0, 0.05, ramp.shape))), everywhere, None

    discs = (np.hypot(y - 12, x - 11) < 9.5) | (np.hypot(y - 24, x - 32) < 10.2) & (np.hypot(y - 24, x - 32) > 3)
    discs[30, 4] = True
    yield "regions", single(wrap(1.5 * ramp + vortices + random.normal(0, 0.3, ramp.shape))), discs, None


def write_unwrap(put):
    for name, phase, inside, turns in unwrap_cases():
        put(f"unwrap/{name}/phase", phase)
        put(f"unwrap/{name}/inside", inside)
        put(f"unwrap/{name}/turns", unwrap(phase, inside) if turns is None else turns)


# --- Metrics


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


# --- Iterations: Fienup 1982


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


# --- The file


def stored(value):
    value = np.asarray(value)
    if np.iscomplexobj(value):
        return np.stack([value.real, value.imag], -1).astype(np.float32)
    if value.dtype == bool:
        return value.astype(np.uint8)
    if np.issubdtype(value.dtype, np.integer):
        return value.astype(np.int16)
    return value.astype(np.float64 if value.ndim == 0 else np.float32)


def everything():
    data = {}

    def put(name, value):
        data[name] = stored(value)

    write_unwrap(put)
    write_pattern_metrics(put)
    write_resolution(put)
    write_comparison(put)
    write_confidence(put)
    write_iterations(put)
    return data


def differences(data, path):
    with h5py.File(path, "r") as file:
        names = []
        file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        for name in sorted(set(names) ^ set(data)):
            yield f"{name} is in one of both only"
        for name in sorted(set(names) & set(data)):
            old, new = file[name][()], data[name]
            if old.shape != new.shape or old.dtype != new.dtype:
                yield f"{name} has another shape or type"
            elif not np.allclose(old, new, rtol=1e-4, atol=1e-5 * np.max(np.abs(new), initial=0)):
                yield f"{name} differs"


def main():
    arguments = sys.argv[1:]
    check = "--check" in arguments
    names = [argument for argument in arguments if argument != "--check"]
    path = names[0] if names else pathlib.Path(__file__).with_name("golden.h5")
    data = everything()
    if check:
        found = list(differences(data, path))
        print("\n".join(found) or f"{path} is what this script makes")
        sys.exit(1 if found else 0)
    # Format of HDF5 1.10: the old one spends more on its groups than the data take.
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        for name, value in data.items():
            packed = {} if value.ndim == 0 else {"compression": "gzip", "shuffle": True, "chunks": value.shape}
            file.create_dataset(name, data=value, **packed)


if __name__ == "__main__":
    main()
