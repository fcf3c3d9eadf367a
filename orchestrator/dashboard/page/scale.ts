import { html } from 'htm/preact';
import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import type { ScaleGroupView, ScaleView } from '#shared/api/schemas.ts';
import { change } from './api.ts';
import { ask } from './dialog.ts';
import { time } from './format.ts';
import { connection, fleet, now, refreshScale, scale } from './store.ts';

const REASONS: Record<ScaleGroupView['reason'], string> = {
  spec: 'as was set',
  burst: 'for a burst',
  running: 'for what runs',
  queue: 'for what waits',
  recent: 'for what ran a moment ago',
  warm: 'kept warm',
  maximum: 'the most that there may be',
};

/** As many as the API takes: nobody has said how many at most. */
const UNBOUNDED = 10_000;

/** How many workers there are and should be, a line for each group. */
export function Scale(): VNode | null {
  useEffect(() => {
    void refreshScale();
  }, [connection.value]);
  const set = scale.value;
  if (!set) return null;
  return html`<div class="scale">
    <div>
      ${set.groups.map((group) => html`<${Group} key=${group.name} group=${group} isOnly=${set.groups.length === 1} />`)}
      ${set.problem && html`<p class="alarm">The scale spec can’t be used: ${set.problem}</p>`}
    </div>
    <${ScaleButton} scale=${set} />
  </div>`;
}

function Group({ group, isOnly }: { group: ScaleGroupView; isOnly: boolean }): VNode {
  // The fleet is told of at once, the scale from time to time.
  const current = fleet.value.filter((worker) => worker.group === group.name).length;
  const workers = `${current === 1 ? 'worker' : 'workers'}`;
  const deviation = current - group.desired;
  // More than nobody has asked for are not too many.
  const isAsWanted = deviation === 0 || (deviation > 0 && group.setBy === null);
  const isSet = group.setBy !== null || group.bursts.length > 0;
  const notes = [
    ...(isSet ? [REASONS[group.reason], boundsOf(group)] : ['no scale is set']),
    ...group.bursts.map(({ workers, until }) => `${workers} until ${time(until, now.value)}`),
    ...(group.draining > 0 ? [`${group.draining} draining`] : []),
    ...(group.setBy === 'api'
      ? ['set until the spec file changes, the orchestrator restarts or another one leads']
      : []),
  ];
  return html`<p>
    ${!isOnly && html`<b>${group.name}: </b>`}<b>${current}</b> ${workers}${isSet ? html` of <b>${group.desired}</b> wanted` : ','}
    ${isSet && !isAsWanted && html` <span class="badge warn">${Math.abs(deviation)} too ${deviation > 0 ? 'many' : 'few'}</span>`}
    <span class="quiet"> ${notes.join('; ')}</span>
    ${group.problem && html`<span class="alarm"> ${group.problem}</span>`}
  </p>`;
}

function boundsOf({ minimum, maximum }: ScaleGroupView): string {
  return maximum < UNBOUNDED ? `at least ${minimum}, at most ${maximum}` : `at least ${minimum}`;
}

const SPEC = [
  ['minimum', 'At least'],
  ['desired', 'Wanted'],
  ['maximum', 'At most'],
] as const;

function ScaleButton({ scale: { groups } }: { scale: ScaleView }): VNode | null {
  const [first] = groups;
  if (!first) return null;
  const only = groups.length === 1 ? first : null;
  const number = (name: string, label: string, now?: number): VNode =>
    html`<label>${label}
      <input name=${name} type="number" min="0" max="10000" step=${name === 'minutes' ? 'any' : 1} placeholder=${now === UNBOUNDED ? 'no limit' : now} />
    </label>`;
  const confirm = (): void =>
    ask({
      title: 'Scale',
      text: 'How many workers there should be, until the spec file changes, the orchestrator restarts or another one leads. What is empty stays.',
      action: 'Set the scale',
      fields: html`<div class="fields">
        ${!only && html`<label>Group <select name="group">${groups.map(({ name }) => html`<option key=${name}>${name}</option>`)}</select></label>`}
        ${SPEC.map(([name, label]) => number(name, label, only?.[name]))}
        ${number('workers', 'Burst: workers')}
        ${number('minutes', 'Burst: minutes')}
      </div>`,
      act: async (values) => {
        await change('PUT', 'scale', { group: first.name, ...scaleChange(values) });
        return 'The scale is set.';
      },
    });
  return html`<button onClick=${confirm}>Scale …</button>`;
}

function scaleChange(values: FormData): object {
  const given = (name: string): string => String(values.get(name) ?? '');
  const group = given('group');
  const spec = SPEC.flatMap(([name]) => (given(name) === '' ? [] : [[name, Number(given(name))] as const]));
  const burst = { workers: Number(given('workers')), minutes: Number(given('minutes')) };
  const hasBurst = given('workers') !== '' || given('minutes') !== '';
  return { ...(group && { group }), ...Object.fromEntries(spec), ...(hasBurst && { burst }) };
}
