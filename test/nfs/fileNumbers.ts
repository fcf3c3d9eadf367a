import { match, notStrictEqual } from 'node:assert';
import { report, until } from './report.ts';
import type { Scenario, Stage } from './scenarios.ts';
import { DFS } from './storageNode.ts';

/** It is first w1's, and then w2's. */
const ADDRESS = '192.168.1.100';
const MOUNTED = '/mnt/plain';
const OPTIONS = 'vers=4.2,ro,softerr,timeo=50,retrans=2,noresvport';

/** Of one read, and of them all: NFS finds out by itself that the server is another one. */
const READ_MS = 60_000;
const LIMIT_MS = 120_000;

const EXPORTS = '/etc/exports.d/clusterplex.exports';

/** What becomes of a client that goes from w1 to w2 without dfs-mount: the reason for two of its rules. */
export const fileNumbers: Readonly<Record<string, Scenario>> = {
  async 'with one fsid for both, another film is read, and nobody told'(stage) {
    const { w1, w2, w3 } = stage;
    await w3.leave();
    const own = [w1, w2].map(({ machine }) => machine.run(`cat ${EXPORTS}`));
    for (const { machine } of [w1, w2])
      machine.run(`sed -i s/fsid=.*/fsid=7\\)/ ${EXPORTS}; exportfs -ra; exportfs -f`);
    const { said, ms } = await goesOver(stage);
    report({
      scenario: 'one fsid',
      what: `film1 says ${said}`,
      ms,
      limitMs: LIMIT_MS,
      before: '17-19 s, another film',
    });
    match(said, /^film\d$/);
    notStrictEqual(
      said,
      'film1',
      'it takes different file numbers to show this: does the daemon give them in order?',
    );
    for (const [index, { machine }] of [w1, w2].entries()) {
      machine.run(`printf '%s\\n' '${own[index]}' > ${EXPORTS}; exportfs -ra; exportfs -f`);
    }
  },

  async 'with an fsid each, it is a stale file handle'(stage) {
    const { said, ms } = await goesOver(stage);
    report({
      scenario: 'two fsids',
      what: `film1: ${said}`,
      ms,
      limitMs: LIMIT_MS,
      before: '17-19 s, ESTALE',
    });
    match(said, /stale file handle/i);
  },
};

/** @returns what film1 says, and how long that took */
async function goesOver({ w1, w2, w3 }: Stage): Promise<{ readonly said: string; readonly ms: number }> {
  w1.machine.run(`ip addr add ${ADDRESS}/24 dev eth0`);
  w3.machine.run(`
    mkdir -p ${MOUNTED}
    mount -t nfs -o ${OPTIONS} ${ADDRESS}:${DFS} ${MOUNTED}
    ls -l ${MOUNTED} >/dev/null
  `);
  w1.machine.lose();
  w2.machine.run(`ip addr add ${ADDRESS}/24 dev eth0`);
  w3.machine.run('ip neigh flush all');
  let said = '';
  const ms = await until(
    'w2 answers in its place',
    () => {
      said = w3.reads('film1', { directory: MOUNTED, enter: w3.machine.enter, limitMs: READ_MS });
      return /^film|stale/i.test(said);
    },
    LIMIT_MS,
  );
  w3.machine.run(`umount -i -f -l ${MOUNTED}`);
  w2.machine.run(`ip addr del ${ADDRESS}/24 dev eth0`);
  w1.machine.comeBack();
  w1.machine.run(`ip addr del ${ADDRESS}/24 dev eth0`);
  return { said: said.replace(/^.*: /, ''), ms };
}
