"""Golden data of unwrapping: Herraez et al. 2002 with sets of pixels instead of a forest."""

import numpy as np

from conventions import single

TURN = 2 * np.pi


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
