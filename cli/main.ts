import { Output } from './output.ts';
import { run } from './run.ts';

// How the installer strips the hook’s types makes Node warn.
process.removeAllListeners('warning');
// Whoever reads may have read enough: `clusterplex jobs | head`.
process.stdout.on('error', () => process.exit(0));
process.exitCode = await run(process.argv.slice(2), new Output(process.stdout), new Output(process.stderr));
