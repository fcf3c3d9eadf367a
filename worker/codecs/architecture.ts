/** A processor architecture, under each of its names. */
export interface Architecture {
  /** As Plex's download service calls it. */
  readonly build: string;
  /** What `PLEX_MEDIA_SERVER_INFO_MODEL` says there. */
  readonly model: string;
  /** `e_machine` of its ELF files. */
  readonly machine: number;
}

/** By the names that LinuxServer's images put into PLEX_ARCH. */
const ARCHITECTURES = {
  amd64: { build: 'linux-x86_64-standard', model: 'x86_64', machine: 62 },
  arm64: { build: 'linux-aarch64-standard', model: 'aarch64', machine: 183 },
  armhf: { build: 'linux-armv7neon-standard', model: 'armv7l', machine: 40 },
} as const satisfies Record<string, Architecture>;

export type PlexArch = keyof typeof ARCHITECTURES;
export const PLEX_ARCHS: readonly PlexArch[] = ['amd64', 'arm64', 'armhf'];

/** @param given PLEX_ARCH; without it, what this process runs on */
export function architectureOf(given: PlexArch | null): Architecture {
  const own = process.arch === 'arm64' ? 'arm64' : process.arch === 'arm' ? 'armhf' : 'amd64';
  return ARCHITECTURES[given ?? own];
}
