# _socket through the socket module: pairs, servers, timeouts, ancillary data, addresses, names.
import array
import errno
import gc
import os
import socket
import struct
import sys
import tempfile
import warnings

import _socket


def raises(kind, call, *args, text=None, **kwargs):
    try:
        call(*args, **kwargs)
    except kind as error:
        if text is not None:
            assert str(error) == text, str(error)
        return error
    raise AssertionError(f"{kind.__name__} not raised")


# ---- pairs ----
a, b = socket.socketpair()
with a, b:
    assert a.family == socket.AF_UNIX and a.type == socket.SOCK_STREAM and a.proto == 0
    assert not os.get_inheritable(a.fileno())
    assert a.send(b"abc") == 3 and b.recv(10) == b"abc"
    a.sendall(bytes(5000))
    got = 0
    while got < 5000:
        got += len(b.recv(5000 - got))
    room = bytearray(8)
    a.send(b"xyz")
    assert b.recv_into(room) == 3 and room == b"xyz" + bytes(5)
    a.send(b"12345")
    assert b.recv_into(room, 2) == 2 and room[:3] == b"12z"
    assert b.recvfrom(9)[0] == b"345"
    a.send(b"q")
    assert b.recvfrom_into(room, flags=socket.MSG_PEEK)[0] == 1
    assert b.recv(1) == b"q"
    # Waiting.
    b.settimeout(0.01)
    assert b.gettimeout() == b.timeout == 0.01 and b.getblocking()
    raises(TimeoutError, b.recv, 1, text="timed out")
    b.setblocking(False)
    assert b.gettimeout() == 0.0 and not b.getblocking()
    raises(BlockingIOError, b.recv, 1)
    b.settimeout(None)
    assert b.gettimeout() is None
    raises(ValueError, b.settimeout, -1, text="Timeout value out of range")
    raises(ValueError, b.settimeout, float("nan"))
    raises(TypeError, b.settimeout, "1")
    raises(OverflowError, b.settimeout, 1e30)
    # Descriptors travel beside the data.
    r, w = os.pipe()
    assert a.sendmsg([b"one", b"two"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [r]))]) == 6
    data, ancillary, flags, address = b.recvmsg(100, socket.CMSG_SPACE(4))
    assert data == b"onetwo" and len(ancillary) == 1 and not flags & socket.MSG_CTRUNC
    level, kind, fds = ancillary[0]
    assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
    (other,) = struct.unpack("i", fds)
    os.write(w, b"through")
    assert os.read(other, 20) == b"through"
    for fd in (r, w, other):
        os.close(fd)
    parts = [bytearray(2), memoryview(bytearray(5))]
    a.send(b"abcdef")
    count, ancillary, flags, address = b.recvmsg_into(parts)
    assert count == 6 and ancillary == [] and parts[0] == b"ab" and bytes(parts[1]) == b"cdef\0"
    raises(TypeError, b.recvmsg_into, [b"x"],
           text="recvmsg_into() argument 1 must be an iterable of single-segment read-write buffers")
    raises(TypeError, a.sendmsg, 1, text="sendmsg() argument 1 must be an iterable")
    raises(TypeError, a.sendmsg, [b"x"], [(1, 2)],
           text="[sendmsg() ancillary data items]() argument must be tuple of length 3, not 2")
    # Wrong arguments.
    raises(ValueError, b.recv, -1, text="negative buffersize in recv")
    raises(ValueError, b.recv_into, room, 9, text="buffer too small for requested bytes")
    raises(ValueError, b.recvfrom_into, room, 9, text="nbytes is greater than the length of the buffer")
    raises(TypeError, b.recv_into, b"x")
    raises(TypeError, a.send, "text", text="a bytes-like object is required, not 'str'")
    raises(TypeError, a.sendto, b"x", text="sendto() takes 2 or 3 arguments (1 given)")
    raises(TypeError, b.recv, text="recv() takes at least 1 argument (0 given)")
    raises(AttributeError, setattr, _socket.socket(), "family", 1)
    a.shutdown(socket.SHUT_WR)
    assert b.recv(1) == b""
assert a.fileno() == -1
raises(OSError, a.recv, 1)

# ---- a server ----
for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    try:
        server = socket.socket(family)
        server.bind((host, 0))
    except OSError:
        continue
    with server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        assert server.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) != 0
        server.listen()
        name = server.getsockname()
        assert name[0] == host and len(name) == (2 if family == socket.AF_INET else 4)
        with socket.create_connection(name[:2], timeout=5) as client:
            connection, address = server.accept()
            with connection:
                assert address == client.getsockname() and connection.getpeername() == address
                assert client.gettimeout() == 5.0 and connection.gettimeout() is None
                client.sendall(b"ping")
                with connection.makefile("rwb") as stream:
                    assert stream.read(4) == b"ping"
                    stream.write(b"pong\n")
                    stream.flush()
                assert client.recv(10) == b"pong\n"
        port = name[1]
    with socket.socket(family) as late:
        assert late.connect_ex((host, port)) == errno.ECONNREFUSED
        raises(ConnectionRefusedError, late.connect, (host, port))

with socket.socket() as s:
    raises(TypeError, s.connect, "x", text="connect(): AF_INET address must be tuple, not str")
    raises(TypeError, s.connect, ("x",), text="AF_INET address must be a pair (host, port)")
    raises(OverflowError, s.connect, ("127.0.0.1", 70000), text="connect(): port must be 0-65535.")
    raises(TypeError, s.connect, (None, 1), text="str, bytes or bytearray expected, not NoneType")
    raises(OSError, s.getsockopt, 1, 2, 5000, text="getsockopt buflen out of range")
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert struct.unpack("ii", s.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)) == (1, 0)
    fd = s.detach()
    assert s.fileno() == -1
with socket.socket(fileno=fd) as again:
    assert (again.family, again.type) == (socket.AF_INET, socket.SOCK_STREAM)
raises(ValueError, socket.socket, fileno=-1, text="negative file descriptor")

# Datagrams, and names in the file system.
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(path)
        assert receiver.getsockname() == path
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            assert sender.sendto(b"data", path) == 4
            assert sender.sendto(b"more", 0, path.encode()) == 4
            assert receiver.recvfrom(10) == (b"data", None) or sys.platform != "linux"
        raises(OSError, receiver.connect, "x" * 200, text="AF_UNIX path too long")
if sys.platform == "linux":
    with socket.socket(socket.AF_UNIX) as hidden:
        hidden.bind(b"\0taipan-%d" % os.getpid())
        assert hidden.getsockname() == b"\0taipan-%d" % os.getpid()
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two:
    one.bind(("127.0.0.1", 0))
    two.sendto(b"hello", one.getsockname())
    data, address = one.recvfrom(100)
    assert data == b"hello" and address == ("127.0.0.1", two.getsockname()[1])

# ---- conversions ----
assert socket.htons(0x1234) == socket.ntohs(0x1234) == (0x3412 if sys.byteorder == "little" else 0x1234)
assert socket.htonl(1) == socket.ntohl(1)
raises(OverflowError, socket.htons, 1 << 16, text="Python int too large for C uint16_t")
raises(ValueError, socket.htonl, -1, text="Cannot convert negative int")
assert socket.inet_aton("1.2.3.4") == b"\1\2\3\4" and socket.inet_aton("1.2") == b"\1\0\0\2"
assert socket.inet_ntoa(b"\x7f\0\0\1") == "127.0.0.1"
raises(OSError, socket.inet_aton, "x", text="illegal IP address string passed to inet_aton")
raises(OSError, socket.inet_ntoa, b"x", text="packed IP wrong length for inet_ntoa")
assert socket.inet_pton(socket.AF_INET6, "::1") == bytes(15) + b"\1"
assert socket.inet_ntop(socket.AF_INET6, b"\x20\x01" + bytes(13) + b"\1") == "2001::1"
raises(ValueError, socket.inet_ntop, socket.AF_INET, b"x", text="invalid length of packed IP address string")
raises(ValueError, socket.inet_ntop, 99, b"x", text="unknown address family 99")
assert socket.CMSG_LEN(0) <= socket.CMSG_SPACE(0) < socket.CMSG_SPACE(1)
raises(OverflowError, socket.CMSG_LEN, -1, text="CMSG_LEN() argument out of range")

# ---- names ----
assert socket.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM) == [
    (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", 80))]
raises(socket.gaierror, socket.getaddrinfo, None, None)
raises(TypeError, socket.getaddrinfo, 1, 2, text="getaddrinfo() argument 1 must be string or None")
raises(OSError, socket.getaddrinfo, None, 1.5, text="Int or String expected")
assert socket.getnameinfo(("127.0.0.1", 80), socket.NI_NUMERICHOST | socket.NI_NUMERICSERV) == ("127.0.0.1", "80")
raises(TypeError, socket.getnameinfo, 1, 2, text="getnameinfo() argument 1 must be a tuple")
assert socket.gethostbyname("127.0.0.1") == "127.0.0.1" and socket.gethostbyname("") == "0.0.0.0"
assert socket.gethostbyname("<broadcast>") == "255.255.255.255"
assert isinstance(socket.gethostname(), str)
raises(OSError, socket.getservbyname, "no such service", text="service/proto not found")
raises(OverflowError, socket.getservbyport, -1, text="getservbyport: port must be 0-65535.")
raises(OSError, socket.getprotobyname, "no such protocol", text="protocol not found")
for index, interface in socket.if_nameindex():
    assert socket.if_nametoindex(interface) == index and socket.if_indextoname(index) == interface
raises(OSError, socket.if_nametoindex, "nonexistent")
raises(OverflowError, socket.if_indextoname, 1 << 40)

# ---- defaults, errors, the finaliser ----
assert socket.getdefaulttimeout() is None
socket.setdefaulttimeout(3)
with socket.socket() as s:
    assert s.gettimeout() == 3.0
socket.setdefaulttimeout(None)
raises(ValueError, socket.setdefaulttimeout, -1)
assert socket.error is OSError and socket.timeout is TimeoutError
assert issubclass(socket.herror, OSError) and issubclass(socket.gaierror, OSError)
assert repr(_socket.socket.__new__(_socket.socket)) == "<socket object, fd=-1, family=0, type=0, proto=0>"
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    s = socket.socket()
    fd = s.fileno()
    text = repr(s)
    del s
    gc.collect()
assert [str(w.message) for w in caught] == [f"unclosed {text}"] and caught[0].category is ResourceWarning
raises(OSError, os.fstat, fd)


class Index:
    def __init__(self, sock):
        self.sock = sock

    def __index__(self):
        self.sock.close()
        return 1


# Closing a socket from inside an argument.
a, b = socket.socketpair()
raises(OSError, a.recv, Index(a))
b.close()
