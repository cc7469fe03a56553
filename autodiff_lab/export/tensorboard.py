"""TensorBoard event files, written without TensorFlow: each scalar is one protobuf message in a checksummed record."""

from __future__ import annotations

import struct
from pathlib import Path

__all__ = ["write_events"]


def write_events(record, folder) -> str:
    """Write the curves of a `RunRecord` into `folder`; returns the file. `tensorboard --logdir folder` shows them.

    Times in the file count steps, not seconds, so that the same run gives the same file.
    """
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    file = path / "events.out.tfevents.0.autodiff_lab"
    events = [(0.0, b"", field(3, b"brain.Event:2"))]
    for curve in record.curves():
        for step, value in zip(*curve.points(), strict=True):
            summary = field(1, field(1, curve.name.encode()) + b"\x15" + struct.pack("<f", value))
            events.append((float(step), b"\x10" + varint(int(step)), field(5, summary)))
    with file.open("wb") as out:
        for time, step, body in events:
            message = b"\x09" + struct.pack("<d", time) + step + body
            length = struct.pack("<Q", len(message))
            out.write(length + struct.pack("<I", masked(length)) + message + struct.pack("<I", masked(message)))
    return str(file)


def field(number: int, content: bytes) -> bytes:
    """A length-delimited protobuf field."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    """An integer as protobuf writes it: seven bits a byte, the lowest first."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = _table()


def masked(data: bytes) -> int:
    """CRC-32C, rotated and shifted as TFRecord files want it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
