import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clearSocketPath } from '../../pms/relay/socketPath.ts';

const NOBODY = 65_534;

let directory: string;
let path: string;
let server: Server;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'socket-'));
  path = join(directory, 'relay.sock');
  server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
});

afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(directory, { recursive: true });
});

test('the socket of a relay that lives stays', async () => {
  await expect(clearSocketPath(path)).rejects.toThrow(/another relay serves/);
  expect(existsSync(path)).toBe(true);
});

// Only root can become another user.
test.runIf(process.getuid?.() === 0)('also one of another user, whose relay can’t be asked', async () => {
  chmodSync(directory, 0o777);
  chmodSync(path, 0o600);
  process.seteuid?.(NOBODY);
  try {
    await expect(clearSocketPath(path)).rejects.toMatchObject({
      code: 'bad-settings',
      message: `RELAY_SOCKET is wrong: no socket can be made at ${path} (EACCES)`,
    });
  } finally {
    process.seteuid?.(0);
  }
  expect(existsSync(path)).toBe(true);
});
