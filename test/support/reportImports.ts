/** Loaded into a part by NODE_OPTIONS: says on stderr when it loads something of OpenTelemetry first, and for whom. */
import { registerHooks } from 'node:module';

let isSaid = false;

registerHooks({
  resolve(specifier, context, next) {
    const by = context.parentURL ?? '';
    // Prometheus's client loads the API for exemplars, traces or not.
    if (!isSaid && specifier.startsWith('@opentelemetry/') && !by.includes('/prom-client/')) {
      isSaid = true;
      process.stderr.write(`${JSON.stringify({ msg: 'loads OpenTelemetry', specifier, by })}\n`);
    }
    return next(specifier, context);
  },
});
