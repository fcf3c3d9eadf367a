import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OWNER_VARIABLE } from '../../worker/transcoder/owner.ts';

/** What the transcoder says to `-encoders` and `-codecs`. */
const ENCODERS = ['h264_nvenc', 'hevc_nvenc', 'libx264', 'aac', 'flac']
  .map((name) => ` V....D ${name} x\n`)
  .join('');
const CODECS = ['h264', 'hevc', 'av1', 'aac', 'eac3_eae'].map((name) => ` DEVIL. ${name} x\n`).join('');

/**
 * A machine with GPUs that are not there: an `nvidia-smi` that prints what was recorded, a sysfs tree, and a transcoder
 * that says of them what ffmpeg says on such cards. It works in software, and everything that `refuses` names fails.
 */
export class GpuMachine {
  readonly directory = mkdtempSync(join(tmpdir(), 'gpu-'));

  constructor() {
    for (const name of ['sys', 'dev']) mkdirSync(join(this.directory, name));
    writeFileSync(join(this.directory, 'list-encoders'), ENCODERS);
    writeFileSync(join(this.directory, 'list-codecs'), CODECS);
    this.#script(
      'transcoder',
      `[ -f "${this.directory}/list$1" ] && exec cat "${this.directory}/list$1"
       echo "$*" >>${this.directory}/calls
       . ${this.directory}/refusals
       exit 0`,
    );
    this.refuses({});
  }

  get transcoder(): string {
    return join(this.directory, 'transcoder');
  }

  get env(): Record<string, string> {
    return { PATH: `${this.directory}:/usr/bin:/bin`, [OWNER_VARIABLE]: this.directory };
  }

  get places(): { sys: string; dev: string } {
    return { sys: join(this.directory, 'sys'), dev: join(this.directory, 'dev') };
  }

  /** The command lines of all trials and jobs so far. */
  get calls(): string[] {
    try {
      return readFileSync(join(this.directory, 'calls'), 'utf8').trim().split('\n');
    } catch {
      return [];
    }
  }

  nvidia(recording: string): void {
    const file = new URL(`../corpus/gpu/nvidia-smi/${recording}.xml`, import.meta.url).pathname;
    this.#script('nvidia-smi', `[ "$*" = '-q -x' ] && cat ${file}`);
  }

  nvidiaSmi(script: string): void {
    this.#script('nvidia-smi', script);
  }

  drm(node: string, driver: string, pci: string): void {
    const device = join(this.directory, 'sys', node, 'device');
    mkdirSync(device, { recursive: true });
    writeFileSync(join(device, 'uevent'), `DRIVER=${driver}\nPCI_SLOT_NAME=${pci}\n`);
    writeFileSync(join(this.directory, 'dev', node), '');
  }

  /** @param refusals shell patterns of a command line, and what ffmpeg then prints; `hang` never ends */
  refuses(refusals: Readonly<Record<string, string>>): void {
    const cases = Object.entries(refusals).map(([pattern, words]) => {
      const act = words === 'hang' ? 'exec sleep 600' : `printf '%s\\n' "${words}" >&2; exit 1`;
      return `${pattern}) ${act};;`;
    });
    writeFileSync(join(this.directory, 'refusals'), `case "$*" in\n${cases.join('\n')}\n*) ;; esac\n`);
  }

  remove(): void {
    rmSync(this.directory, { recursive: true });
  }

  #script(name: string, text: string): void {
    const file = join(this.directory, name);
    writeFileSync(file, `#!/bin/sh\n${text}\n`);
    chmodSync(file, 0o755);
  }
}

/** What ffmpeg prints where a card has no encoder of a kind, or no session left. */
export const NO_ENCODER =
  '[h264_nvenc @ 0x55d0c0] OpenEncodeSessionEx failed: unsupported device (2): (no details)\n' +
  '[h264_nvenc @ 0x55d0c0] No capable devices found';
export const NO_SESSION =
  '[h264_nvenc @ 0x55d0c0] OpenEncodeSessionEx failed: out of memory (10): (no details)\n' +
  '[h264_nvenc @ 0x55d0c0] No capable devices found';
/** A decoder that fell back to software: its frames are not on the GPU. */
export const IN_SOFTWARE =
  "Impossible to convert between the formats supported by the filter 'graph 0 input from stream 0:0' and the filter 'auto_scale_0'";
export const NO_CUDA =
  '[AVHWDeviceContext @ 0x560] cu->cuInit(0) failed -> CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected\n' +
  'Device creation failed: -542398533.';
export const NO_VAAPI =
  '[AVHWDeviceContext @ 0x560] Failed to initialise VAAPI connection: -1 (unknown libva error).\nDevice creation failed: -5.';
