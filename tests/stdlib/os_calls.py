# System calls through os: files, folders, descriptors, processes, and the records they give.
import errno
import os
import pathlib
import stat
import sys
import tempfile


def raises(kind, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} not raised")


def says(text, kind, function, *args, **kwargs):
    error = raises(kind, function, *args, **kwargs)
    assert str(error) == text, str(error)


# Records.
st = os.stat_result(range(10))
assert st.st_atime == 7 and st.st_blksize is None and len(st) == 10
assert repr(st) == ("os.stat_result(st_mode=0, st_ino=1, st_dev=2, st_nlink=3, st_uid=4, st_gid=5, st_size=6, "
                    "st_atime=7, st_mtime=8, st_ctime=9)")
assert os.stat_result.n_fields >= 16 and os.stat_result.n_sequence_fields == 10 and os.stat_result.n_unnamed_fields == 3
assert os.stat_result.__match_args__ == ("st_mode", "st_ino", "st_dev", "st_nlink", "st_uid", "st_gid", "st_size")
says("os.stat_result() takes an at least 10-sequence (2-sequence given)", TypeError, os.stat_result, (1, 2))
says("constructor requires a sequence", TypeError, os.stat_result, 5)
assert os.terminal_size((80, 24)).columns == 80
assert os.sched_param(3).sched_priority == 3
cls, state = os.terminal_size((1, 2)).__reduce__()
assert cls is os.terminal_size and state == ((1, 2), {})

# Paths as arguments.
says("stat: path should be string, bytes, os.PathLike or integer, not NoneType", TypeError, os.stat, None)
says("mkdir: path should be string, bytes or os.PathLike, not int", TypeError, os.mkdir, 1)
says("stat: embedded null character in path", ValueError, os.stat, "a\0")
says("stat: cannot use fd and follow_symlinks together", ValueError, os.stat, 1, follow_symlinks=False)
says("stat: can't specify dir_fd without matching path", ValueError, os.stat, 1, dir_fd=3)
says("argument should be integer or None, not str", TypeError, os.stat, "x", dir_fd="a")
says("fd is greater than maximum", OverflowError, os.stat, 10**20)
says("expected str, bytes or os.PathLike object, not int", TypeError, os.fspath, 1)
error = raises(FileNotFoundError, os.stat, pathlib.Path("no such file"))
assert (error.errno, error.filename) == (errno.ENOENT, "no such file")
error = raises(FileNotFoundError, os.rename, "no such", "file")
assert str(error) == "[Errno 2] No such file or directory: 'no such' -> 'file'"

with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "file")
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    assert not os.get_inheritable(fd)
    assert os.write(fd, b"hello world") == 11
    assert os.lseek(fd, 6, os.SEEK_SET) == 6
    assert os.read(fd, 100) == b"world"
    assert os.pread(fd, 5, 0) == b"hello" and os.pwrite(fd, b"J", 0) == 1
    assert os.writev(fd, [b"!", bytearray(b"?")]) == 2
    buffers = [bytearray(3), bytearray(4)]
    os.lseek(fd, 0, os.SEEK_SET)
    assert os.readv(fd, buffers) == 7 and buffers == [bytearray(b"Jel"), bytearray(b"lo w")]
    os.ftruncate(fd, 4)
    assert os.fstat(fd).st_size == 4 and stat.S_ISREG(os.fstat(fd).st_mode)
    os.fsync(fd)
    copy = os.dup(fd)
    os.close(copy)
    says("[Errno 9] Bad file descriptor", OSError, os.close, copy)
    os.set_inheritable(fd, True)
    assert os.get_inheritable(fd)
    os.close(fd)

    os.utime(path, (1, 2.5))
    assert os.stat(path).st_mtime == 2.5 and os.stat(path).st_atime_ns == 10**9
    os.utime(path, ns=(3, 10**9 + 4))
    assert (os.stat(path).st_atime_ns, os.stat(path).st_mtime_ns) == (3, 10**9 + 4)
    says("utime: 'ns' must be a tuple of two ints", TypeError, os.utime, path, ns=5)
    os.chmod(path, 0o640)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o640
    assert os.access(path, os.R_OK) and not os.access(path + "x", os.F_OK)

    os.symlink("file", os.path.join(folder, "link"))
    assert os.readlink(os.path.join(folder, "link")) == "file"
    assert os.readlink(os.fsencode(folder) + b"/link") == b"file"
    assert stat.S_ISLNK(os.lstat(os.path.join(folder, "link")).st_mode)
    os.link(path, os.path.join(folder, "second"))
    assert os.stat(path).st_nlink == 2
    os.mkdir(os.path.join(folder, "inner"))
    assert raises(FileExistsError, os.mkdir, os.path.join(folder, "inner")).errno == errno.EEXIST
    assert sorted(os.listdir(folder)) == ["file", "inner", "link", "second"]
    assert sorted(os.listdir(os.fsencode(folder))) == [b"file", b"inner", b"link", b"second"]

    with os.scandir(folder) as entries:
        found = {entry.name: entry for entry in entries}
    assert found["inner"].is_dir() and found["file"].is_file() and found["link"].is_symlink()
    assert found["link"].is_file() and not found["link"].is_file(follow_symlinks=False)
    assert found["file"].path == path == os.fspath(found["file"])
    assert found["file"].stat() is found["file"].stat() and found["file"].stat().st_size == 4
    assert found["file"].inode() == os.stat(path).st_ino and repr(found["file"]) == "<DirEntry 'file'>"

    # Relative to an open folder.
    dir_fd = os.open(folder, os.O_RDONLY)
    assert os.stat("file", dir_fd=dir_fd) == os.stat(path)
    os.rename("second", "third", src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
    os.unlink("third", dir_fd=dir_fd)
    assert sorted(os.listdir(dir_fd)) == sorted(os.listdir(dir_fd)) == ["file", "inner", "link"]
    here = os.getcwd()
    os.chdir(dir_fd)
    assert os.path.samefile(os.getcwd(), folder) and os.fsdecode(os.getcwdb()) == os.getcwd()
    os.chdir(here)
    os.close(dir_fd)

    # Names that are no UTF-8.
    odd = os.path.join(folder, os.fsdecode(b"\xff"))
    os.close(os.open(odd, os.O_CREAT))
    assert "\udcff" in os.listdir(folder) and b"\xff" in os.listdir(os.fsencode(folder))
    os.remove(odd)
    assert list(os.walk(folder)) == [(folder, ["inner"], list(os.walk(folder))[0][2]),
                                     (os.path.join(folder, "inner"), [], [])]
    os.rmdir(os.path.join(folder, "inner"))
    os.truncate(path, 1)
    assert os.path.getsize(path) == 1

assert os.stat in os.supports_dir_fd and os.scandir in os.supports_fd and os.stat in os.supports_follow_symlinks

# Pipes.
r, w = os.pipe()
assert os.get_blocking(r)
os.set_blocking(r, False)
raises(BlockingIOError, os.read, r, 1)
raises(OSError, os.dup2, w, w, False)
os.close(r), os.close(w)
assert not os.isatty(0) or sys.stdin.isatty()

# The environment.
os.environ["TAIPAN_TEST"] = "a\udcffb"
assert os.environb[b"TAIPAN_TEST"] == b"a\xffb"
del os.environ["TAIPAN_TEST"]
assert os.getenv("TAIPAN_TEST") is None
says("illegal environment variable name", ValueError, os.putenv, "a=b", "c")

# Processes.
assert os.getpid() > 0 and os.getppid() > 0 and os.getuid() == os.geteuid()
pid = os.fork()
if pid == 0:
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
pid = os.posix_spawn("/bin/sh", ["sh", "-c", "exit $CODE"], {"CODE": "3"})
done, status, usage = os.wait4(pid, 0)
assert done == pid and os.WIFEXITED(status) and os.WEXITSTATUS(status) == 3 and usage.ru_maxrss >= 0
r, w = os.pipe()
pid = os.posix_spawnp("echo", ["echo", "spawned"], os.environ,
                      file_actions=[(os.POSIX_SPAWN_DUP2, w, 1), (os.POSIX_SPAWN_CLOSE, r)])
os.close(w)
assert os.read(r, 100) == b"spawned\n"
os.close(r)
os.waitpid(pid, 0)
assert raises(FileNotFoundError, os.posix_spawn, "no such program", ["x"], {}).filename == "no such program"
assert os.system("exit 2") == 2 << 8
says("execv() arg 2 must not be empty", ValueError, os.execv, "x", [])
raises(ChildProcessError, os.waitpid, -1, 0)

# Facts.
assert os.uname().sysname and os.cpu_count() > 0 and len(os.times()) == 5
assert os.sysconf("SC_PAGESIZE") == os.sysconf(os.sysconf_names["SC_PAGESIZE"]) > 0
says("unrecognized configuration name", ValueError, os.sysconf, "SC_NOTHING")
assert os.strerror(errno.ENOENT) == "No such file or directory"
assert len(os.urandom(16)) == 16 and os.urandom(16) != os.urandom(16)
assert os.statvfs("/").f_bsize > 0
assert os.sched_getaffinity(0) <= set(range(4096))
assert os.path.normpath("a//b/./../c") == "a/c" and os.path.normpath("///x") == "/x" and os.path.normpath("//x") == "//x"
assert os.path.normpath("../../a/..") == "../.." and os.path.normpath(b"") == b"."
assert os.path.splitroot("//a/b") == ("", "//", "a/b") and os.path.splitroot(b"/a") == (b"", b"/", b"a")

# Fork hooks.
calls = []
os.register_at_fork(before=lambda: calls.append("before"), after_in_parent=lambda: calls.append("parent"),
                    after_in_child=lambda: calls.append("child"))
os.register_at_fork(before=lambda: calls.append("before 2"))
pid = os.fork()
if pid == 0:
    os._exit(0 if calls == ["before 2", "before", "child"] else 1)
assert os.waitpid(pid, 0)[1] == 0 and calls == ["before 2", "before", "parent"]
