import { randomInt } from 'node:crypto';
import { connect } from 'node:net';
import type { Clock } from '#shared/clock.ts';

const CALL = 0;
const REPLY = 1;
const RPC_VERSION = 2;
const NFS = 100_003;
const NFS_VERSION = 4;
const NULL_PROCEDURE = 0;
const LAST_FRAGMENT = 0x80_00_00_00;
/** Mark, id, direction, and that it was accepted. */
const REPLY_BYTES = 16;

/**
 * Whether an NFS server answers there, which a port that is open does not say: asked for nothing, as RFC 5531 puts it.
 *
 * @returns what is wrong, or null
 */
export function nfsProblem(port: number, limitMs: number, clock: Clock): Promise<string | null> {
  return new Promise((resolve) => {
    const id = randomInt(2 ** 32 - 1);
    const socket = connect(port, '127.0.0.1');
    const end = (problem: string | null): void => {
      limit.cancel();
      socket.destroy();
      resolve(problem);
    };
    const limit = clock.after(limitMs, () => end(`does not answer within ${limitMs} ms`));
    const got: Buffer[] = [];
    socket.on('connect', () => void socket.write(nullCall(id)));
    socket.on('error', (error) => end(`can't be reached: ${error.message}`));
    socket.on('close', () => end('closed the connection'));
    socket.on('data', (data) => {
      got.push(data);
      const reply = Buffer.concat(got);
      if (reply.length < REPLY_BYTES) return;
      const isReply = reply.readUInt32BE(4) === id && reply.readUInt32BE(8) === REPLY;
      end(isReply && reply.readUInt32BE(12) === 0 ? null : 'is no NFS server');
    });
  });
}

function nullCall(id: number): Buffer {
  const noCredentials = [0, 0];
  const noVerifier = [0, 0];
  const call = [id, CALL, RPC_VERSION, NFS, NFS_VERSION, NULL_PROCEDURE, ...noCredentials, ...noVerifier];
  const message = Buffer.alloc(4 + call.length * 4);
  message.writeUInt32BE(LAST_FRAGMENT + call.length * 4, 0);
  call.forEach((word, index) => {
    message.writeUInt32BE(word, 4 + index * 4);
  });
  return message;
}
