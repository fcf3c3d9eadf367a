import { ErrorView, ScaleChange, ScaleParameters, ScaleView } from '#shared/api/schemas.ts';
import { CodedError } from '#shared/errors.ts';
import type { App } from './app.ts';
import type { RouteOptions } from './routes.ts';

export function addScale(app: App, { scaling }: Pick<RouteOptions, 'scaling'>): void {
  app.get(
    '/api/v1/scale',
    {
      schema: {
        tags: ['scale'],
        summary: 'How many workers there are, and how many there should be',
        querystring: ScaleParameters,
        response: { 200: ScaleView, 404: ErrorView },
      },
    },
    ({ query }) => scaling.view(query.group),
  );
  app.put(
    '/api/v1/scale',
    {
      schema: {
        tags: ['scale'],
        summary:
          'Sets the spec of a group until its file changes, the orchestrator restarts or another one leads, or adds a burst',
        body: ScaleChange,
        response: { 200: ScaleView, 404: ErrorView },
      },
    },
    ({ body }) => {
      refuseContradiction(body);
      scaling.change(body);
      return scaling.view();
    },
  );
}

/** Within one request; a bound that contradicts an earlier one moves it. */
function refuseContradiction({ minimum, maximum, desired, burst }: ScaleChange): void {
  const refuse = (problem: string): never => {
    throw new CodedError('bad-request', problem, 'what holds is minimum ≤ desired ≤ maximum');
  };
  if (burst === undefined && (minimum ?? maximum ?? desired) === undefined) refuse('nothing is to be set');
  if (minimum !== undefined && maximum !== undefined && minimum > maximum) {
    refuse(`minimum ${minimum} is more than maximum ${maximum}`);
  }
  if (desired !== undefined && desired < (minimum ?? desired)) {
    refuse(`desired ${desired} is less than minimum ${minimum}`);
  }
  if (desired !== undefined && desired > (maximum ?? desired)) {
    refuse(`desired ${desired} is more than maximum ${maximum}`);
  }
}
