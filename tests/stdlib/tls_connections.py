"""ssl: handshakes in memory and over sockets, certificates, host names, sessions, closing, asyncio and urllib."""

import _ssl
import asyncio
import http.server
import os
import socket
import ssl
import tempfile
import threading
import urllib.request

# An authority of our own, and a certificate of localhost that it issued.
AUTHORITY = """\
-----BEGIN CERTIFICATE-----
MIIBuzCCAWGgAwIBAgIBATAKBggqhkjOPQQDAjBEMQswCQYDVQQGEwJYWTEVMBMG
A1UECgwMVGFpcGFuIHRlc3RzMR4wHAYDVQQDDBVUYWlwYW4gdGVzdCBhdXRob3Jp
dHkwIBcNMjAwMTAxMDAwMDAwWhgPMjE5OTEyMzEyMzU5NTlaMEQxCzAJBgNVBAYT
AlhZMRUwEwYDVQQKDAxUYWlwYW4gdGVzdHMxHjAcBgNVBAMMFVRhaXBhbiB0ZXN0
IGF1dGhvcml0eTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABC1m/KPaMCG6g7dN
6MyagzRtoauQ+xxn5JLaBQSBqhjOAxel3ZiTYBN1lnO95Eefa9nxTTgYcAZ5qzgE
gMcpAWyjQjBAMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgEGMB0GA1Ud
DgQWBBSjIabaOSnZeK2+T4nupqCObXec4TAKBggqhkjOPQQDAgNIADBFAiEAs0r2
d6nJm75xeGD85xSVB2HRtoF6RGxpGuIWrL246RYCIGEbiw9Y2y4nOaVKy+140mD6
DR7ORQOAeQWMB6UFOH5/
-----END CERTIFICATE-----
"""
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIICjTCCAjSgAwIBAgIDAKvNMAoGCCqGSM49BAMCMEQxCzAJBgNVBAYTAlhZMRUw
EwYDVQQKDAxUYWlwYW4gdGVzdHMxHjAcBgNVBAMMFVRhaXBhbiB0ZXN0IGF1dGhv
cml0eTAgFw0yMDAxMDEwMDAwMDBaGA8yMTk5MTIzMTIzNTk1OVowODELMAkGA1UE
BhMCWFkxFTATBgNVBAoMDFRhaXBhbiB0ZXN0czESMBAGA1UEAwwJbG9jYWxob3N0
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE/PJiNgARkx7bnw/J9okPFQcfXe+7
4qGj+CyxXGpZ0UeU+mUreQ7KmXtvq2QXMBho44nJzxBGoig2bPeNtfpSRaOCAR0w
ggEZMAwGA1UdEwEB/wQCMAAwDgYDVR0PAQH/BAQDAgeAMB0GA1UdJQQWMBQGCCsG
AQUFBwMBBggrBgEFBQcDAjAdBgNVHQ4EFgQUf7zDRgOjY5Zq1nAHaLnFCYQPTdww
HwYDVR0jBBgwFoAUoyGm2jkp2Xitvk+J7qagjm13nOEwZQYDVR0RBF4wXIIJbG9j
YWxob3N0gg0qLnpvby5leGFtcGxlhwR/AAABhxAAAAAAAAAAAAAAAAAAAAABgRJr
ZWVwZXJAem9vLmV4YW1wbGWGFGh0dHBzOi8vem9vLmV4YW1wbGUvMDMGCCsGAQUF
BwEBBCcwJTAjBggrBgEFBQcwAYYXaHR0cDovL3pvby5leGFtcGxlL29jc3AwCgYI
KoZIzj0EAwIDRwAwRAIgMyfiXJ3bPkdyaQiM6/4rjqP/cIJYbbtxamG81LXIaw8C
IHmKJZZeh+JJVoWpUMeAQleIN8Ng/X5x6J3l+TaOZMVJ
-----END CERTIFICATE-----
"""
KEY = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgHrc6GpxLI3tVAppq
7kIvYYICnAR7RFdh7PvkchuIunuhRANCAAT88mI2ABGTHtufD8n2iQ8VBx9d77vi
oaP4LLFcalnRR5T6ZSt5DsqZe2+rZBcwGGjjicnPEEaiKDZs9421+lJF
-----END PRIVATE KEY-----
"""
# The same key; the password is "swordfish".
LOCKED_KEY = """\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgA7GgiO3xHogICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEAxq05HOMrNF+NfA8w6Y38wEgZCK
LxRsmVmgAapTp/aEdmodVfCcsgR59PIen/tOSvGwG7uOPjulkfKALJP/doCZ3H15
6ekCune9IsA1vpkzH6f5smyo/gqeAlTcoRIT+NoX24XFTKJZB32WP0vN7FKZa2RX
HhtbNjKXQUXtgkRkJbAKNFizNC+NgrkcKqruyQnR0MmPbcc7PA2WVKIaYqKbTkw=
-----END ENCRYPTED PRIVATE KEY-----
"""

folder = tempfile.TemporaryDirectory()


def write(name, text):
    path = os.path.join(folder.name, name)
    with open(path, "w") as stream:
        stream.write(text)
    return path


authority_file = write("authority.pem", AUTHORITY)
both_file = write("both.pem", KEY + CERTIFICATE)
certificate_file = write("certificate.pem", CERTIFICATE)
locked_file = write("locked.pem", LOCKED_KEY)


def raises(kind, call, *args, text="", **kwargs):
    try:
        call(*args, **kwargs)
    except kind as error:
        assert text in str(error), error
        return error
    raise AssertionError(f"{kind.__name__} not raised")


def server_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both_file)
    return context


def client_context():
    return ssl.create_default_context(cafile=authority_file)


class Pair:
    """A client and a server in memory."""

    def __init__(self, client=None, server=None, name="localhost", session=None):
        self.client_in, self.client_out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.server_in, self.server_out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = (client or client_context()).wrap_bio(
            self.client_in, self.client_out, server_hostname=name, session=session)
        self.server = (server or server_context()).wrap_bio(self.server_in, self.server_out, server_side=True)

    def carry(self):
        self.server_in.write(self.client_out.read())
        self.client_in.write(self.server_out.read())

    def handshake(self):
        done = set()
        for _ in range(10):
            for end in self.client, self.server:
                try:
                    end.do_handshake()
                    done.add(end)
                except ssl.SSLWantReadError:
                    pass
                self.carry()
            if len(done) == 2:
                return self
        raise AssertionError("no end")


# ---- two ends in memory ----

for version, title in (ssl.TLSVersion.TLSv1_3, "TLSv1.3"), (ssl.TLSVersion.TLSv1_2, "TLSv1.2"):
    client = client_context()
    client.maximum_version = version
    pair = Pair(client)
    assert pair.client.version() is None and pair.client.cipher() is None
    raises(ValueError, pair.client.getpeercert, text="handshake not done yet")
    error = raises(ssl.SSLWantReadError, pair.client.do_handshake, text="The operation did not complete (read)")
    assert error.errno == ssl.SSL_ERROR_WANT_READ and isinstance(error, OSError)
    pair.handshake()
    assert pair.client.version() == pair.server.version() == title
    name, protocol, bits = pair.client.cipher()
    assert pair.server.cipher() == (name, protocol, bits) and bits in (128, 256)
    assert pair.client.compression() is None
    assert pair.client.server_hostname == "localhost" and not pair.client.server_side and pair.server.server_side
    assert pair.client.selected_alpn_protocol() is None
    assert pair.client.cipher() in pair.server.shared_ciphers()

    assert pair.client.write(b"moo") == 3
    raises(ssl.SSLWantReadError, pair.server.read, 10)
    pair.carry()
    assert pair.server.read(2) == b"mo" and pair.server.pending() == 1
    room = bytearray(5)
    assert pair.server.read(5, room) == 1 and room == b"o\0\0\0\0"

    # More than one record, in parts that split records anywhere.
    data = bytes(range(256)) * 300
    view = memoryview(data)
    while view:
        view = view[pair.server.write(view):]
    stream, got = pair.server_out.read(), b""
    for start in range(0, len(stream), 1000):
        pair.client_in.write(stream[start:start + 1000])
        while True:
            try:
                got += pair.client.read(50_000)
            except ssl.SSLWantReadError:
                break
    assert got == data

    # Closing in order; what follows belongs to the program.
    raises(ssl.SSLWantReadError, pair.client.unwrap)
    pair.server_in.write(pair.client_out.read() + b"plain")
    assert pair.server.read(10) == b""
    assert pair.server_in.read() == b"plain"
    pair.server.unwrap()
    raises(ssl.SSLZeroReturnError, pair.server.read, 10)
    raises(ssl.SSLError, pair.server.write, b"x")
    pair.client_in.write(pair.server_out.read())
    pair.client.unwrap()

# An end without closing.
pair = Pair().handshake()
pair.client_in.write_eof()
error = raises(ssl.SSLEOFError, pair.client.read, 1, text="EOF occurred in violation of protocol")
assert error.errno == ssl.SSL_ERROR_EOF and error.reason == "UNEXPECTED_EOF_WHILE_READING"

# What is no record.
pair = Pair()
pair.server_in.write(b"GET / HTTP/1.0\r\n\r\n")
assert raises(ssl.SSLError, pair.server.do_handshake).reason == "HTTP_REQUEST"
pair = Pair()
raises(ssl.SSLWantReadError, pair.client.do_handshake)
pair.client_in.write(b"220 mail.example ESMTP\r\n")
error = raises(ssl.SSLError, pair.client.do_handshake)
assert error.reason == "WRONG_VERSION_NUMBER" and error.library == "SSL"

# ---- certificates ----

pair = Pair().handshake()
info = pair.client.getpeercert()
assert info["subject"] == (
    (("countryName", "XY"),), (("organizationName", "Taipan tests"),), (("commonName", "localhost"),)), info
assert info["issuer"][-1] == (("commonName", "Taipan test authority"),)
assert info["version"] == 3 and info["serialNumber"] == "ABCD"
assert info["notBefore"] == "Jan  1 00:00:00 2020 GMT" and info["notAfter"] == "Dec 31 23:59:59 2199 GMT"
assert info["subjectAltName"] == (
    ("DNS", "localhost"), ("DNS", "*.zoo.example"), ("IP Address", "127.0.0.1"),
    ("IP Address", "0:0:0:0:0:0:0:1"), ("email", "keeper@zoo.example"), ("URI", "https://zoo.example/")), info
assert info["OCSP"] == ("http://zoo.example/ocsp",)
assert ssl.cert_time_to_seconds(info["notBefore"]) == 1577836800
der = pair.client.getpeercert(True)
assert der == ssl.PEM_cert_to_DER_cert(CERTIFICATE)
assert pair.server.getpeercert() is None
sent, = pair.client._sslobj.get_unverified_chain()
assert sent.public_bytes(_ssl.ENCODING_DER) == der and sent.public_bytes() == CERTIFICATE
assert sent.get_info() == info and repr(sent).startswith("<_ssl.Certificate '")
chain = pair.client._sslobj.get_verified_chain()
assert [one.public_bytes() for one in chain] == [CERTIFICATE, AUTHORITY]
assert chain[0] == sent and hash(chain[0]) == hash(sent) and chain[0] != chain[1]

# Names and addresses that it is for, and others.
for name in "LOCALHOST", "lion.zoo.example", "127.0.0.1", "::1":
    Pair(name=name).handshake()
for name, code in ("zoo.example", 62), ("a.b.zoo.example", 62), ("127.0.0.2", 64):
    error = raises(ssl.SSLCertVerificationError, Pair(name=name).handshake, text="certificate verify failed")
    assert error.verify_code == code and repr(name) in error.verify_message, error
    assert error.reason == "CERTIFICATE_VERIFY_FAILED" and isinstance(error, ValueError)

# Nobody vouches for it; nobody needs to.
stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
pair = Pair(stranger)
error = raises(ssl.SSLCertVerificationError, pair.handshake)
assert error.verify_code == 20 and error.verify_message == "unable to get local issuer certificate"
stranger.check_hostname = False
stranger.verify_mode = ssl.CERT_NONE
pair = Pair(stranger, name=None).handshake()
assert pair.client.getpeercert() == {} and pair.client.getpeercert(True) == der

# Trusted as it is.
itself = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
itself.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
itself.load_verify_locations(cadata=CERTIFICATE)
assert itself.cert_store_stats() == {"x509": 1, "crl": 0, "x509_ca": 0} and itself.get_ca_certs() == []
Pair(itself).handshake()

# A server that asks for the client's.
asking = server_context()
asking.verify_mode = ssl.CERT_REQUIRED
asking.load_verify_locations(authority_file)
assert len(asking.get_ca_certs()) == 1 and asking.get_ca_certs(True) == [ssl.PEM_cert_to_DER_cert(AUTHORITY)]
error = raises(ssl.SSLError, Pair(server=asking).handshake)
assert error.reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE"
known = client_context()
known.load_cert_chain(certificate_file, locked_file, password=lambda: b"swordfish")
pair = Pair(known, asking).handshake()
assert pair.server.getpeercert() == info

# ---- loading ----

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
raises(FileNotFoundError, context.load_cert_chain, os.path.join(folder.name, "none"))
raises(TypeError, context.load_cert_chain, 5, text="certfile should be a valid filesystem path")
raises(ssl.SSLError, context.load_cert_chain, certificate_file)
raises(ssl.SSLError, context.load_cert_chain, certificate_file, locked_file, "wrong")
raises(TypeError, context.load_cert_chain, certificate_file, locked_file, lambda: 5, text="must return a string")
raises(ssl.SSLError, context.load_cert_chain, authority_file, write("key", KEY), text="key values mismatch")
context.load_cert_chain(certificate_file, locked_file, "swordfish")
raises(TypeError, context.load_verify_locations, text="cannot be all omitted")
raises(ssl.SSLError, context.load_verify_locations, cadata="words", text="does not contain a certificate")
raises(ValueError, context.load_verify_locations, cadata=b"", text="Empty certificate data")
raises(ssl.SSLError, context.load_verify_locations, write("empty", ""))

# A server without a certificate has nothing to agree on.
bare = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
assert raises(ssl.SSLError, Pair(server=bare).handshake).reason == "NO_SHARED_CIPHER"

# ---- settings ----

context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
assert context.check_hostname and context.verify_mode is ssl.CERT_REQUIRED
raises(ValueError, setattr, context, "verify_mode", ssl.CERT_NONE)
raises(ValueError, context.wrap_bio, ssl.MemoryBIO(), ssl.MemoryBIO(), text="check_hostname requires server_hostname")
raises(ssl.SSLError, context.set_ciphers, "none-such", text="No cipher can be selected.")
context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
names = [row["name"] for row in context.get_ciphers()]
assert "TLS_AES_256_GCM_SHA384" in names and "ECDHE-ECDSA-AES128-GCM-SHA256" in names, names
context.maximum_version = ssl.TLSVersion.TLSv1_2
context.load_verify_locations(authority_file)
assert Pair(context).handshake().client.cipher() == ("ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.2", 128)
newer = server_context()
newer.minimum_version = ssl.TLSVersion.TLSv1_3
assert raises(ssl.SSLError, Pair(context, newer).handshake).reason == "UNSUPPORTED_PROTOCOL"
raises(ValueError, ssl.SSLContext, 99)
raises(ValueError, context.set_ecdh_curve, "foo")
assert ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).session_stats()["accept"] == 0

assert context.post_handshake_auth is None or ssl.HAS_PHA

# Protocols of the application.
for ours, theirs, chosen in (["h2", "http/1.1"], ["http/1.1", "h2"], "http/1.1"), (["a"], ["b"], None), (["a"], [], None):
    client, server = client_context(), server_context()
    client.set_alpn_protocols(ours)
    if theirs:
        server.set_alpn_protocols(theirs)
    pair = Pair(client, server).handshake()
    assert pair.client.selected_alpn_protocol() == pair.server.selected_alpn_protocol() == chosen

# The name that a client asks for chooses the context, or is refused.
calls = []
front, back = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), server_context()


def by_name(end, name, context):
    calls.append(name)
    assert context is front and end is pair.server
    if name == "tiger.zoo.example":
        return ssl.ALERT_DESCRIPTION_ACCESS_DENIED
    end.context = back


front.sni_callback = by_name
pair = Pair(server=front, name="lion.zoo.example")
pair.handshake()
assert calls == ["lion.zoo.example"] and pair.server.context is back
pair = Pair(server=front, name="tiger.zoo.example")
raises(ssl.SSLError, pair.handshake, text="callback failed")
pair.carry()
error = raises(ssl.SSLError, pair.client.do_handshake)
assert error.reason == "TLSV1_ALERT_ACCESS_DENIED"

# Sessions.
for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
    client, server = client_context(), server_context()
    client.maximum_version = version
    pair = Pair(client, server).handshake()
    assert not pair.client.session_reused
    pair.server.write(b"x")
    pair.carry()
    assert pair.client.read(1) == b"x"
    session = pair.client.session
    assert session == pair.client.session and session.has_ticket and session.timeout > 0 and len(session.id) == 32
    pair = Pair(client, server, session=session).handshake()
    assert pair.client.session_reused and pair.server.session_reused
    assert server.session_stats()["hits"] == 1 and server.session_stats()["accept"] == 2
    raises(ValueError, Pair, client_context(), server, session=session, text="different SSLContext")
raises(TypeError, Pair, session=5)

# ---- small things ----

bio = ssl.MemoryBIO()
assert bio.write(bytearray(b"abc")) == 3 and bio.pending == 3 and not bio.eof
assert bio.read(2) == b"ab" and bio.read() == b"c" and bio.read() == b""
bio.write_eof()
assert bio.eof
raises(ssl.SSLError, bio.write, b"x", text="cannot write() after write_eof()")
raises(TypeError, bio.write, "x")
assert ssl.RAND_status() and len(ssl.RAND_bytes(9)) == 9 and ssl.RAND_bytes(9) != ssl.RAND_bytes(9)
raises(ValueError, ssl.RAND_bytes, -1, text="num must be positive")
assert ssl.Purpose.SERVER_AUTH.shortname == "serverAuth" and ssl.Purpose.CLIENT_AUTH.nid == 130
assert _ssl.txt2obj("commonName", name=True) == (13, "CN", "commonName", "2.5.4.3")
raises(ValueError, _ssl.txt2obj, "commonName", text="unknown object 'commonName'")
raises(ValueError, _ssl.nid2obj, -1, text="NID must be positive.")
assert str(ssl.SSLError(1, "foo")) == "foo" and str(ssl.SSLError("a")) == "('a',)"
for kind in _ssl._SSLSocket, _ssl.SSLSession, _ssl.Certificate:
    raises(TypeError, kind)

# ---- over sockets ----

listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
outcome = []


def serve():
    with server_context().wrap_socket(listener, server_side=True) as secure:
        connection, _ = secure.accept()
        with connection:
            connection.sendall(connection.recv(100).upper())
            plain = connection.unwrap()
            plain.sendall(b"in the clear")


thread = threading.Thread(target=serve)
thread.start()
with client_context().wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost") as secure:
    secure.sendall(b"moo")
    assert secure.recv(100) == b"MOO"
    assert secure.recv(100) == b""
    plain = secure.unwrap()
    assert plain.recv(100) == b"in the clear"
    plain.close()
thread.join()

# Waiting has an end.
one, other = socket.socketpair()
one.settimeout(0.05)
raises(TimeoutError, client_context().wrap_socket, one, server_hostname="localhost",
       text="The handshake operation timed out")
other.close()

# Both ends at work at once, on a socket that is full most of the time.
left, right = socket.socketpair()
amount = 1_000_000


def pump(end, out):
    sender = threading.Thread(target=end.sendall, args=(bytes(amount),))
    sender.start()
    got = 0
    while got < amount:
        got += len(end.recv(100_000))
    sender.join()
    out.append(got)


results = []


def far():
    with server_context().wrap_socket(right, server_side=True) as end:
        pump(end, results)


thread = threading.Thread(target=far)
thread.start()
with client_context().wrap_socket(left, server_hostname="localhost") as end:
    pump(end, results)
thread.join()
assert results == [amount, amount]


# ---- under asyncio and urllib ----

async def talk():
    async def answer(reader, writer):
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=server_context())
    port = server.sockets[0].getsockname()[1]

    async def ask(word):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=client_context(), server_hostname="localhost")
        writer.write(word + b"\n")
        got = await reader.read()
        writer.close()
        await writer.wait_closed()
        return got

    words = [b"w%d" % number for number in range(8)]
    assert await asyncio.gather(*map(ask, words)) == [word.upper() + b"\n" for word in words]
    server.close()
    await server.wait_closed()


asyncio.run(talk())


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.path.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


web = http.server.HTTPServer(("127.0.0.1", 0), Handler)
web.socket = server_context().wrap_socket(web.socket, server_side=True)
thread = threading.Thread(target=web.serve_forever)
thread.start()
opener = urllib.request.build_opener(
    urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=client_context()))
with opener.open(f"https://localhost:{web.server_port}/moo") as answer:
    assert answer.read() == b"/moo"
web.shutdown()
thread.join()
web.server_close()
folder.cleanup()
