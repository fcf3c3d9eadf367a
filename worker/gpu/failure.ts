import type { GpuFailure } from '#shared/job.ts';

/** What ffmpeg prints, in the order in which a line is looked at. */
const SIGNS: readonly (readonly [GpuFailure, RegExp])[] = [
  // NV_ENC_ERR_OUT_OF_MEMORY at the opening of a session means the driver's limit; newer drivers say 21.
  ['sessions', /OpenEncodeSessionEx failed: (?:out of memory \(10\)|incompatible client key \(21\))/],
  ['memory', /CUDA_ERROR_OUT_OF_MEMORY|VA_STATUS_ERROR_ALLOCATION_FAILED|resource allocation failed/],
  [
    'lost',
    /CUDA_ERROR_(?:NO_DEVICE|UNKNOWN|NOT_INITIALIZED|SYSTEM_NOT_READY|SYSTEM_DRIVER_MISMATCH|ECC_UNCORRECTABLE|HARDWARE_STACK_ERROR|ILLEGAL_ADDRESS|LAUNCH_FAILED|DEVICE_UNAVAILABLE)/,
  ],
  [
    'lost',
    /No (?:NVENC )?capable devices found|OpenEncodeSessionEx failed: (?:no encode|unsupported) device/,
  ],
  ['lost', /Cannot load (?:libcuda|libnvcuvid|libnvidia-encode)/],
  [
    'lost',
    /Failed to initialise VAAPI connection|Error (?:creating|initializing) (?:a|an) (?:internal )?MFX session/,
  ],
  ['lost', /Device creation failed|Device setup failed for decoder|device (?:was )?lost|DEVICE_LOST/i],
];

/** A line may come in pieces; longer ones say nothing that is looked for. */
const MAX_LINE = 4096;

/** What a line of a transcoder's stderr says of the GPU, or null. */
export function gpuFailureIn(line: string): GpuFailure | null {
  return SIGNS.find(([, sign]) => sign.test(line))?.[0] ?? null;
}

/** Reads a transcoder's stderr as it comes. The first sign counts: what ffmpeg says after it follows from it. */
export class GpuFailureWatch {
  #found: GpuFailure | null = null;
  #rest = '';

  get found(): GpuFailure | null {
    return this.#found ?? gpuFailureIn(this.#rest);
  }

  add(data: Buffer): void {
    if (this.#found !== null) return;
    const lines = (this.#rest + data.toString('latin1')).split(/[\r\n]/);
    this.#rest = lines.pop()?.slice(-MAX_LINE) ?? '';
    for (const line of lines) this.#found ??= gpuFailureIn(line);
  }
}
