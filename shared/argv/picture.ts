/** What decodes or encodes a picture: the CPU, or a GPU by one of the interfaces for which PMS's way of writing is known. */
export type Family = 'software' | 'cuda' | 'vaapi';

/** What happens to a picture between its decoder and its encoder. */
export interface Picture {
  readonly width: string;
  readonly height: string;
  /** PMS up to about 1.40 wrote no `force_divisible_by`. */
  readonly divisible: boolean;
  /** Of what is encoded. */
  readonly bitDepth: 8 | 10;
  /** From HDR to SDR: `hable`. */
  readonly tonemap: string | null;
  /** The filter that burns subtitles in, as it was written. */
  readonly burnIn: string | null;
}

/** Something for which PMS's own commands give no rule. The message is a sentence for people. */
export class NotKnown extends Error {
  /** Every other command is one: without a stack, which takes longer than reading the command. */
  constructor(message: string) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Reads what the filters do, each a regular expression for one step of the row; all must be used up. */
export function readPicture(steps: readonly string[], family: Family): Picture {
  const rest = [...steps];
  const optional = (pattern: RegExp): RegExpExecArray | null => {
    const match = pattern.exec(rest[0] ?? '');
    if (match) rest.shift();
    return match;
  };
  const next = (pattern: RegExp): RegExpExecArray => {
    const match = optional(pattern);
    if (!match)
      throw new NotKnown(`There is no rule for its filter ${rest[0]?.replace(/=.*/s, '') ?? '(none)'}.`);
    return match;
  };
  const end = <T>(picture: T): T => {
    if (rest.length > 0)
      throw new NotKnown(`There is no rule for its filter ${rest[0]?.replace(/=.*/s, '')}.`);
    return picture;
  };
  if (family === 'software') {
    const [, width = '', height = '', divisible] = next(/^scale=w=(\d+):h=(\d+)(:force_divisible_by=4)?$/);
    const tonemap = optional(/^format=p010,tonemap=(\w+)$/)?.[1] ?? null;
    next(/^format=pix_fmts=yuv420p\|nv12$/);
    const burnIn = optional(/^inlineass=.*$/s)?.[0] ?? null;
    return end({ width, height, divisible: divisible !== undefined, bitDepth: 8 as const, tonemap, burnIn });
  }
  next(/^hwupload$/);
  const scale =
    family === 'cuda'
      ? /^scale_cuda=w=(\d+):h=(\d+):format=(nv12|p010)$/
      : /^scale_vaapi=w=(\d+):h=(\d+):format=(nv12|p010)$/;
  const [, width = '', height = '', format = ''] = next(scale);
  const tonemap = family === 'cuda' ? (optional(/^tonemap_cuda=(\w+):nv12$/)?.[1] ?? null) : null;
  if (tonemap !== null && format !== 'p010') throw new NotKnown('It maps tones of 8 bits.');
  const encoded = tonemap === null ? format : 'nv12';
  const burnIn = optional(new RegExp(`^hwdownload,format=${encoded}$`)) ? next(/^inlineass=.*$/s)[0] : null;
  // PMS puts pictures back onto the GPU for VAAPI, whether they ever left it or not.
  if (family === 'vaapi') next(/^hwupload$/);
  const bitDepth = encoded === 'p010' ? (10 as const) : (8 as const);
  return end({ width, height, divisible: true, bitDepth, tonemap, burnIn });
}
