/** Loaded into a part with `--import`: says on stderr when OpenTelemetry is loaded. */
import { registerHooks } from 'node:module';

registerHooks({
  resolve(specifier, context, next) {
    if (specifier.startsWith('@opentelemetry/')) process.stderr.write(`{"msg":"loads OpenTelemetry"}\n`);
    return next(specifier, context);
  },
});
