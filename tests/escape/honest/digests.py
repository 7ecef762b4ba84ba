# expect: correct
# form: calls
# Hashes, encodings, compression.
import base64
import binascii
import bz2
import gzip
import hashlib
import hmac
import lzma
import zlib


def add(a, b):
    data = repr((a, b)).encode()
    for pack, unpack in ((zlib.compress, zlib.decompress), (gzip.compress, gzip.decompress), (bz2.compress, bz2.decompress),
                         (lzma.compress, lzma.decompress), (base64.b64encode, base64.b64decode)):
        assert unpack(pack(data)) == data
    hmac.new(b"key", data, hashlib.sha256).hexdigest()
    hashlib.md5(data).digest()
    binascii.crc32(data)
    return sum(eval(data.decode()))
