import type { Clock, Timer } from '#shared/clock.ts';
import type { SimMachine } from './machine.ts';
import { Standstill } from './standstill.ts';

/** A process: it can die, for good, and it can be frozen for a while, as one without CPU or a stopped one is. */
export class SimProcess {
  alive = true;
  readonly machine: SimMachine;
  readonly #frozen: Standstill;

  constructor(machine: SimMachine) {
    this.machine = machine;
    this.#frozen = new Standstill(machine.loop);
  }

  freeze(ms: number): void {
    this.#frozen.begin(ms);
  }

  /** Does something in this process that came from outside: never when it is dead, later when it stands still. */
  run(call: () => void): void {
    this.#do('arrival', call);
  }

  readonly clock: Clock = {
    now: () => this.machine.now(),
    after: (ms, call): Timer => {
      let live = true;
      this.machine.after(ms, () => {
        this.#do('timer', () => {
          if (live) call();
        });
      });
      return {
        cancel: () => {
          live = false;
        },
      };
    },
    soon: (call) => this.machine.loop.soon(() => this.run(call)),
  };

  #do(what: 'timer' | 'arrival', call: () => void): void {
    if (!this.alive) return;
    const again = (): void => this.#do(what, call);
    if (this.machine.suspension.holds(what, again) || this.#frozen.holds(what, again)) return;
    call();
  }
}
