#!/usr/bin/python3
"""Small particles behind a beam stop that hides their first maximum: shells, rings, pairs and cores in turn, 128 x 128 pixels, a
million photons before the stop, radius of the stop 4 to 10 pixels. With results, says how many are right.

Usage: awkward_patterns.py DATA.h5 [--count 28] [--seed 1]       writes /patterns and /objects
       awkward_patterns.py DATA.h5 --results RESULTS.h5          reads them and what flashphase-reconstruct made of them
"""

import argparse

import h5py
import numpy as np

KINDS = ("shell", "ring", "pair", "core")
SIZE, SQUARE, PHOTONS = 128, 64, 1e6


def chord(radius, distance):
    return np.sqrt(np.maximum(radius**2 - distance**2, 0))


def shape(random, kind, radius):
    """A projection [64, 64] of about this radius, turned at random, its edge smoothed by half a pixel."""
    y, x = np.mgrid[:SQUARE, :SQUARE] - SQUARE // 2 + random.uniform(-0.5, 0.5, (2, 1, 1))
    turn, squeeze = random.uniform(0, 2 * np.pi), random.uniform(0.75, 1)
    u, v = x * np.cos(turn) + y * np.sin(turn), (y * np.cos(turn) - x * np.sin(turn)) / squeeze
    r = np.hypot(u, v)
    if kind == "ring":
        inside = [1 / (1 + np.exp(np.clip(1.7 / 0.7 * (r - edge), -50, 50))) for edge in (radius, (1 - random.uniform(0.25, 0.45)) * radius)]
        image = inside[0] * (1 - inside[1]) * (1 + random.uniform(0.2, 0.5) * np.cos(np.arctan2(v, u) - random.uniform(0, 6.28)))
    elif kind == "shell":
        hollow, off = random.uniform(0.7, 0.85) * radius, random.uniform(-0.08, 0.08) * radius
        image = chord(radius, r) - chord(hollow, np.hypot(u - off, v))
    elif kind == "pair":
        one = random.uniform(0.4, 0.55) * radius
        other = random.uniform(0.6, 1) * one
        image = chord(one, np.hypot(u - (radius - one), v)) + chord(other, np.hypot(u + (radius - other), v))
    else:
        core, off = random.uniform(0.35, 0.5) * radius, random.uniform(0.1, 0.4) * radius
        image = chord(radius, r) + random.uniform(1, 3) * chord(core, np.hypot(u - off, v - off / 2))
    return np.maximum(filtered(np.maximum(image, 0), np.exp(-2 * (np.pi * 0.5) ** 2 * squared_frequency())), 0)


def squared_frequency():
    return np.fft.fftfreq(SQUARE)[:, None] ** 2 + np.fft.fftfreq(SQUARE) ** 2


def filtered(image, weight):
    return np.fft.ifft2(np.fft.fft2(image) * weight).real


def particle(random, kind, stop):
    """The first zero of its transform lies inside the stop. A weak smooth phase, 0.1 to 0.5 rad rms."""
    first_zero = (0.765 if kind in ("ring", "shell") else 1.22) * SIZE / stop  # times the diameter: J0 and J1
    image = shape(random, kind, min(random.uniform(1, 1.25) * first_zero / 2, 0.36 * SQUARE))
    length = random.uniform(8, 16)
    phase = filtered(random.normal(size=(SQUARE, SQUARE)), np.exp(-((np.pi * length) ** 2) / 2 * squared_frequency()))
    return image * np.exp(1j * random.uniform(0.1, 0.5) * phase / phase.std())


def spectrum(image):
    whole, edge = np.zeros((SIZE, SIZE), complex), (SIZE - SQUARE) // 2
    whole[edge : edge + SQUARE, edge : edge + SQUARE] = image
    return np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(whole)))


def generate(path, count, seed):
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE // 2
    with h5py.File(path, "w") as file:
        patterns = file.create_dataset("patterns", (count, SIZE, SIZE), np.float32)
        objects = file.create_dataset("objects", (count, SQUARE, SQUARE), np.complex64)
        for i in range(count):
            random, stop = np.random.default_rng([seed, i]), 4 + i // len(KINDS) % 7
            objects[i] = image = particle(random, KINDS[i % len(KINDS)], stop)
            intensity = np.abs(spectrum(image)) ** 2
            counts = random.poisson(PHOTONS * intensity / intensity.sum()).astype(np.float32)
            counts[np.hypot(y, x) <= stop] = np.nan
            patterns[i] = counts


def correlation(image, truth, measured):
    """Largest |correlation| of two transforms over translations (quarters of a pixel) and the twin, over some pixels."""
    a, b = spectrum(image) * measured, spectrum(truth) * measured
    a, b = a / max(np.linalg.norm(a), 1e-30), b / np.linalg.norm(b)
    fine = 4 * SIZE
    return max(np.abs(np.fft.ifft2(np.conj(x) * b, (fine, fine))).max() * fine**2 for x in (a, np.conj(a)))


def judge(path, results):
    """Right: real-space error 1 - |correlation|^2 of the whole image below 0.05."""
    with h5py.File(path) as data, h5py.File(results) as out:
        frames = out["frames"][:] if "frames" in out else range(len(out["objects"]))
        right, seen = {kind: [] for kind in KINDS}, []
        for place, frame in enumerate(frames):
            image, truth = out["objects"][place], data["objects"][frame]
            whole = correlation(image, truth, np.ones((SIZE, SIZE)))
            seen.append(correlation(image, truth, np.isfinite(data["patterns"][frame])))
            right[KINDS[frame % len(KINDS)]].append(1 - whole**2 < 0.05)
            print(f"{frame:4d} {KINDS[frame % len(KINDS)]:5s} correlation {whole:.3f}, over measured pixels alone {seen[-1]:.3f}")
        for kind, flags in right.items():
            print(f"{kind}: {sum(flags)} of {len(flags)} right")
        flags = sum(right.values(), [])
        print(f"all: {sum(flags)} of {len(flags)} right; over measured pixels alone {np.mean(np.array(seen) > 0.9):.2f} above 0.9")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("data")
    arguments.add_argument("--count", type=int, default=28)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--results")
    words = arguments.parse_args()
    if words.results:
        judge(words.data, words.results)
    else:
        generate(words.data, words.count, words.seed)


if __name__ == "__main__":
    main()
