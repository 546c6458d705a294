"""Programs that read and write files, run to their end, and what they say when they refuse one."""

import subprocess

from flashphase import BIN

PLAIN = ["--model", "none", "--schedule", "none"]


def program(name, *words, **options):
    """Runs it to its end; exit code and what it said on stderr."""
    result = subprocess.run([BIN / name, *map(str, words)], capture_output=True, text=True, timeout=120, check=False, **options)
    return result.returncode, result.stderr


def reconstruct(*words, **options):
    return program("flashphase-reconstruct", *words, **options)


def refused(code, said, *parts, expected):
    assert code == expected, (code, said)
    assert len(said.strip().splitlines()) == 1, said
    for part in parts:
        assert str(part) in said, said
