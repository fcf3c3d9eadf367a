import { serveTask } from '../task.ts';
import { type InstallationOptions, type Installed, install } from './installation.ts';

/** A process of its own: what hangs on the codecs' volume must not hang the worker. */
await serveTask<InstallationOptions, Installed>(async (options, say) => say(await install(options)));
