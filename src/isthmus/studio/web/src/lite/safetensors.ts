// Reads the safetensors format: 8 bytes of header length, a JSON header, one block of numbers.
// Every binary answer of the server is one (docs/decisions/studio-api.md).

export type Numbers = Float32Array | Uint8Array | Int16Array | Int32Array;

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

export interface Pack {
  /** What the file says besides its arrays: the JSON of ``meta`` or ``graph``. */
  said<T>(name?: "meta" | "graph"): T;
  has(name: string): boolean;
  shape(name: string): number[];
  /** An array by name; halves become singles. Throws if the pack lacks it. */
  array(name: string): Numbers;
  floats(name: string): Float32Array;
}

// A half-precision number has 65,536 values: a table is faster than arithmetic on each.
let halves: Float32Array | null = null;

function halfTable(): Float32Array {
  if (halves) return halves;
  halves = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const part = bits & 1023;
    if (exponent === 0) halves[bits] = sign * part * 2 ** -24;
    else if (exponent === 31) halves[bits] = part ? NaN : sign * Infinity;
    else halves[bits] = sign * (1 + part / 1024) * 2 ** (exponent - 15);
  }
  return halves;
}

function fromHalf(bits: Uint16Array): Float32Array {
  const table = halfTable();
  const out = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = table[bits[i]!]!;
  return out;
}

function numbers(dtype: string, block: ArrayBuffer): Numbers {
  switch (dtype) {
    case "F16":
      return fromHalf(new Uint16Array(block));
    case "F32":
      return new Float32Array(block);
    case "F64":
      return Float32Array.from(new Float64Array(block));
    case "I16":
      return new Int16Array(block);
    case "I32":
      return new Int32Array(block);
    case "I64":
      return Int32Array.from(new BigInt64Array(block), Number);
    case "U8":
    case "BOOL":
      return new Uint8Array(block);
    default:
      throw new Error(`numbers of kind ${dtype} are not known here`);
  }
}

/** The file in a buffer. Each array is converted when it is asked for. Throws in words on a damaged one. */
export function readPack(buffer: ArrayBuffer): Pack {
  const cut = "the answer is cut off";
  if (buffer.byteLength < 8) throw new Error(cut);
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  if (length > buffer.byteLength - 8) throw new Error(cut);
  const text = new TextDecoder().decode(new Uint8Array(buffer, 8, length));
  const header = JSON.parse(text) as Record<string, Entry> & { __metadata__?: Record<string, string> };
  const find = (name: string): Entry => {
    const entry = name === "__metadata__" ? undefined : header[name];
    if (!entry) throw new Error(`the answer lacks ${name}`);
    return entry;
  };
  const array = (name: string): Numbers => {
    const { dtype, data_offsets: [start, end] } = find(name);
    if (8 + length + end > buffer.byteLength) throw new Error(cut);
    // A copy is aligned, as typed arrays need.
    return numbers(dtype, buffer.slice(8 + length + start, 8 + length + end));
  };
  return {
    said: <T>(name: "meta" | "graph" = "meta") => JSON.parse(header.__metadata__?.[name] ?? "{}") as T,
    has: (name) => name !== "__metadata__" && name in header,
    shape: (name) => find(name).shape,
    array,
    floats: (name) => {
      const held = array(name);
      return held instanceof Float32Array ? held : Float32Array.from(held);
    },
  };
}
