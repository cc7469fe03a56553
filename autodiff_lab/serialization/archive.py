"""The archive that a checkpoint file is, opened as packages do that read single records of it."""

from __future__ import annotations

import zipfile

__all__ = ["PyTorchFileReader"]


class PyTorchFileReader:
    """The records of a checkpoint file by name, without its first folder.

    Raises:
        RuntimeError: if the file cannot be opened or is no archive, or has no such record.
    """

    def __init__(self, file):
        try:
            self._archive = zipfile.ZipFile(file)
        except OSError as error:
            raise RuntimeError(f"open file failed because of errno {error.errno} on fopen: {error.strerror}, file path: {file}") from error
        except zipfile.BadZipFile as error:
            raise RuntimeError(f"PytorchStreamReader failed reading zip archive: {error}") from error
        self._names = {name.partition("/")[2]: name for name in self._archive.namelist()}

    def get_all_records(self) -> list[str]:
        """The names of all records."""
        return list(self._names)

    def has_record(self, name: str) -> bool:
        """True if there is a record of this name."""
        return name in self._names

    def get_record(self, name: str) -> bytes:
        """What the record contains."""
        if name not in self._names:
            raise RuntimeError(f"PytorchStreamReader failed locating file {name}: file not found.")
        return self._archive.read(self._names[name])
