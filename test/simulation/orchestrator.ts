import { Changes } from '../../orchestrator/api/changes.ts';
import { Cluster } from '../../orchestrator/core/cluster.ts';
import { DEFAULT_GROUP, type GroupSpec } from '../../orchestrator/core/scaleSpec.ts';
import { Driver, type Observer } from '../../orchestrator/driver.ts';
import { Hub } from '../../orchestrator/gateway/hub.ts';
import { ALWAYS_LEADS, type Leadership } from '../../orchestrator/leader/leadership.ts';
import { Records } from '../../orchestrator/records.ts';
import { Scaling } from '../../orchestrator/scale/scaling.ts';
import type { SimMachine } from './machine.ts';
import { logger, SETTINGS } from './parts.ts';
import { SimProcess } from './process.ts';

/** Workers come back within that time. */
const SETTLE_MS = 8_000;

/** The real core, driver, hub and scaling in a process. */
export class SimOrchestrator {
  readonly process: SimProcess;
  readonly cluster: Cluster;
  readonly driver: Driver;
  readonly hub: Hub;
  readonly startedAt: number;
  readonly leadership: Leadership;
  readonly scaling: Scaling;

  /**
   * @param term of its leadership, which it believes in until it dies
   * @param spec how it scales the workers; null: not at all
   */
  constructor(
    machine: SimMachine,
    term: number,
    spec: GroupSpec | null,
    observer: (orchestrator: SimOrchestrator) => Observer,
  ) {
    this.leadership = { ...ALWAYS_LEADS, term };
    this.process = new SimProcess(machine);
    const { clock } = this.process;
    this.startedAt = clock.now();
    this.cluster = new Cluster(SETTINGS, clock.now());
    this.driver = new Driver(this.cluster, clock);
    this.hub = new Hub({
      ...{ driver: this.driver, leadership: this.leadership, silenceMs: SETTINGS.silenceMs, clock, logger },
      records: new Records(this.driver.cluster),
    });
    this.driver.observe(observer(this));
    this.scaling = new Scaling({
      ...{ driver: this.driver, changes: new Changes(clock), clock, logger, settleMs: SETTLE_MS },
      ...{ specPath: null, bursts: null, kubeconfig: null, drainTimeoutMs: SETTINGS.drainTimeoutMs },
    });
    if (!spec) return;
    this.driver.observe(this.scaling.observe);
    this.specify(spec);
    this.scaling.start();
  }

  /** The file of its scale says something else. */
  specify(spec: GroupSpec): void {
    this.scaling.specify(new Map([[DEFAULT_GROUP, { spec, apply: null }]]));
  }
}
