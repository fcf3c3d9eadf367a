import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DebianProgram } from '../../deploy/check/debianProgram.ts';

const PROMETHEUS = new DebianProgram('prometheus', 'prometheus');
const PROMTOOL = new DebianProgram('promtool', 'prometheus');

/** Why Prometheus can't be had here; null when it can. */
export const prometheusObstacle = PROMETHEUS.obstacle;

export async function promtool(args: readonly string[], input = ''): Promise<{ code: number; said: string }> {
  const file = await PROMTOOL.path();
  return new Promise((resolve) => {
    const child = execFile(file, args, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), said: stdout + stderr });
    });
    child.stdin?.end(input);
  });
}

export interface Prometheus {
  /** What its API answers: the `data` of it. */
  get(path: string): Promise<unknown>;
  stop(): Promise<void>;
}

/** A Prometheus that scrapes and judges each second. */
export async function startPrometheus(config: {
  /** Host and port of each target. */
  readonly targets: readonly string[];
  readonly token: string;
  readonly rules: string;
}): Promise<Prometheus> {
  const directory = mkdtempSync(join(tmpdir(), 'prometheus-'));
  const file = join(directory, 'prometheus.yaml');
  writeFileSync(
    file,
    JSON.stringify({
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [config.rules],
      scrape_configs: [
        {
          job_name: 'clusterplex',
          authorization: { credentials: config.token },
          static_configs: [{ targets: config.targets }],
        },
      ],
    }),
  );
  const flags = [`--config.file=${file}`, `--storage.tsdb.path=${join(directory, 'data')}`];
  const child = spawn(
    await PROMETHEUS.path(),
    [...flags, '--web.listen-address=127.0.0.1:0', '--log.format=json'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const ended = once(child, 'exit');
  const address = await new Promise<string>((resolve, reject) => {
    createInterface(child.stderr).on('line', (line) => {
      const [, port] = /"address":"127\.0\.0\.1:(\d+)".*"Listening on"/.exec(line) ?? [];
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`);
      if (line.includes('"level":"error"')) reject(new Error(line));
    });
  });
  return {
    async get(path) {
      const text = await (await fetch(`${address}${path}`)).text();
      const { status, data }: { status: string; data: unknown } = JSON.parse(text);
      if (status !== 'success') throw new Error(`${path}: ${text}`);
      return data;
    },
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(directory, { recursive: true });
    },
  };
}
