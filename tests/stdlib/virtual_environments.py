"""venv and ensurepip: an environment is made, its python knows where it is, the bundled pip is found."""

import ensurepip
import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from importlib import resources

# Data files of packages are resources.
scripts = resources.files("venv") / "scripts"
assert scripts.is_dir() and not scripts.is_file()
names = sorted(path.name for path in (scripts / "common").iterdir())
assert {"activate", "activate.fish", "Activate.ps1"} <= set(names), names
text = (scripts / "common" / "activate").read_text()
assert "VIRTUAL_ENV" in text
with (scripts / "common" / "activate").open("rb") as stream:
    assert stream.read().decode() == text
assert not (scripts / "no_such_file").is_file()
with resources.as_file(scripts) as folder:
    assert os.path.isfile(os.path.join(folder, "common", "activate"))
if sys.implementation.name == "taipan":
    assert (resources.files("ensurepip") / "_bundled").is_dir()
    assert ensurepip.version()[0].isdigit()
    with resources.as_file(resources.files("ensurepip") / "_bundled") as folder:
        (wheel,) = os.listdir(folder)
        assert wheel.startswith(f"pip-{ensurepip.version()}-")

# Tags of wheels are made of these.
assert sysconfig.get_platform().startswith(sys.platform)
suffix = sysconfig.get_config_var("EXT_SUFFIX")
assert suffix.startswith(f".{sysconfig.get_config_var('SOABI')}") and suffix.endswith(".so")

with tempfile.TemporaryDirectory() as folder:
    folder = os.path.realpath(folder)
    place = os.path.join(folder, "env")
    venv.create(place, symlinks=True, with_pip=False)
    with open(os.path.join(place, "pyvenv.cfg")) as stream:
        settings = dict(line.strip().split(" = ", 1) for line in stream)
    assert settings["include-system-site-packages"] == "false"
    assert settings["version"] == "%d.%d.%d" % sys.version_info[:3]
    for script in ["activate", "activate.csh", "activate.fish", "Activate.ps1"]:
        with open(os.path.join(place, "bin", script)) as stream:
            assert "__VENV_" not in stream.read(), script
    python = os.path.join(place, "bin", "python")
    program = """if True:
        import sys, sysconfig
        print(sys.prefix)
        print(sys.base_prefix)
        print(sysconfig.get_path("purelib"))
        print(sys.path[-1])
        print(sys.executable)
    """
    made = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
    prefix, base, library, last, executable = made.stdout.splitlines()
    assert prefix == place and base == sys.base_prefix, made.stdout
    assert library == last and library.startswith(place), made.stdout
    assert executable == python
    assert os.path.isdir(library)

    # An environment made from the first one, with a copy of the executable, has the same base.
    other = os.path.join(folder, "other")
    program = f"import venv; venv.create({other!r}, symlinks=False, with_pip=False)"
    subprocess.run([python, "-c", program], check=True)
    program = "import sys; print(sys.prefix); print(sys.base_prefix)"
    command = [os.path.join(other, "bin", "python3"), "-c", program]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    assert made.stdout.splitlines() == [other, sys.base_prefix], made.stdout
