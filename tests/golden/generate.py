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
    import scipy.optimize  # noqa: F401 (metrics.py)
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from iterations import write_iterations
from metrics import write_comparison, write_confidence, write_pattern_metrics, write_resolution
from unwrapping import write_unwrap


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
