"""The name under which `sysconfig` looks for the build variables on this platform."""

from _taipan_build_vars import build_time_vars
