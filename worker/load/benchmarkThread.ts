import { parentPort, workerData } from 'node:worker_threads';

const end = performance.now() + Number(workerData);
let operations = 0;
while (performance.now() < end) {
  Math.hypot(Math.random() - Math.random(), Math.random() - Math.random());
  operations += 1;
}
parentPort?.postMessage(operations);
