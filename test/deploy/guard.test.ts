import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '#shared/clock.ts';
import { MountProbe } from '#shared/storage/probe.ts';
import { portOf } from '../support/portOf.ts';

const guard = fileURLToPath(new URL('../../deploy/components/dfs-pv/storage/guard.ts', import.meta.url));

/** What a worker says of its storage, look after look; the last for ever. */
let storage: (string | null)[] = [];
let deleted: string[] = [];
let authorization: string | undefined;

const worker = createServer((_request, response) => {
  const message = storage.length > 1 ? storage.shift() : storage[0];
  const checks = [{ name: 'storage', ok: !message, blocking: true, message }];
  response.writeHead(message ? 503 : 200).end(JSON.stringify({ ready: !message, checks }));
});
const answer: RequestListener = (request, response) => {
  authorization = request.headers.authorization;
  if (request.method === 'DELETE') deleted.push(request.url ?? '');
  const pods = [
    { metadata: { name: 'worker-0' }, status: { podIP: '127.0.0.1' } },
    { metadata: { name: 'worker-1' }, status: {} },
  ];
  response.end(JSON.stringify({ items: pods }));
};
const api = createServer(answer);
const nfs = createServer();
const account = mkdtempSync(join(tmpdir(), 'clusterplex-guard-'));

beforeAll(async () => {
  writeFileSync(join(account, 'token'), 'secret');
  writeFileSync(join(account, 'namespace'), 'clusterplex');
  for (const server of [worker, api, nfs]) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  }
});
afterAll(async () => {
  for (const server of [worker, api, nfs]) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  rmSync(account, { recursive: true });
});

describe('the guard of workers with a mount by NFS', () => {
  it('deletes a worker whose mount stays dead', async () => {
    const { stdout } = await look(['/mnt/dfs does not answer within 5000 ms']);
    expect(deleted).toEqual(['/api/v1/namespaces/clusterplex/pods/worker-0?gracePeriodSeconds=30']);
    expect(authorization).toBe('Bearer secret');
    expect(stdout).toContain('deletes worker-0');
  });

  it('takes a mount for dead by what the probe says', async () => {
    const options = { mode: 'ro', optional: false } as const;
    const lost = new MountProbe({ path: join(account, 'lost'), ...options }, systemClock);
    const { problem } = await lost.run();
    await look([problem], { mount: join(account, 'lost') });
    expect(deleted).toHaveLength(1);
  });

  it('leaves alone what is well, what was only slow, and what has other trouble', async () => {
    await look([null]);
    await look(['/mnt/dfs does not answer within 5000 ms', null]);
    await look([
      "/transcode can't be written as this user; /mnt/dfs is not the volume that PMS uses: other things are in it; " +
        'mount what PMS has, or correct MOUNTS or PATH_MAP',
    ]);
    expect(deleted).toEqual([]);
  });

  it('leaves it alone while no server is there', async () => {
    await look(['/mnt/dfs does not answer within 5000 ms'], { server: '127.0.0.1:1' });
    expect(deleted).toEqual([]);
  });
});

function look(said: (string | null)[], { server = `127.0.0.1:${portOf(nfs)}`, mount = '/mnt/dfs' } = {}) {
  storage = said;
  deleted = [];
  const words = ['--api', `http://127.0.0.1:${portOf(api)}`, '--account', account, '--again-ms', '1'];
  return promisify(execFile)(process.execPath, [
    ...[guard, '--worker-port', String(portOf(worker)), '--server', server, '--mount', mount],
    ...words,
  ]);
}
