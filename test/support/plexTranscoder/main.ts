import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { readCommand } from '#shared/argv/command.ts';
import type { ByteString } from '#shared/bytes.ts';
import type { StandInConfig } from './config.ts';
import { FfmpegProcess } from './ffmpegProcess.ts';
import { Transcode } from './transcode.ts';

// The entry of the stand-in for `Plex Transcoder`: node main.ts CONFIG ARGS…

const [configText = '', ...plainArguments] = process.argv.slice(2);
const config: StandInConfig = JSON.parse(configText);
const argv = exactArguments(plainArguments.length);

const inputs = readCommand(argv).inputs.map(({ index }) => argv[index]);
if (inputs.every((input) => typeof input === 'string' && input.includes('/worker/capabilities/clips/'))) {
  // -version, -encoders, a trial …: questions about ffmpeg, not work for the transcoder.
  const { code, signal } = await new FfmpegProcess(config.ffmpeg, plainArguments, 0).exited;
  // It does the work of Plex's own codecs with ffmpeg's.
  if (plainArguments.includes('-codecs'))
    process.stdout.write(' DEAIL. eac3_eae  Dolby by EasyAudioEncoder\n');
  leave(code, signal);
} else {
  const transcode = new Transcode(argv, config);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) {
    process.on(signal, () => transcode.stop(signal));
  }
  const { code, signal } = await transcode.run();
  leave(code, signal);
}

/** Node reads arguments as UTF-8, and Plex libraries hold names that are not: the kernel still has the bytes. */
function exactArguments(count: number): ByteString[] {
  const bytes = readFileSync('/proc/self/cmdline');
  const elements: ByteString[] = [];
  let start = 0;
  for (let end = bytes.indexOf(0); end !== -1; end = bytes.indexOf(0, start)) {
    const element = bytes.subarray(start, end);
    // Not byteString() of shared: loading its schema library takes longer than everything else here.
    elements.push(isUtf8(element) ? element.toString() : { base64: element.toString('base64') });
    start = end + 1;
  }
  return count === 0 ? [] : elements.slice(-count);
}

function leave(code: number | null, signal: NodeJS.Signals | null): void {
  if (code === null && signal !== null) process.kill(process.pid, signal);
  process.exit(code ?? 1);
}
