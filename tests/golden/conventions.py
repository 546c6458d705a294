"""Fourier conventions of the golden data: zero of Q at [m/2, m/2], the object's origin [n/2, n/2] there too; and the particle."""

import numpy as np


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
