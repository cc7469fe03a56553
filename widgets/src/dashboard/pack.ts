// Reads what `pack` in widgets/live.py writes: JSON and arrays in one piece.

export type Numbers = Float64Array | Float32Array | Int32Array | Uint16Array | Uint8Array;

export interface Unpacked<H> {
  header: H;
  arrays: Numbers[];
}

const KINDS: Record<string, new (buffer: ArrayBuffer, offset: number, length: number) => Numbers> = {
  d: Float64Array,
  f: Float32Array,
  i: Int32Array,
  H: Uint16Array,
  B: Uint8Array,
};

/** The header and the arrays; null for an empty piece. */
export function unpack<H>(data: DataView | ArrayBuffer | null | undefined): Unpacked<H> | null {
  if (!data || data.byteLength < 4) return null;
  // A copy of its own: a view into a message need not begin at a multiple of 8.
  const buffer = data instanceof DataView ? (data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer) : data;
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))) as H & { arrays: [string, number, number][] };
  const start = 4 + length;
  const arrays = header.arrays.map(([kind, offset, count]) => {
    const make = KINDS[kind];
    if (!make) throw new Error(`unknown array type ${kind}`);
    return new make(buffer, start + offset, count);
  });
  return { header, arrays };
}
