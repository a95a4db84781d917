"""Parquet tables as a stream of bytes, the same for the same rows, ready to be published."""

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow


class _Sink(io.RawIOBase):
    """A file in memory whose bytes are taken away as they come."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._at += len(part)
        return len(part)

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def parquet_bytes(
    tables: Iterable["pyarrow.Table"],
    schema: "pyarrow.Schema",
    dictionaries: bool | Sequence[str] = True,
) -> Iterator[bytes]:
    """Yield the bytes of a parquet file with a row group for each table.

    Memory stays bounded by the largest table. `dictionaries` names the columns whose values repeat.
    The same tables give the same bytes with one version of pyarrow, which names itself inside.
    """
    import pyarrow.parquet

    sink = _Sink()
    with pyarrow.parquet.ParquetWriter(
        sink,
        schema,
        version="2.6",
        compression="zstd",
        compression_level=3,
        use_dictionary=dictionaries if isinstance(dictionaries, bool) else list(dictionaries),
        data_page_version="1.0",
        write_statistics=True,
    ) as writer:
        for table in tables:
            writer.write_table(table.cast(schema), row_group_size=max(1, table.num_rows))
            yield sink.take()
    yield sink.take()


def arrow_bytes(
    batches: Iterable["pyarrow.RecordBatch"], schema: "pyarrow.Schema"
) -> Iterator[bytes]:
    """Yield the bytes of an uncompressed Arrow stream, which can be mapped into memory."""
    import pyarrow.ipc

    sink = _Sink()
    with pyarrow.ipc.new_stream(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
            yield sink.take()
    yield sink.take()
