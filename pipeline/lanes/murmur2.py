"""The partitioner that every producer of the pipeline uses: murmur2, as in Kafka's own Java client.

librdkafka's default is another one; with two in use, one person's events would stand in two partitions.
"""

_M = 0x5BD1E995
_SEED = 0x9747B28C
_WORD = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Return the 32-bit murmur2 hash as an unsigned number (org.apache.kafka.common.utils.Utils).

    >>> hex(murmur2(b"21"))
    '0xc5f2f8ec'
    """
    length = len(data)
    h = (_SEED ^ length) & _WORD
    whole = length - length % 4
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * _M & _WORD
        k = (k ^ k >> 24) * _M & _WORD
        h = h * _M & _WORD ^ k
    if whole < length:
        h = (h ^ int.from_bytes(data[whole:], "little")) * _M & _WORD
    h = (h ^ h >> 13) * _M & _WORD
    return h ^ h >> 15


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition that a key belongs to."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
