#!/usr/bin/python3
"""Draws what flashphase-reconstruct made: pattern, amplitude, phase and, where the data have one, the reference beside it.

Usage: plot_reconstructions.py DATA.h5 RESULTS.h5 OUT.png [--frames 80,92,99]
"""

import argparse
import sys

import h5py
import numpy as np


def aligned(image, reference):
    """`image` or its twin, moved and turned in phase onto the reference; and the size of their correlation."""
    best = None
    for candidate in (image, np.conj(np.roll(image[::-1, ::-1], (1, 1), (0, 1)))):
        correlation = np.fft.ifft2(np.fft.fft2(reference) * np.conj(np.fft.fft2(candidate)))
        y, x = np.unravel_index(np.argmax(np.abs(correlation)), correlation.shape)
        size = np.abs(correlation[y, x]) / np.linalg.norm(reference) / np.linalg.norm(candidate)
        if best is None or size > best[1]:
            best = (np.roll(candidate, (y, x), (0, 1)) * np.exp(1j * np.angle(correlation[y, x])), size)
    return best


def references(data, size):
    """Known objects by frame, their middle of size x size: /reference of measured data or /objects of simulated ones."""
    if "reference" in data:
        edge = (data["reference/object"].shape[1] - size) // 2
        middle = data["reference/object"][:, edge : edge + size, edge : edge + size]
        return dict(zip(data["reference/frame"][:].tolist(), middle))
    return dict(enumerate(data["objects"][:])) if "objects" in data else {}


def masked_phase(image):
    amplitude = np.abs(image)
    return np.where(amplitude > 0.1 * amplitude.max(), np.angle(image), np.nan)


def without_mean_phase(image):
    return image * np.exp(-1j * np.angle(image.sum()))


def places(results):
    """Where each frame of the data lies in the results, which may hold chosen frames (/frames) alone."""
    frames = results["frames"][:].tolist() if "frames" in results else range(len(results["objects"]))
    return {frame: place for place, frame in enumerate(frames)}


def draw(data, results, frames, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    known = references(data, results["objects"].shape[1])
    place = places(results)
    after = results["refined_residual"][:] if "refined_residual" in results else results["residual"][:]
    columns = 5 if known else 3
    figure, axes = pyplot.subplots(len(frames), columns, figsize=(2.2 * columns, 2.3 * len(frames)), squeeze=False)
    for row, frame in zip(axes, frames):
        image = without_mean_phase(results["objects"][place[frame]])
        panels = [(np.log10(1 + np.maximum(data["patterns"][frame], 0)), f"frame {frame}: log10(1 + I)", "viridis", None)]
        title = f"residual {after[place[frame]]:.4f}"
        if frame in known:
            reference = without_mean_phase(known[frame])
            image, size = aligned(image, reference)
            title += f", correlation {size:.3f}"
        panels += [(np.abs(image), title, "gray", None), (masked_phase(image), "phase", "twilight", np.pi)]
        if frame in known:
            panels += [(np.abs(reference), "reference", "gray", None), (masked_phase(reference), "phase", "twilight", np.pi)]
        for axis in row:
            axis.set_axis_off()
        for axis, (values, label, colours, limit) in zip(row, panels):
            axis.imshow(values, cmap=colours, vmin=None if limit is None else -limit, vmax=limit, interpolation="nearest")
            axis.set_title(label, fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("results")
    parser.add_argument("image")
    parser.add_argument("--frames", help="comma-separated; default: eight spread over the file")
    arguments = parser.parse_args()
    with h5py.File(arguments.data) as data, h5py.File(arguments.results) as results:
        known = sorted(places(results))
        spread = [known[i] for i in np.linspace(0, len(known) - 1, min(len(known), 8), dtype=int)]
        frames = [int(f) for f in arguments.frames.split(",")] if arguments.frames else spread
        if missing := [frame for frame in frames if frame not in known]:
            print(f"plot_reconstructions: {arguments.results} has no frame {missing[0]}", file=sys.stderr)
            return 2
        if not results.attrs.get("complete", True):
            print(f"plot_reconstructions: {arguments.results} is partial: {len(known)} of {results.attrs['frames_asked']} frames", file=sys.stderr)
        draw(data, results, frames, arguments.image)
    return 0


if __name__ == "__main__":
    sys.exit(main())
