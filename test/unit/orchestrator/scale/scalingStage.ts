import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished, vi } from 'vitest';
import type { JobSpec } from '#shared/job.ts';
import type { WorkerHello } from '#shared/protocol/messages.ts';
import { Changes } from '../../../../orchestrator/api/changes.ts';
import { Cluster } from '../../../../orchestrator/core/cluster.ts';
import { Driver } from '../../../../orchestrator/driver.ts';
import { BurstFile } from '../../../../orchestrator/scale/burstFile.ts';
import { Scaling } from '../../../../orchestrator/scale/scaling.ts';
import { jobSpec, SETTINGS, workerHello } from '../../core/world.ts';
import { FakeClock } from '../fakeClock.ts';

/** An orchestrator's scaling, with its core, and time that is moved by hand. */
export class Stage {
  readonly directory = mkdtempSync(join(tmpdir(), 'scaling-'));
  readonly clock = new FakeClock();
  readonly driver: Driver;
  readonly specPath = join(this.directory, 'scale.yaml');
  readonly burstPath = join(this.directory, 'bursts.json');
  leads = true;
  readonly #settleMs: number;
  scaling: Scaling;
  #connections = 0;
  readonly #told: string[] = [];

  constructor({ settleMs = 0 } = {}) {
    this.#settleMs = settleMs;
    const settings = { ...SETTINGS, silenceMs: 1e9, recoveryWindowMs: 0 };
    this.driver = new Driver(new Cluster(settings, 0), this.clock);
    this.scaling = this.start();
    onTestFinished(() => {
      this.scaling.stop();
      this.driver.stop();
      rmSync(this.directory, { recursive: true });
    });
  }

  start(): Scaling {
    const { driver, clock, specPath, burstPath } = this;
    const changes = new Changes(clock);
    const leads = () => this.leads;
    const logger = pino({ base: null }, { write: (line: string) => this.#told.push(line) });
    const bursts = new BurstFile(burstPath, logger);
    const rest = { drainTimeoutMs: 600_000, settleMs: this.#settleMs, kubeconfig: null, logger, leads };
    this.scaling = new Scaling({ driver, changes, clock, specPath, bursts, ...rest });
    driver.observe(this.scaling.observe);
    this.scaling.start();
    return this.scaling;
  }

  /** Writes the file and waits until it is read, which real time takes. */
  async spec(groups: string): Promise<void> {
    const before = this.#told.length;
    writeFileSync(this.specPath, `groups: {${groups}}`);
    await vi.waitFor(
      () => {
        this.clock.advance(1_000);
        expect(this.#told.slice(before)).toContainEqual(expect.not.stringContaining('there is no such file'));
      },
      { timeout: 20_000 },
    );
  }

  worker(name: string, fields: Partial<WorkerHello> = {}): number {
    this.#connections += 1;
    const hello = workerHello(name, fields);
    this.driver.handle({ type: 'worker-hello', connection: this.#connections, hello });
    return this.#connections;
  }

  relay(): number {
    this.#connections += 1;
    const names = { version: '1', name: 'relay', instance: 'relay', serial: 0 };
    const hello = { ...names, jobs: [] };
    this.driver.handle({
      type: 'relay-hello',
      connection: this.#connections,
      hello: { type: 'hello', ...hello },
    });
    return this.#connections;
  }

  submit(relay: number, jobId: string, fields: Partial<JobSpec> = {}): void {
    const message = { type: 'submit', job: jobSpec(jobId, fields), attempt: 0 } as const;
    this.driver.handle({ type: 'relay-message', connection: relay, message });
  }

  get leaving(): string[] {
    const workers = [...this.driver.cluster.workers.values()];
    return workers.filter(({ leavingSince }) => leavingSince !== null).map(({ name }) => name);
  }
}
