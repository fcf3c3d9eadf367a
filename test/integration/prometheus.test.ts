import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Cluster } from '../support/cluster.ts';
import { type Prometheus, prometheusObstacle, promtool, startPrometheus } from '../support/prometheus.ts';
import { behaviour, installRecordingTranscoder } from '../support/recordingTranscoder.ts';

if (prometheusObstacle !== null)
  process.stderr.write(`NOT TESTED, metrics and alerts with Prometheus: ${prometheusObstacle}\n`);
const withPrometheus = test.runIf(prometheusObstacle === null);

const TOKEN = 'the-token-that-prometheus-has';
const INSTALLATION_MS = 180_000;
const deployed = (name: string): string => fileURLToPath(new URL(`../../deploy/${name}`, import.meta.url));
/** Which Grafana replaces. */
const RATE_INTERVAL = '$__rate_interval';
const RULES = deployed('prometheus/rules.yaml');

const directory = mkdtempSync(join(tmpdir(), 'prometheus-test-'));
let cluster: Cluster;
let prometheus: Prometheus;
const targets: string[] = [];

beforeAll(async () => {
  if (prometheusObstacle !== null) return;
  await installRecordingTranscoder(directory);
  cluster = await Cluster.start({ workers: ['w1'], transcoderDirectory: directory, token: TOKEN });
  const worker = await cluster.workers.get('w1')?.listening();
  targets.push(new URL(cluster.address).host, new URL(worker ?? '').host);
  const hook = cluster.startHook(behaviour({ exit: 0 }));
  expect((await hook.exited).code).toBe(0);
  prometheus = await startPrometheus({ targets, token: TOKEN, rules: RULES });
}, INSTALLATION_MS);

afterAll(async () => {
  await prometheus?.stop();
  await cluster?.stop();
  rmSync(directory, { recursive: true });
});

withPrometheus('promtool takes the alerts, and what the parts expose', async () => {
  expect(await promtool(['check', 'rules', RULES])).toEqual(expect.objectContaining({ code: 0 }));
  for (const target of targets) {
    const reply = await fetch(`http://${target}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
    const { said } = await promtool(['check', 'metrics'], await reply.text());
    // ClusterPlex's names are what its dashboards ask for; what promtool says of ours must be nothing.
    expect(said.split('\n').filter((line) => line.startsWith('clusterplex_'))).toEqual([]);
    expect(said).not.toContain('error');
  }
});

withPrometheus('a live Prometheus scrapes all parts, and every alert and panel can be asked', async () => {
  await vi.waitFor(
    async () => {
      const { activeTargets }: { activeTargets: { health: string }[] } = JSON.parse(
        JSON.stringify(await prometheus.get('/api/v1/targets')),
      );
      expect(activeTargets.map(({ health }) => health)).toEqual(['up', 'up']);
      const { groups }: { groups: { rules: { name: string; health: string; state: string }[] }[] } =
        JSON.parse(JSON.stringify(await prometheus.get('/api/v1/rules')));
      const rules = groups.flatMap((group) => group.rules);
      expect(rules.length).toBeGreaterThan(10);
      expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
      expect(rules.filter(({ state }) => state !== 'inactive').map(({ name }) => name)).toEqual([]);
    },
    { timeout: 20_000 },
  );
  for (const name of ['clusterplex', 'clusterplex-ts']) {
    const { panels }: { panels: { targets: { expr: string }[] }[] } = JSON.parse(
      readFileSync(deployed(`grafana/${name}.json`), 'utf8'),
    );
    for (const { expr } of panels.flatMap((panel) => panel.targets)) {
      await prometheus.get(`/api/v1/query?query=${encodeURIComponent(expr.replaceAll(RATE_INTERVAL, '1m'))}`);
    }
  }
});

withPrometheus('without its only worker, the alert of that is on its way', async () => {
  cluster.workers.get('w1')?.child.kill('SIGKILL');
  await vi.waitFor(
    async () => {
      const { alerts }: { alerts: { labels: { alertname: string } }[] } = JSON.parse(
        JSON.stringify(await prometheus.get('/api/v1/alerts')),
      );
      expect(alerts.map(({ labels }) => labels.alertname)).toContain('ClusterPlexNoWorker');
    },
    { timeout: 20_000 },
  );
});
