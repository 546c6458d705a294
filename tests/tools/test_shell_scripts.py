"""The shell scripts on machines that lack something: each says in one sentence what, and none ends in silence."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"
# Of the real system; what is not listed here (sudo, a compiler, cmake, dpkg, apt) is there only when a test puts it there.
SYSTEM = ("awk bash cat comm cp cut df dirname env grep head id mkdir mktemp nproc printf realpath rm sed sort tail tar tee touch tr "
          "uname").split()
PACKAGES = "g++ cmake libzmq3-dev python3-h5py".split()


class Machine:
    """A PATH with a few programs on it."""

    def __init__(self, folder):
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        for name in SYSTEM:
            (self.bin / name).symlink_to(shutil.which(name, path="/usr/bin:/bin"))

    def put(self, name, script):
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text("#!/bin/bash\n" + script + "\n")
        path.chmod(0o755)

    def run(self, *command, **environment):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=60, cwd=self.folder,
                              env={"PATH": str(self.bin), "HOME": str(self.folder), **environment})
        return done.returncode, done.stdout + done.stderr

    def shell(self, script, **environment):
        return self.run("bash", "-c", f"set -euo pipefail; me=here; source {TOOLS}/common.sh; {script}", **environment)


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.fixture
def debian(machine):
    """Debian with some packages, a root who may install the others, and a log of what apt-get was asked for."""
    machine.put("id", "echo 0")
    (machine.folder / "installed").write_text("".join(f"ii {name}\n" for name in PACKAGES))
    machine.put("dpkg-query", f"cat {machine.folder}/installed; exit 1")
    machine.put("apt-get", f"""
echo "$@" >>{machine.folder}/apt
[[ " $* " != *" install "* ]] || for word in "$@"; do echo "ii $word"; done >>{machine.folder}/installed""")
    return machine


def asked_of_apt(machine):
    log = machine.folder / "apt"
    return log.read_text().splitlines() if log.exists() else []


def setup_for(machine, os_release):
    """tools/setup as it is on a machine whose /etc/os-release has this text."""
    tools = machine.folder / "tools"
    tools.mkdir()
    shutil.copy(TOOLS / "common.sh", tools)
    text = (TOOLS / "setup").read_text()
    assert text.count("/etc/os-release") == 1
    (tools / "setup").write_text(text.replace("/etc/os-release", str(machine.folder / "os-release")))
    (machine.folder / "os-release").write_text(os_release)
    return tools / "setup"


def test_setup_installs_what_is_missing_and_nothing_else(debian):
    code, said = debian.run("bash", TOOLS / "setup")
    assert code == 0 and "setup: done" in said, said
    update, install = asked_of_apt(debian)
    assert update.endswith("update") and " install " in install
    words = install.split()
    assert "libtorch-dev" in words and "ninja-build" in words
    assert not set(PACKAGES) & set(words)


def test_setup_run_again_asks_apt_for_nothing(debian):
    assert debian.run("bash", TOOLS / "setup")[0] == 0
    (debian.folder / "apt").unlink()
    code, said = debian.run("bash", TOOLS / "setup")
    assert code == 0 and re.search(r"all \d+ packages are there", said), said
    assert asked_of_apt(debian) == []


def test_setup_says_what_it_could_not_install(debian):
    debian.put("apt-get", "exit 0")
    code, said = debian.run("bash", TOOLS / "setup")
    assert code == 1 and "setup: still missing:" in said and "libtorch-dev" in said, said


@pytest.mark.parametrize("apt_says, sentence", [
    ("W: Failed to fetch the list  Temporary failure resolving 'mirror'", "no network"),
    ("E: You don't have enough free space in /var/cache/apt/archives/.", "the disk is full"),
    ("dpkg: error processing archive: No space left on device", "the disk is full"),
    ("E: Could not get lock /var/lib/dpkg/lock-frontend", "another program is installing packages"),
    ("E: Unable to locate package libtorch-dev", "lack libtorch-dev"),
    ("E: Package 'libtorch-dev' has no installation candidate", "lack libtorch-dev"),
    ("E: something new", "apt-get failed"),
])
def test_setup_says_why_apt_failed(debian, apt_says, sentence):
    debian.put("apt-get", f"""echo "{apt_says}"; [[ " $* " != *" install "* ]] || exit 100""")
    code, said = debian.run("bash", TOOLS / "setup")
    last = said.splitlines()[-1]
    assert code == 1 and last.startswith("setup: ") and sentence in last, said


def test_setup_without_root_and_sudo_names_the_packages(debian):
    debian.put("id", "echo 1000")
    code, said = debian.run("bash", TOOLS / "setup")
    assert code == 1 and len(said.splitlines()) == 1 and "not root and no sudo" in said and "ninja-build" in said, said
    assert asked_of_apt(debian) == []


def test_setup_uses_sudo_where_there_is_one(debian):
    debian.put("id", "echo 1000")
    debian.put("sudo", f'echo "sudo $*" >>{debian.folder}/sudo; exec "$@"')
    code, said = debian.run("bash", TOOLS / "setup")
    assert code == 0 and "apt-get" in (debian.folder / "sudo").read_text(), said


def test_setup_does_not_begin_on_a_full_disk(debian):
    debian.put("df", "echo header; echo '/dev/x 1000 900 100000 90% /'")
    code, said = debian.run("bash", TOOLS / "setup")
    assert code == 1 and "the disk is full" in said.splitlines()[-1] and "97 MB left" in said, said
    assert asked_of_apt(debian) == []


def test_setup_elsewhere_than_on_debian_names_what_is_needed(machine):
    code, said = machine.run("bash", TOOLS / "setup")
    assert code == 1 and len(said.splitlines()) == 1 and "not Debian or Ubuntu" in said and "libtorch-dev" in said, said


@pytest.mark.parametrize("os_release, code", [
    ('ID=debian\nVERSION_ID="11"\nPRETTY_NAME="Debian GNU/Linux 11 (bullseye)"\n', 1),
    ('ID=ubuntu\nVERSION_ID="22.04"\nPRETTY_NAME="Ubuntu 22.04.5 LTS"\n', 1),
    ('ID=ubuntu\nVERSION_ID="24.04"\n', 0),
    ('ID=debian\nVERSION_ID="13"\n', 0),
    ('ID=debian\nPRETTY_NAME="Debian GNU/Linux forky/sid"\n', 0),
])
def test_setup_refuses_what_is_too_old(debian, os_release, code):
    got, said = debian.run("bash", setup_for(debian, os_release))
    assert got == code, said
    if code == 1:
        name = re.search('PRETTY_NAME="(.*)"', os_release).group(1)
        assert said.startswith(f"setup: {name} is too old: ") and len(said.splitlines()) == 1
        assert asked_of_apt(debian) == []


@pytest.mark.parametrize("script", ["setup", "demo", "test", "fresh"])
def test_a_wrong_word_is_named_with_exit_2(debian, script):
    code, said = debian.run("bash", TOOLS / script, "--such")
    assert code == 2 and "--such" in said.splitlines()[-1], said


def test_fresh_without_root_says_so(machine):
    machine.put("id", "echo 1000")
    code, said = machine.run("bash", TOOLS / "test", "--fresh", "trixie")
    assert code == 2 and "needs root" in said and "sudo tools/test --fresh trixie" in said, said


def test_a_failed_build_shows_its_first_error_and_the_log(machine):
    machine.put("c++", "exit 0")
    machine.put("cmake", """
[ "$1" = --build ] || exit 0
echo "[1/9] Building a"
for i in {1..40}; do echo "/there/a.cpp:$i:1: note: nothing"; done
echo "/there/a.cpp:27:1: error: the first"
echo "/there/b.cpp:28:1: error: the second"
for i in {1..40}; do echo "/there/c.cpp:$i:1: note: nothing"; done
echo "ninja: build stopped: subcommand failed."
exit 1""")
    code, said = machine.shell("build release all")
    assert code == 1 and "a.cpp:27:1: error: the first" in said, said
    assert said.splitlines()[-1] == "here: the build failed; its first error stands above, all of it in build/release.log"
    assert "ninja: build stopped" in (machine.folder / "build/release.log").read_text()


@pytest.mark.parametrize("compiler_says, sentence", [
    ("c++: fatal error: Killed signal terminated program cc1plus", "lack of memory"),
    ("a.cpp: error: error writing to /tmp/x.s: No space left on device", "the disk is full"),
])
def test_a_build_that_the_machine_ended_says_so(machine, compiler_says, sentence):
    machine.put("c++", "exit 0")
    machine.put("cmake", f'[ "$1" = --build ] || exit 0; echo "{compiler_says}"; exit 1')
    code, said = machine.shell("build release all")
    assert code == 1 and sentence in said.splitlines()[-1], said


def test_a_failed_configuration_shows_its_first_error(machine):
    machine.put("c++", "exit 0")
    machine.put("cmake", "echo 'CMake Error at cmake/dependencies.cmake:1: Could not find Protobuf'; exit 1")
    code, said = machine.shell("build release all")
    assert code == 1 and "Could not find Protobuf" in said and "configuring the build failed" in said.splitlines()[-1], said


def test_no_compiler_is_said_before_anything_is_configured(machine):
    machine.put("cmake", f"touch {machine.folder}/configured")
    code, said = machine.shell("build release all")
    assert code == 1 and said.startswith("here: no C++ compiler (c++)") and len(said.splitlines()) == 1, said
    code, said = machine.shell("build release all", CXX="/opt/none/g++")
    assert code == 1 and "/opt/none/g++" in said, said
    assert not (machine.folder / "configured").exists()


def test_a_full_disk_is_said_before_the_build(machine):
    machine.put("c++", "exit 0")
    machine.put("df", "echo header; echo '/dev/x 1000 900 100000 90% /'")
    code, said = machine.shell("build release all")
    assert code == 1 and "the disk is full: the build needs" in said and "97 MB left" in said, said


def test_a_script_that_breaks_anywhere_says_what_it_was_doing(machine):
    for breaks in ("false", "set_by=$(exit 3); echo unreached", "f() { false; }; f; echo unreached", "true | false"):
        code, said = machine.shell(f"doing='counting sheep'; {breaks}")
        assert code != 0 and said == f"here: failed while counting sheep (exit code {code})\n", (breaks, said)
    code, said = machine.shell("doing='counting sheep'; die 2 'no sheep'")
    assert (code, said) == (2, "here: no sheep\n")
    assert machine.shell("doing='counting sheep'; exit 0") == (0, "")


def test_as_many_compilers_run_as_cores_and_memory_allow(machine):
    machine.put("nproc", "echo 64")
    code, said = machine.shell("jobs")
    memory = int(re.search(r"MemAvailable: +(\d+)", pathlib.Path("/proc/meminfo").read_text()).group(1))
    assert code == 0 and 1 <= int(said) <= min(64, memory // 1_000_000), said
    machine.put("nproc", "echo 1")
    assert machine.shell("jobs") == (0, "1\n")


def test_every_shell_script_shares_the_way_to_fail():
    scripts = [path for path in TOOLS.rglob("*") if path.is_file() and os.access(path, os.X_OK)
               and path.read_text().startswith("#!/usr/bin/env bash")]
    assert {path.name for path in scripts} >= {"setup", "demo", "test", "fresh", "evaluate-model"}
    for path in scripts:
        text = path.read_text()
        assert "set -euo pipefail\nme=" in text and "common.sh" in text, path
