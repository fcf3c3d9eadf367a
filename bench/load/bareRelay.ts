/**
 * The reference: what any orchestrator that speaks WebSocket has to do. Each request of a submitter goes to the next
 * worker, and each answer back; JSON is parsed and written at each hop, and nothing is decided.
 */
import { once } from 'node:events';
import { type WebSocket, WebSocketServer } from 'ws';

const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
await once(server, 'listening');
const workers: WebSocket[] = [];
const askers = new Map<string, WebSocket>();
let turn = 0;

server.on('connection', (socket, request) => {
  if (request.url === '/ws/worker') {
    workers.push(socket);
    socket.on('message', (data) => {
      const answer: { jobId: string; phase: string } = JSON.parse(String(data));
      askers.get(answer.jobId)?.send(JSON.stringify(answer));
      if (answer.phase === 'ended') askers.delete(answer.jobId);
    });
    return;
  }
  socket.on('message', (data) => {
    const request: { job: { jobId: string } } = JSON.parse(String(data));
    askers.set(request.job.jobId, socket);
    turn += 1;
    workers[turn % workers.length]?.send(JSON.stringify(request));
  });
});

const address = server.address();
if (address === null || typeof address === 'string') throw new Error('no port');
process.stdout.write(`listening http://127.0.0.1:${address.port}\n`);
process.once('SIGTERM', () => process.exit(0));
